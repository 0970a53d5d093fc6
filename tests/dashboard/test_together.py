"""One decision on several findings, with exceptions: on a page without script, by keys, and by the API."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser

from diffing.approvals import Approval
from replayer.accounts import Role
from replayer.store import Store
from replayer.tokens import TokenScope

from .desk import Desk, csrf, many, run_of
from .test_browser import logged_in, press, served

MARKS = [f"{number:016x}" for number in range(60)]


@pytest.fixture
def desk(empty_database: str) -> Desk:
    return Desk(empty_database)


def kept(desk: Desk) -> tuple[Approval, ...]:
    with Store.open(desk.url) as store:
        return store.approvals()


def chosen_in(text: str) -> list[str]:
    """The findings that are checked on a page."""
    return re.findall(r'name="fingerprint" value="(\w+)"[^>]* checked>', text)


def decide(client: httpx.Client, run: str, marks: list[str], **form: str) -> httpx.Response:
    sent = {"decision": "approve", "reason": "new prices", **form, **csrf(client)}
    return client.post(f"/runs/{run}/decisions", data={**sent, "fingerprint": marks})


def test_all_that_the_filter_shows_are_chosen_and_some_are_taken_out(desk: Desk) -> None:
    run = run_of(desk.url, many(60))
    client = desk.client(Role.REVIEWER)
    page = client.get(f"/runs/{run}", params={"q": "route:/api/things*", "all": 1}).text
    assert chosen_in(page) == MARKS
    assert chosen_in(client.get(f"/runs/{run}").text) == []
    answer = decide(client, run, MARKS[:58], q="route:/api/things*", scope="branch")
    assert [(each.fingerprint, each.reason, each.of) for each in kept(desk)] == [
        (mark, "new prices", "main") for mark in MARKS[:58]
    ]
    left = client.get(answer.headers["location"], params={"q": "state:undecided"}).text
    assert re.findall(r'name="fingerprint" value="(\w+)"', left) == MARKS[58:]
    assert client.get("/decisions").text.count("Take back</button>") == 50
    assert client.get("/decisions?first=50").text.count("Take back</button>") == 8
    group = answer.headers["location"].partition("group=")[2]
    assert "The decisions are kept." in client.get(answer.headers["location"]).text
    back = client.post(f"/decisions/groups/{group}/withdraw", data={**csrf(client), "back": f"/runs/{run}"})
    assert back.headers["location"] == f"/runs/{run}"
    assert [each.withdrawn is not None for each in kept(desk)] == [True] * 58
    assert client.post(f"/decisions/groups/{group}/withdraw", data=csrf(client)).status_code == 409


def test_it_is_all_or_nothing_and_what_stands_in_the_way_is_named(desk: Desk) -> None:
    run = run_of(desk.url, many(3))
    client = desk.client(Role.REVIEWER)
    decide(client, run, MARKS[1:2], decision="reject", reason="a bug")
    for marks, status, said in (
        (MARKS[:3], 409, f"GET /api/things1 ({MARKS[1]}): ann has rejected this change (a bug). Leave it out."),
        (["f" * 16], 422, "has no finding"),
        ([], 422, "No finding is chosen"),
    ):
        answer = decide(client, run, marks)
        assert answer.status_code == status
        assert said in answer.text.replace("&#39;", "'")
    assert len(kept(desk)) == 1
    assert 'name="fingerprint"' not in desk.client(Role.VIEWER).get(f"/runs/{run}").text


def test_programs_decide_together_too(desk: Desk) -> None:
    run = run_of(desk.url, many(3))
    client = desk.client()
    client.headers["Authorization"] = f"Bearer {desk.token(TokenScope.DECIDE)}"
    new = {"decision": "environment", "reason": "the queue was away", "fingerprints": MARKS[:2]}
    made = client.post(f"/api/v1/runs/{run}/decisions", json=new)
    assert (made.status_code, [each["scope"] for each in made.json()["items"]]) == (201, ["run", "run"])
    again = client.post(f"/api/v1/runs/{run}/decisions", json={**new, "fingerprints": MARKS[:3]}).json()
    assert [each["id"] for each in again["items"][:2]] == [each["id"] for each in made.json()["items"]]
    assert len(kept(desk)) == 3  # the same decision twice is one
    group = again["group"]
    back = client.post(f"/api/v1/decisions/groups/{group}/withdraw", json={}).json()["items"]
    assert [(each["fingerprint"], each["state"]) for each in back] == [(MARKS[2], "withdrawn")]
    assert client.post("/api/v1/decisions/groups/0000/withdraw", json={}).status_code == 404


@pytest.mark.e2e
def test_several_are_chosen_by_keys(browser: Browser, desk: Desk) -> None:
    run = run_of(desk.url, many(5))
    with served(desk) as address, logged_in(browser, desk, address) as page:
        page.goto(f"{address}/runs/{run}")
        page.keyboard.press("g")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("x")  # all but the second one
        page.keyboard.press("i")
        page.keyboard.type("gx: they vary")
        press(page, "Enter")
        assert [(each.fingerprint, each.decision.value) for each in kept(desk)] == [
            (mark, "noise") for mark in MARKS[:5] if mark != MARKS[1]
        ]
        press(page, "u")
        assert all(each.withdrawn for each in kept(desk))
