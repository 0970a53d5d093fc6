"""What the REST API answers, and what it takes."""

from __future__ import annotations

import time
from base64 import b64encode
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from dashboard.access import HEADER
from diffing.difference import Severity
from replayer.accounts import Role
from replayer.store import Store
from replayer.summary import found_by_now
from replayer.target_settings import TargetSettings
from replayer.tokens import TokenScope
from tests.replayer.test_report import COLOUR, HOSTILE, PRICE, PRICES

from .desk import EXCHANGE, Desk, begin, csrf, many, run_of

NEW = {"decision": "approve", "reason": "wanted"}


@pytest.fixture
def desk(empty_database: str) -> Desk:
    return Desk(empty_database)


def program(desk: Desk, *scopes: TokenScope, name: str = "token") -> httpx.Client:
    """A program that shows a token of these scopes, which acts for an admin."""
    client = desk.client()
    client.headers.update({"Authorization": f"Bearer {desk.token(*scopes, name=name)}", "Accept": "application/json"})
    return client


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    return program(desk, *TokenScope)


def all_of(client: httpx.Client, address: str, **asked: str | int) -> list[list[dict[str, object]]]:
    """The parts of a list, by its cursors."""
    parts, cursor = [], ""
    while True:
        answer = client.get(address, params={**asked, "cursor": cursor}).json()
        parts.append(answer["items"])
        if answer["next"] is None:
            return parts
        cursor = answer["next"]


def test_who_asks(desk: Desk, client: httpx.Client) -> None:
    assert client.get("/api/v1/me").json() == {
        "name": "owner",
        "role": "admin",
        "token": {"name": "token", "scopes": ["decide", "read", "runs"]},
        "csrf": None,
    }
    person = desk.client(Role.VIEWER)
    told = {"name": "ann", "role": "viewer", "token": None, "csrf": csrf(person)["csrf"]}
    assert person.get("/api/v1/me").json() == told


def test_a_run_its_report_and_its_ledger(desk: Desk, client: httpx.Client) -> None:
    run = run_of(desk.url, [PRICES, COLOUR])
    (shown,) = client.get("/api/v1/runs").json()["items"]
    nothing = {"count": 0, "confirmed": 0, "flaky": 0, "findings": []}
    assert shown | {"found": nothing} == client.get(f"/api/v1/runs/{run[:6]}").json()
    assert shown["findings"] == {"breaking": 1, "major": 0, "minor": 0, "info": 1}
    assert (shown["id"], shown["recording"], shown["baselines"]) == (run, "r0", ["prod"])
    assert (shown["state"], shown["verdict"], shown["exit_code"]) == ("finished", "fail", 1)
    report = client.get(f"/api/v1/runs/{run}/report").json()
    assert [each["fingerprint"] for each in report["findings"]] == [PRICES.fingerprint, COLOUR.fingerprint]
    assert set(report) >= {"version", "coverage", "fidelity", "limits"}
    ledger = client.get(f"/api/v1/runs/{run}/ledger").json()
    assert ledger == report["ledger"]


def test_a_run_that_is_not_over_has_no_report_and_can_be_cancelled(desk: Desk, client: httpx.Client) -> None:
    with Store.open(desk.url) as store:
        info = store.create_recording("r", service="s", release="1", key_id="k", source="")
        run = store.create_run(info.id, candidate="next")
        for name in ("report", "ledger", "findings"):
            assert client.get(f"/api/v1/runs/{run}/{name}").status_code == 404
        answer = client.post(f"/api/v1/runs/{run}/cancel")
        assert (answer.status_code, answer.json()["id"]) == (202, run)
        assert store.beat_run(run, "", found_by_now([PRICES])) == "by owner"
    found = client.get(f"/api/v1/runs/{run}").json()["found"]
    assert (found["count"], found["confirmed"], found["findings"][0]["location"]["path"]) == (1, 1, PRICE.path)
    assert PRICES.candidate not in found["findings"][0].values()
    again = client.post(f"/api/v1/runs/{run}/cancel")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")


@pytest.fixture
def home(empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A server with one target, whose application is not there."""
    monkeypatch.chdir(tmp_path)
    return Desk(empty_database, targets=(TargetSettings("new", wsgi="tests.absent:app"),))


def test_a_run_is_started_and_what_its_process_says_is_told(home: Desk) -> None:
    run_of(home.url)
    client = program(home, TokenScope.RUNS)
    made = client.post("/api/v1/runs", json={"recording": "r0", "candidate": "new", "passes": 2})
    assert (made.status_code, made.json()["candidate"]) == (201, "new")
    address = f"/api/v1/runs/{made.json()['id']}"
    reader = program(home, TokenScope.READ, name="reader")
    deadline = time.monotonic() + 60
    while reader.get(address).json()["state"] != "failed":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    said = client.get(f"{address}/log").json()["text"]
    assert said.startswith("Started from a page by owner.")
    assert "a name from [targets]" in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"candidate": "http://elsewhere.example"}, "names no target"),
        ({"baselines": ["run:1"]}, "names no target"),
        ({"recording": "/etc/passwd"}, "no recording"),
        ({"passes": 1}, "passes"),
        ({"speed": 1}, "speed"),
    ],
)
def test_a_run_that_can_not_be_is_not_started(home: Desk, wrong: dict[str, object], said: str) -> None:
    finished = run_of(home.url)
    client = program(home, *TokenScope)
    answer = client.post("/api/v1/runs", json={"recording": "r0", "candidate": "new", **wrong})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
    assert said in answer.json()["error"]["message"]
    assert [run["id"] for run in client.get("/api/v1/runs").json()["items"]] == [finished]
    assert client.get(f"/api/v1/runs/{finished}/log").status_code == 404


def test_lists_come_in_parts_and_what_is_added_meanwhile_disturbs_none(desk: Desk, client: httpx.Client) -> None:
    first = [run_of(desk.url) for _ in range(5)]
    part = client.get("/api/v1/runs", params={"limit": 2}).json()
    run_of(desk.url)
    rest = client.get("/api/v1/runs", params={"limit": 3, "cursor": part["next"]}).json()
    assert [each["id"] for each in part["items"] + rest["items"]] == first[::-1]
    assert rest["next"] is None
    parts = all_of(client, "/api/v1/recordings", limit=4)
    assert [[each["name"] for each in items] for items in parts] == [["r5", "r4", "r3", "r2"], ["r1", "r0"]]


def test_findings_are_filtered_as_on_the_page(desk: Desk, client: httpx.Client) -> None:
    run = run_of(desk.url, [COLOUR, *many(3)])
    address = f"/api/v1/runs/{run}/findings"
    parts = all_of(client, address, limit=3)
    assert [[each["fingerprint"] for each in items] for items in parts] == [
        [each.fingerprint for each in many(3)],
        [COLOUR.fingerprint],
    ]
    (only,) = all_of(client, address, q="severity:info")
    assert [each["fingerprint"] for each in only] == [COLOUR.fingerprint]
    assert "undecided" in only[0]["states"]  # type: ignore[operator]
    wrong = client.get(address, params={"q": "sverity:info"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "filter")


@pytest.mark.parametrize("cursor", ["!", "e30", "W251bGxd", "WyJ4Il0", "WzEsICJhIiwgMl0", "W05hTl0", "x" * 501])
def test_a_cursor_that_is_none_is_said(desk: Desk, client: httpx.Client, cursor: str) -> None:
    run_of(desk.url)
    for address in ("runs", "recordings", "decisions"):
        assert client.get(f"/api/v1/{address}", params={"cursor": cursor}).status_code in (200, 422)
    assert client.get("/api/v1/runs", params={"cursor": "WyJ4Il0"}).json()["error"]["code"] == "cursor"


def test_two_runs_are_held_against_each_other(desk: Desk, client: httpx.Client) -> None:
    worse = replace(COLOUR, severity=Severity.MAJOR)
    before, after = run_of(desk.url, [PRICES, COLOUR]), run_of(desk.url, [worse, many(1)[0], PRICES])
    told = client.get(f"/api/v1/runs/{after}/compare/{before}").json()
    assert [each["fingerprint"] for each in told["new"]] == [many(1)[0].fingerprint]
    assert [(each["was"]["severity"], each["now"]["severity"]) for each in told["graver"]] == [("info", "major")]
    assert [each["now"]["fingerprint"] for each in told["still"]] == [PRICES.fingerprint]
    back = client.get(f"/api/v1/runs/{before}/compare/{after}").json()
    assert [each["fingerprint"] for each in back["gone"] + back["unknown"]] == [many(1)[0].fingerprint]
    assert client.get(f"/api/v1/runs/{after}/compare/abc").status_code == 404


def test_a_finding_in_full_has_the_request_and_both_answers(desk: Desk, client: httpx.Client) -> None:
    run = run_of(desk.url, [PRICES], body=b'{"price": 1999}', candidate=b"\xff\xfe")
    found = client.get(f"/api/v1/runs/{run}/findings/{PRICES.fingerprint}").json()
    (exemplar,) = found["exemplars"]
    assert exemplar["exchange"] == EXCHANGE
    assert exemplar["request"]["target"] == "/api/orders/7?page=2"
    assert exemplar["request"]["headers"] == [["Host", "shop.example"]]
    body = {"text": '{"price": 1999}', "base64": None, "size": 15, "cut": False}
    assert exemplar["baseline"]["response"]["body"] == body
    assert exemplar["candidate"]["response"]["body"]["base64"] == "//4="
    assert client.get(f"/api/v1/runs/{run}/findings/abc").status_code == 404


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("é".encode() * 50_000, "é" * 32_768),
        (b"x" + "é".encode() * 50_000, "x" + "é" * 32_767),
        (b"\xff" * 70_000, None),
    ],
    ids=["between characters", "within a character", "no text"],
)
def test_a_large_body_is_cut_and_that_is_said(desk: Desk, client: httpx.Client, body: bytes, text: str | None) -> None:
    run = run_of(desk.url, [PRICES], body=body)
    found = client.get(f"/api/v1/runs/{run}/findings/{PRICES.fingerprint}").json()
    shown = found["exemplars"][0]["baseline"]["response"]["body"]
    assert (shown["size"], shown["cut"], shown["text"]) == (len(body), True, text)
    assert shown["base64"] == (None if text else b64encode(body[: 64 * 1024]).decode())


def test_hostile_values_do_no_harm(desk: Desk, client: httpx.Client) -> None:
    evil = replace(PRICES, route=HOSTILE, baseline=HOSTILE, candidate=float("nan"), detail=HOSTILE)
    run = run_of(desk.url, [evil])
    for path in ("report", "ledger", "findings", f"findings/{PRICES.fingerprint}"):
        answer = client.get(f"/api/v1/runs/{run}/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/json"
    assert answer.json()["candidate"] == "nan"


def test_a_decision_is_made_once_listed_and_taken_back(desk: Desk, client: httpx.Client) -> None:
    run = run_of(desk.url)
    address = f"/api/v1/runs/{run}/findings/{PRICES.fingerprint}/decisions"
    made = client.post(address, json={**NEW, "scope": "run", "until": "2999-01-31"})
    assert made.status_code == 201
    told = made.json()
    shown = ("decision", "state", "by", "reason", "scope", "of", "until", "filed", "withdrawn")
    wanted = ["approve", "holds", "owner", "wanted", "run", run, "2999-01-31", False, None]
    assert [told[name] for name in shown] == wanted
    again = client.post(address, json={**NEW, "scope": "run", "until": "2999-01-31"})
    assert (again.status_code, again.json()["id"]) == (200, told["id"])
    (found,) = client.get(f"/api/v1/runs/{run}/findings", params={"q": "state:approved"}).json()["items"]
    assert (found["approved"]["by"], found["fingerprint"]) == ("owner", PRICES.fingerprint)
    file = client.get("/api/v1/decisions/understudy.approvals.toml")
    assert file.headers["content-disposition"] == 'attachment; filename="understudy.approvals.toml"'
    assert "approval." not in file.text  # that of one run is none of the repository's
    back = client.post(f"/api/v1/decisions/{told['id']}/withdraw", json={"reason": "too early"})
    assert (back.json()["state"], back.json()["withdrawn"]["reason"]) == ("withdrawn", "too early")
    assert client.post(f"/api/v1/decisions/{told['id']}/withdraw", json={}).status_code == 409
    assert client.get("/api/v1/decisions").json() == {"items": [back.json()], "next": None}
    assert client.get(f"/api/v1/decisions/{told['id']}").json() == back.json()


def test_what_is_put_down_to_the_environment_is_of_its_run(desk: Desk, client: httpx.Client) -> None:
    run = run_of(desk.url)
    address = f"/api/v1/runs/{run}/findings/{PRICES.fingerprint}"
    made = client.post(f"{address}/decisions", json={**NEW, "decision": "environment"}).json()
    assert (made["decision"], made["scope"], made["of"]) == ("environment", "run", run)
    assert client.get(address).json()["set_aside"]["by"] == "owner"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"json": {**NEW, "reason": ""}}, 422, "invalid"),
        ({"json": {**NEW, "reason": " "}}, 422, "invalid"),
        ({"json": {**NEW, "decision": "colour"}}, 422, "invalid"),
        ({"json": {**NEW, "decision": "environment", "scope": "always"}}, 422, "invalid"),
        ({"json": {**NEW, "until": "2020-01-31"}}, 422, "invalid"),
        ({"json": {**NEW, "until": "soon"}}, 422, "invalid"),
        ({"json": {**NEW, "author": "bob"}}, 422, "invalid"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422, "invalid"),
        ({"content": b"\xff", "headers": {"Content-Type": "application/json"}}, 422, "invalid"),
        ({"content": b'{"reason": "\\ud800"}', "headers": {"Content-Type": "application/json"}}, 422, "invalid"),
        ({"data": NEW}, 415, "media_type"),
        ({"json": {**NEW, "reason": "x" * 70_000}}, 413, "too_large"),
    ],
)
def test_what_is_no_decision_is_said(
    desk: Desk, client: httpx.Client, sent: dict[str, object], status: int, code: str
) -> None:
    run = run_of(desk.url)
    answer = client.post(f"/api/v1/runs/{run}/findings/{PRICES.fingerprint}/decisions", **sent)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    with Store.open(desk.url) as store:
        assert store.approvals() == ()


def test_what_does_not_fit_the_state_that_things_are_in_is_a_conflict(desk: Desk, client: httpx.Client) -> None:
    finished, going = run_of(desk.url, [PRICES, COLOUR]), begin(desk.url)
    new = {**NEW, "scope": "always"}
    rule = {"reason": "it varies", "anyway": True, "until": (date.today() + timedelta(days=3)).isoformat()}

    def told(address: str, given: object) -> tuple[int, str]:
        answer = client.post(f"/api/v1/{address}", json=given)
        return answer.status_code, answer.json().get("error", {}).get("code", "")

    open_, closed = f"runs/{going}/findings/{PRICES.fingerprint}", f"runs/{finished}/findings/{PRICES.fingerprint}"
    for action, given in (
        ("decisions", new),
        ("comments", {"text": "why?"}),
        ("assignee", {"assignee": None}),
        ("rule", rule),
        ("again", {}),
    ):
        assert told(f"{open_}/{action}", given) == (409, "conflict"), action  # it is not finished
        assert told(f"{closed}0/{action}", given) == (404, "not_found"), action
    assert told(f"runs/{going}/decisions", {**new, "fingerprints": [PRICES.fingerprint]}) == (409, "conflict")
    assert told(f"runs/{finished}/cancel", {}) == (409, "conflict")
    for address in (f"{closed}/again", f"runs/{finished}/again"):  # it is not known how it was asked for
        assert told(address, {}) == (409, "conflict")
    assert told(f"{closed}/decisions", {**new, "decision": "reject"}) == (201, "")
    assert told(f"{closed}/decisions", new) == (409, "conflict")  # somebody has rejected it
    comment = client.post(f"/api/v1/{closed}/comments", json={"text": "why?"}).json()["id"]
    kept = f"runs/{finished}/findings/{COLOUR.fingerprint}/rule"
    identity = client.post(f"/api/v1/{kept}", json=rule).json()["id"]
    assert told(kept, rule) == (409, "conflict")  # there is one
    for address in (f"comments/{comment}/resolve", f"rules/{identity}/withdraw"):
        assert [told(address, {}) for _ in range(2)] == [(200, ""), (409, "conflict")]


def test_a_login_proves_itself_and_a_token_need_not(desk: Desk, client: httpx.Client) -> None:
    run = run_of(desk.url)
    address = f"/api/v1/runs/{run}/findings/{PRICES.fingerprint}/decisions"
    person = desk.client(Role.REVIEWER)
    for headers in ({}, {HEADER: "0" * 64}, {HEADER: csrf(desk.client(Role.REVIEWER, "bob"))["csrf"]}):
        answer = person.post(address, json=NEW, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "csrf")
    proof = {HEADER: csrf(person)["csrf"]}
    assert person.post(address, json=NEW, headers={**proof, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert person.post(address, json=NEW, headers=proof).json()["by"] == "ann"
    assert client.post(address, json=NEW).json()["by"] == "owner"


def test_a_token_is_no_second_person(desk: Desk) -> None:
    run = run_of(desk.url)
    address = f"/api/v1/runs/{run}/findings/{PRICES.fingerprint}/decisions"
    one, other = program(desk, TokenScope.DECIDE), program(desk, TokenScope.DECIDE, name="other")
    first = one.post(address, json=NEW)
    second = other.post(address, json=NEW)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_what_is_not_there_has_the_one_shape(desk: Desk, client: httpx.Client) -> None:
    run = run_of(desk.url)
    for method, path in [
        ("GET", "runs/abcdef"),
        ("GET", "runs/abcdef/findings"),
        ("POST", "runs/abcdef/cancel"),
        ("GET", "recordings/99"),
        ("GET", "decisions/0000"),
        ("POST", "decisions/0000/withdraw"),
        ("POST", f"runs/{run}/findings/0000/decisions"),
        ("GET", "nothing"),
    ]:
        answer = client.request(method, f"/api/v1/{path}", json=NEW if "decisions" in path and "runs" in path else {})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path
    assert client.put("/api/v1/runs").json()["error"]["code"] == "method_not_allowed"


def test_the_description_is_of_the_api_alone(client: httpx.Client) -> None:
    told = client.get("/api/v1/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert all(path.startswith("/api/v1/") for path in told["paths"])
    assert "HTTPValidationError" not in told["components"]["schemas"]
    for path, item in told["paths"].items():
        for method, operation in item.items():
            assert {"401", "403", "422", "503"} <= set(operation["responses"]), (method, path)
