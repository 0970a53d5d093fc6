"""Noise rules on pages and in the API: what there is, what one would hide, and what is kept."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date, timedelta

import httpx
import pytest

from diffing.difference import Location, Part
from diffing.profile import NoiseProfile, Place
from replayer.accounts import Role
from replayer.settings import NoiseSetting, PolicySettings, Settings, Tag, TagPolicy
from replayer.store import Store
from replayer.tokens import TokenScope
from tests.replayer.test_report import COLOUR, HOSTILE, PRICES

from .desk import Desk, csrf, finish, run_of
from .test_api import program

SEEN = NoiseSetting("GET /api/**", "$.items[*].seen_at", "when it was <b>asked</b>", "timestamp", author="kim")
IDLE = NoiseSetting("GET /api/nowhere", "$.id", "was needed once")


def desk_of(url: str, *rules: NoiseSetting, **settings: object) -> Desk:
    """A dashboard whose settings file has these rules."""
    return Desk(url, base=replace(Settings(), noise=rules, **settings))  # type: ignore[arg-type]


def profile(url: str, run: str, *keys: str) -> None:
    """As if passes of the baseline had shown that these places vary, and no others do."""
    with Store.open(url) as store:
        places = {key: Place(varies=True) for key in keys}
        recording = store.run(run).recording_id
        assert recording is not None
        store.keep_profile(recording, "", run, NoiseProfile(places, pairs=9).to_json())


def test_rules_are_shown_with_hits_and_with_what_is_wrong(empty_database: str) -> None:
    desk = desk_of(empty_database, SEEN, IDLE)
    assert "There are no rules" in Desk(empty_database).client(Role.VIEWER).get("/rules").text
    run = run_of(desk.url, [PRICES])
    text = desk.client(Role.VIEWER).get("/rules").text
    first, second = text.partition("</main>")[0].split("<tr><td>")[1:]
    assert "active" in first
    assert "4 <span" in first
    assert "when it was &lt;b&gt;asked&lt;/b&gt;" in first
    assert "GET /api/orders/&lt;int:id&gt;" in first
    assert "no such route: The last run replayed no route of this name." in second
    assert "no author" in second
    assert "What varies between passes of the baseline is not known" in text
    profile(desk.url, run)
    assert "is not known" not in desk.client(Role.VIEWER).get("/rules").text


def test_the_api_lists_rules_as_the_page_does(empty_database: str) -> None:
    desk = desk_of(empty_database, SEEN, IDLE)
    run = run_of(desk.url, [PRICES, COLOUR])
    client = program(desk, TokenScope.READ)
    told = client.get("/api/v1/rules", params={"limit": 1}).json()
    (rule,) = told["items"]
    assert (rule["name"], rule["state"], rule["hid"]) == ("GET /api/** $.items[*].seen_at (timestamp)", "active", 4)
    assert rule["runs"] == [{"run": run, "hid": 4}]
    assert [each["location"]["path"] for each in rule["places"]] == ["$.items[*].seen_at"]
    assert (told["runs"], len(told["not_judged"])) == (1, 1)
    (idle,) = client.get("/api/v1/rules", params={"cursor": told["next"]}).json()["items"]
    assert [each["fault"] for each in idle["remarks"]] == ["no such route", "no author"]


PRICE_KEY = "GET /api/orders/<int:id>|2xx|$.items[*].price"
PAYMENTS = (Tag("payments", ("* /api/orders/**",)),)
NARROW = {"route": "GET /api/orders/<int:id>", "path": "$.items[*].price", "kind": "number"}


def keep(client: httpx.Client, run: str, fingerprint: str, **form: str) -> httpx.Response:
    return client.post(
        f"/runs/{run}/findings/{fingerprint}/rule",
        data={"reason": "set by the <i>market</i>", "days": "7", **form, **csrf(client)},
    )


def test_a_finding_leads_to_the_narrowest_rule_and_what_it_would_have_hidden(empty_database: str) -> None:
    desk = Desk(empty_database)
    earlier, run = run_of(desk.url, [COLOUR]), ""
    with Store.open(desk.url) as store:  # another run of the same recording
        run = store.create_run(store.recordings()[0].id, candidate="next", branch="main")
    finish(desk.url, run, [COLOUR, PRICES])
    client = desk.client(Role.REVIEWER)
    assert f'id="rule" href="/runs/{run}/findings/{COLOUR.fingerprint}/rule"' in client.get(
        f"/runs/{run}/findings/{COLOUR.fingerprint}"
    ).text.replace("&#34;", '"')
    text = client.get(f"/runs/{run}/findings/{COLOUR.fingerprint}/rule").text
    assert "2 findings in 2 of the latest 2 runs" in text
    assert earlier[:8] in text
    assert "GET /api/products $.colour (object)" in text
    assert "on tagged routes" not in text
    assert 'class="problem' not in text  # a flaky finding on a plain route
    assert "Not to be kept: What varies between passes of the baseline is not known" in text  # on every route
    one = client.get(f"/runs/{run}/findings/{COLOUR.fingerprint}/rule", params={"runs": "1"}).text
    assert "1 finding in 1 of the latest 1 run" in one
    assert (
        "takes the role reviewer"
        in desk.client(Role.VIEWER).get(f"/runs/{run}/findings/{COLOUR.fingerprint}/rule").text
    )
    with Store.open(desk.url) as store:
        store.delete_recording(store.recordings()[0].id)
    gone = client.get(f"/runs/{run}/findings/{COLOUR.fingerprint}/rule").text
    assert "Known places that it names: 1." in gone  # by the findings alone


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"path": "price"}, "It would hide nothing of this finding."),
        ({"path": "*"}, "names every place there is"),
        ({"path": "$.items[*].pri*"}, "There are no substrings"),
        ({"route": "everything"}, "write a method, a space and a path"),
        ({"route": "* /**"}, "did not vary between passes of the baseline"),
        ({"path": "$.items.**", "kind": "any"}, "routes with the tag &#39;payments&#39;"),
        ({"kind": "uuid"}, "It would hide nothing of this finding."),
        ({"route": "GET /elsewhere"}, "It would hide nothing of this finding."),
    ],
)
def test_a_rule_that_can_not_be_kept_says_why(empty_database: str, typed: dict[str, str], said: str) -> None:
    desk = desk_of(empty_database, tags=PAYMENTS)
    run = run_of(desk.url, [PRICES])
    profile(desk.url, run)
    client = desk.client(Role.ADMIN)
    address = f"/runs/{run}/findings/{PRICES.fingerprint}/rule"
    text = client.get(address, params={**NARROW, **typed}).text
    assert said in text
    assert 'name="reason"' not in text
    answer = keep(client, run, PRICES.fingerprint, **NARROW | typed, anyway="on")
    assert answer.status_code == 422
    with Store.open(desk.url) as store:
        assert store.kept_rules() == ()


def test_a_rule_for_a_tagged_route_takes_an_admin_who_has_read_the_warnings(empty_database: str) -> None:
    desk = desk_of(empty_database, tags=PAYMENTS)
    run = run_of(desk.url, [PRICES])
    profile(desk.url, run)
    reviewer, admin = desk.client(Role.REVIEWER, "bob"), desk.client(Role.ADMIN, "kim")
    address = f"/runs/{run}/findings/{PRICES.fingerprint}/rule"
    assert "Only an admin keeps a rule" in reviewer.get(address).text
    assert keep(reviewer, run, PRICES.fingerprint, anyway="on").status_code == 422
    text = admin.get(address).text
    assert "1 on tagged routes" in text
    assert "It may hide changes on routes with the tag &#39;payments&#39;." in text
    assert "The baseline did not vary there, and the change was not flaky" in text
    unread = keep(admin, run, PRICES.fingerprint)
    assert (unread.status_code, "kept all the same" in unread.text) == (422, True)
    assert "set by the &lt;i&gt;market" in unread.text  # what was typed is still there
    kept = keep(admin, run, PRICES.fingerprint, anyway="on")
    assert kept.status_code == 303
    with Store.open(desk.url) as store:
        (rule,) = store.kept_rules()
    assert (rule.rule.name, rule.rule.author, rule.run) == (
        "GET /api/orders/<int:id> $.items[*].price (number)",
        "kim",
        run,
    )
    assert rule.rule.until == date.today() + timedelta(days=7)
    page = admin.get(kept.headers["location"]).text
    assert "path = &#34;$.items[*].price&#34;" in page
    assert "<td>database<form" in page
    file = admin.get("/rules.toml")
    assert file.headers["content-disposition"].startswith("attachment")
    assert tomllib.loads(file.text)["noise"][0]["reason"] == "set by the <i>market</i>"
    assert keep(admin, run, PRICES.fingerprint, **NARROW, anyway="on").status_code == 409  # there is one
    assert "GET /api/cart $.items[*].price (str)" in admin.get(address).text  # the place that is left
    assert f'href="{address.removesuffix("/rule")}">Back to the finding' in page
    assert reviewer.post(f"/rules/{rule.id}/withdraw", data=csrf(reviewer)).status_code == 303
    page = admin.get("/rules").text
    assert "taken back" in page
    assert "by bob" in page
    assert "There are no rules" in page
    assert reviewer.post(f"/rules/{rule.id}/withdraw", data=csrf(reviewer)).status_code == 409


def test_where_two_people_decide_nobody_keeps_a_rule(empty_database: str) -> None:
    policy = PolicySettings(tags=(("payments", TagPolicy(reviewers=2)),))
    desk = desk_of(empty_database, tags=PAYMENTS, policy=policy)
    run = run_of(desk.url, [PRICES])
    profile(desk.url, run, PRICE_KEY)
    client = desk.client(Role.ADMIN)
    assert "Two people decide on routes" in client.get(f"/runs/{run}/findings/{PRICES.fingerprint}/rule").text
    assert keep(client, run, PRICES.fingerprint, anyway="on").status_code == 422


def test_what_no_rule_hides_is_said(empty_database: str) -> None:
    run = run_of(empty_database, [replace(PRICES, kind="status", location=Location(Part.STATUS, ""), members=())])
    text = Desk(empty_database).client(Role.ADMIN).get(f"/runs/{run}/findings/{PRICES.fingerprint}/rule").text
    assert "No rule hides another status" in text
    assert 'id="asking"' not in text


def test_a_program_previews_keeps_and_takes_back(empty_database: str) -> None:
    desk = Desk(empty_database)
    run = run_of(desk.url, [COLOUR, PRICES])
    client = program(desk, *TokenScope)
    address = f"/api/v1/runs/{run}/findings/{COLOUR.fingerprint}/rule"
    told = client.get(address).json()
    assert (told["route"], told["path"], told["kind"]) == ("GET /api/products", "$.colour", "object")
    assert (told["refusals"], told["warnings"], told["problem"]) == ([], [], "")
    assert [(each["run"], each["fingerprint"], each["whole"]) for each in told["would_hide"]] == [
        (run, COLOUR.fingerprint, True)
    ]
    assert [bool(each["objection"]) for each in told["choices"]] == [False, True]
    wide = client.get(address, params={"route": "* /**", "path": "$.colour"}).json()
    assert wide["refusals"]
    loose = client.get(address, params={"kind": "any"}).json()
    assert (loose["route"], loose["path"], loose["kind"]) == ("GET /api/products", "$.colour", "any")
    until = str(date.today() + timedelta(days=30))
    new = {"reason": "colours are edited", "until": until}
    for wrong in ({"until": "2020-01-31"}, {"until": "2999-01-31"}, {"reason": " "}, {"days": 7}):
        assert client.post(address, json={**new, **wrong}).status_code == 422
    made = client.post(address, json=new)
    assert made.status_code == 201, made.text
    kept = made.json()
    assert (kept["author"], kept["until"], kept["fingerprint"]) == ("owner", until, COLOUR.fingerprint)
    assert tomllib.loads(kept["toml"])["noise"][0]["path"] == "$.colour"
    finding = address.removesuffix("/rule")
    assert client.get(finding).json()["hidden_by"] == ["GET /api/products $.colour (object)"]
    said = "The noise rule GET /api/products $.colour (object) hides this in gates that begin now."
    page = finding.removeprefix("/api/v1")
    assert said in desk.client(Role.VIEWER).get(page).text
    (listed,) = client.get("/api/v1/rules").json()["items"]
    assert (listed["id"], listed["kept_in"], listed["state"]) == (kept["id"], "store", "new")
    gone = client.post(f"/api/v1/rules/{kept['id']}/withdraw", json={"reason": "it was a change"}).json()
    assert gone == client.get(f"/api/v1/rules/{kept['id']}").json()
    assert (gone["withdrawn"]["by"], gone["withdrawn"]["reason"]) == ("owner", "it was a change")
    assert client.get("/api/v1/rules").json()["items"] == []
    assert client.get(finding).json()["hidden_by"] == []
    told = client.get("/api/v1/audit").json()["items"]
    assert {(each["action"], each["actor"], each["reason"]) for each in told} >= {
        ("rule.kept", "owner", "colours are edited"),
        ("rule.withdrawn", "owner", "it was a change"),
    }
    assert client.post("/api/v1/rules/0000/withdraw", json={}).status_code == 404
    assert client.post(f"/api/v1/runs/{run}/findings/abc/rule", json=new).status_code == 404
    reader = program(desk, TokenScope.READ, name="reader")
    assert (reader.get(address).status_code, reader.post(address, json=new).status_code) == (200, 403)


def test_hostile_values_stay_text(empty_database: str) -> None:
    evil = replace(COLOUR, route="/<script>alert(1)</script>", transition=HOSTILE, tags=(HOSTILE,))
    run = run_of(empty_database, [evil])
    client = Desk(empty_database).client(Role.ADMIN)
    address = f"/runs/{run}/findings/{COLOUR.fingerprint}/rule"
    for asked in ({}, {"route": "GET /<svg>", "path": HOSTILE[:40]}, {"route": "GET /<b>", "path": "$['<img>']"}):
        text = client.get(address, params=asked).text
        assert "<img" not in text
        assert "<script>alert" not in text
    assert "\x1b" not in client.get(address).text
