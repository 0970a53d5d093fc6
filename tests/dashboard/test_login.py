"""Logging in and out, and the link of the first run."""

from __future__ import annotations

import pytest

from dashboard.access import COOKIE
from dashboard.throttle import ATTEMPTS, LONGEST_PAUSE, PAUSE_SECONDS, Throttle
from replayer.accounts import Role
from replayer.store import Store

from .desk import PASSWORD, Desk, csrf


@pytest.fixture
def desk(empty_database: str) -> Desk:
    made = Desk(empty_database, first_link="the link's secret")
    made.add_user("Ann Lee", Role.REVIEWER)
    return made


def test_the_first_link_lets_one_person_in_once(desk: Desk) -> None:
    client = desk.client()
    assert client.get("/welcome", params={"token": "another"}).status_code == 403
    answer = client.get("/welcome", params={"token": "the link's secret"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "ann (admin)" in client.get("/").text
    assert desk.client().get("/welcome", params={"token": "the link's secret"}).status_code == 403


def test_without_a_first_link_no_token_is_right(empty_database: str) -> None:
    client = Desk(empty_database).client()
    assert client.get("/welcome").status_code == 403
    assert client.get("/welcome", params={"token": ""}).status_code == 403


def test_a_user_logs_in_comes_to_what_was_asked_for_and_logs_out(desk: Desk) -> None:
    client = desk.client()
    assert client.get("/recordings?x=1").headers["location"] == "/login?next=%2Frecordings%3Fx%3D1"
    form = {"name": " Ann  Lee ", "password": PASSWORD, "next": "/recordings?x=1"}
    answer = client.post("/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/recordings?x=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Ann Lee (reviewer)" in client.get("/").text
    secret = client.cookies[COOKIE]
    assert client.post("/logout", data=csrf(client)).headers["location"] == "/login"
    client.cookies.set(COOKIE, secret)
    assert client.get("/").status_code == 303  # the secret itself is worth nothing any more


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_a_login_leads_nowhere_else(desk: Desk, back: str) -> None:
    form = {"name": "Ann Lee", "password": PASSWORD, "next": back}
    assert desk.client().post("/login", data=form).headers["location"] == "/"
    assert "evil" not in desk.client().get("/login", params={"next": back}).text


def test_who_it_was_is_not_told_and_guessing_is_slowed_down(desk: Desk) -> None:
    client = desk.client()
    answers = [client.post("/login", data={"name": name, "password": "wrong"}) for name in ("Ann Lee", "nobody")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert "Name and password do not belong together." in answers[0].text
    assert answers[0].text == answers[1].text
    for _ in range(ATTEMPTS):
        answer = client.post("/login", data={"name": "Ann Lee", "password": "wrong"})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= PAUSE_SECONDS
    assert client.post("/login", data={"name": "Ann Lee", "password": PASSWORD}).status_code == 429


def test_who_is_disabled_or_changed_is_out_at_once(desk: Desk) -> None:
    client = desk.client()
    client.post("/login", data={"name": "Ann Lee", "password": PASSWORD})
    assert client.get("/").status_code == 200
    with Store.open(desk.url) as store:
        store.change_user("Ann Lee", disabled=1.0)
    assert client.get("/").status_code == 303
    assert client.post("/login", data={"name": "Ann Lee", "password": PASSWORD}).status_code == 401


def test_a_login_ends(desk: Desk) -> None:
    client = desk.client(Role.VIEWER)
    assert client.get("/").status_code == 200
    with Store.open(desk.url) as store, store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE logins SET expires = 1")
    assert client.get("/").status_code == 303


def test_pauses_grow_to_a_bound_and_are_forgotten_after_success() -> None:
    clock = [0.0]
    throttle = Throttle(lambda: clock[0])
    for _ in range(ATTEMPTS - 1):
        throttle.failed("a")
    assert throttle.wait("a") == 0.0
    throttle.failed("a")
    assert throttle.wait("a", "b") == PAUSE_SECONDS
    clock[0] += PAUSE_SECONDS
    assert throttle.wait("a") == 0.0
    throttle.failed("a")
    assert throttle.wait("a") == 2 * PAUSE_SECONDS
    for _ in range(20):
        throttle.failed("a")
    assert throttle.wait("a") == LONGEST_PAUSE
    throttle.succeeded("a")
    assert throttle.wait("a") == 0.0


def test_who_may_not_see_a_page_keeps_the_links_to_the_others(empty_database: str) -> None:
    answer = Desk(empty_database).client(Role.REVIEWER).get("/start")
    assert answer.status_code == 403
    assert "This takes the role admin; ann is reviewer." in answer.text
    assert 'href="/decisions"' in answer.text
