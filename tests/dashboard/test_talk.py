"""What people say to each other of findings, and who looks after them: pages, filter, API, and what it holds back."""

from __future__ import annotations

import httpx
import pytest

from replayer.accounts import Accounts, Role
from replayer.audit import events
from replayer.store import Store, UserRecord
from replayer.tokens import TokenScope
from tests.replayer.test_report import COLOUR, HOSTILE, PRICES

from .desk import Desk, csrf, run_of, shown_in

TEXT = "Why a text?\r\nThe app reads a number."


@pytest.fixture
def desk(empty_database: str) -> Desk:
    return Desk(empty_database)


def listed(client: httpx.Client, run: str, query: str) -> list[str]:
    return shown_in(client.get(f"/runs/{run}", params={"q": query}).text)


def test_a_comment_is_told_in_every_run_and_holds_back_an_approval_of_a_tagged_route(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES, COLOUR])
    ann, bob = desk.client(Role.REVIEWER, "ann"), desk.client(Role.REVIEWER, "bob")
    finding = f"/runs/{run}/findings/{PRICES.fingerprint}"
    said = ann.post(f"{finding}/comments", data={"text": TEXT, **csrf(ann)})
    assert said.headers["location"] == f"{finding}#talk"
    bob.post(finding, data={"decision": "approve", "reason": "wanted", **csrf(bob)})
    other = run_of(desk.url, [PRICES])
    for each in (run, other):
        text = bob.get(f"/runs/{each}/findings/{PRICES.fingerprint}").text
        assert "Why a text?\nThe app reads a number." in text
        assert "approved by bob, but a comment is not resolved" in text
        assert listed(bob, each, "is:unresolved is:commented state:undecided") == [PRICES.fingerprint]
    assert "Everything that blocked is approved" not in bob.get(f"/runs/{run}").text
    with Store.open(desk.url) as store:
        (comment,) = store.comments()
    resolve = f"{finding}/comments/{comment.id}/resolve"
    assert bob.post(resolve, data=csrf(bob)).status_code == 303
    assert "resolved already, by bob" in bob.post(resolve, data=csrf(bob)).text
    assert "Everything that blocked is approved" in bob.get(f"/runs/{run}").text
    assert listed(bob, run, "is:commented !is:unresolved state:approved") == [PRICES.fingerprint]


def test_a_finding_is_given_to_somebody_and_found_by_that(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES, COLOUR])
    desk.add_user("Kim Lee", Role.REVIEWER)
    desk.add_user("gone", Role.REVIEWER)
    with Store.open(desk.url) as store:
        Accounts(store).change("gone", disable=True)
    ann = desk.client(Role.REVIEWER, "ann")
    address = f"/runs/{run}/findings/{PRICES.fingerprint}/assignee"
    for name in ("ann", "Kim Lee"):
        assert ann.post(address, data={"assignee": name, **csrf(ann)}).status_code == 303
    assert listed(ann, run, 'assignee:"kim lee"') == [PRICES.fingerprint]
    assert listed(ann, run, "is:unassigned") == [COLOUR.fingerprint]
    assert listed(ann, run, "assignee:me") == []
    assert listed(desk.client(Role.VIEWER, "Kim Lee"), run, "assignee:me") == [PRICES.fingerprint]
    for name in ("gone", "nobody at all"):
        answer = ann.post(address, data={"assignee": name, **csrf(ann)})
        assert (answer.status_code, "There is no user" in answer.text) == (422, True)
    ann.post(address, data={"assignee": "", **csrf(ann)})
    assert listed(ann, run, "is:assigned") == []
    with Store.open(desk.url) as store:
        found = [(each.before, each.after) for each in events(store, desk.settings) if "assigned" in each.action]
    assert sorted(found) == [("", "ann"), ("Kim Lee", ""), ("ann", "Kim Lee")]


def test_whoever_is_mentioned_finds_that_among_what_is_theirs(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES, COLOUR])
    with Store.open(desk.url) as store:
        for name in ("Kim Lee", "Kim", "bob"):
            store.add_user(UserRecord(name, Role.REVIEWER.value, "", 0.0))
    ann, kim = desk.client(Role.REVIEWER, "ann"), desk.client(Role.VIEWER, "Kim Lee")
    finding = f"/runs/{run}/findings/{COLOUR.fingerprint}"
    ann.post(f"{finding}/comments", data={"text": "<b>@kim lee</b>, is that yours? bob@shop.example", **csrf(ann)})
    assert "Mine:" not in ann.get(f"/runs/{run}").text
    assert f'href="/runs/{run}?q=mentions%3Ame">that mention me <span class="dim">1' in kim.get(f"/runs/{run}").text
    for client, query, found in (
        (kim, "mentions:me", [COLOUR.fingerprint]),
        (ann, "mentions:'kim lee'", [COLOUR.fingerprint]),
        (ann, "mentions:me", []),
        (ann, "mentions:kim", []),
        (ann, "mentions:bob", []),
    ):
        assert listed(client, run, query) == found, query
    text = ann.get(finding).text
    assert f'&lt;b&gt;<a href="/runs/{run}?q=mentions%3A%27Kim+Lee%27">@kim lee</a>&lt;/b&gt;, is that yours?' in text
    with Store.open(desk.url) as store:
        (said,) = (each.after for each in events(store, desk.settings) if each.action == "comment.made")
    assert "@kim lee" in said
    client = desk.client()
    client.headers["Authorization"] = f"Bearer {desk.token(TokenScope.READ, TokenScope.DECIDE)}"
    assert client.get(f"/api/v1{finding}").json()["comments"][0]["mentions"] == ["Kim Lee"]
    assert client.post(f"/api/v1{finding}/comments", json={"text": "@bob, @Bob"}).json()["mentions"] == ["bob"]


def test_programs_talk_too(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES])
    client = desk.client()
    client.headers["Authorization"] = f"Bearer {desk.token(TokenScope.DECIDE, TokenScope.READ)}"
    finding = f"/api/v1/runs/{run}/findings/{PRICES.fingerprint}"
    made = client.post(f"{finding}/comments", json={"text": TEXT})
    assert (made.status_code, made.json()["by"], made.json()["resolved_by"]) == (201, "owner", None)
    assert client.post(f"{finding}/assignee", json={"assignee": "owner"}).json() == {"assignee": "owner"}
    done = client.post(f"/api/v1/comments/{made.json()['id']}/resolve")
    assert (done.status_code, done.json()["resolved_by"]) == (200, "owner")
    told = client.get(finding).json()
    assert (told["assignee"], told["comments"]) == ("owner", [done.json()])
    for path, given, status in (
        (f"{finding}/comments", {"text": "  "}, 422),
        (f"{finding}/assignee", {"assignee": "nobody at all"}, 422),
        (f"{finding}0/comments", {"text": "x"}, 404),
        ("/api/v1/comments/0000/resolve", {}, 404),
    ):
        assert client.post(path, json=given).status_code == status, path


def test_hostile_comments_are_text(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES])
    hostile = HOSTILE.encode("utf-8", "ignore").decode()
    ann = desk.client(Role.REVIEWER)
    finding = f"/runs/{run}/findings/{PRICES.fingerprint}"
    ann.post(f"{finding}/comments", data={"text": hostile, **csrf(ann)})
    for path in (f"/runs/{run}", finding, "/audit"):
        text = ann.get(path).text
        assert "<img" not in text
        assert "\u202e" not in text
