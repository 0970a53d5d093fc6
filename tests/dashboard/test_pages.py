"""What the pages of a run and of its findings show, and what is decided on them."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import httpx
import pytest

from dashboard.routes.runs import PAGE
from diffing.approvals import Decision
from diffing.difference import Severity
from diffing.grouping import FLAKY
from diffing.ledger import Ledger
from replayer.accounts import Role
from replayer.store import Store
from tests.replayer.test_report import COLOUR, HOSTILE, PRICES, REPORT

from .desk import EXCHANGE, Desk, csrf, finish, many, run_of, shown_in


@pytest.fixture
def desk(empty_database: str) -> Desk:
    return Desk(empty_database)


def decide(client: httpx.Client, run: str, fingerprint: str, decision: str = "approve", **more: str) -> str:
    """Where the page leads after a decision."""
    form = {"decision": decision, "reason": "wanted", **more, **csrf(client)}
    answer = client.post(f"/runs/{run}/findings/{fingerprint}", data=form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_an_empty_dashboard_says_what_to_do(desk: Desk) -> None:
    client = desk.client(Role.VIEWER)
    assert "No run yet" in client.get("/").text
    assert "No recording yet" in client.get("/recordings").text
    assert "Nothing was decided yet" in client.get("/decisions").text


def test_runs_and_recordings_are_listed(desk: Desk) -> None:
    run = run_of(desk.url)
    client = desk.client(Role.VIEWER)
    assert f'href="/runs/{run}"' in client.get("/").text
    assert "shop" in client.get("/recordings").text


def test_a_run_shows_its_verdict_its_figures_and_payments_first(desk: Desk) -> None:
    run = run_of(desk.url, [COLOUR, replace(PRICES, fingerprint="c" * 16, tags=()), PRICES])
    text = desk.client(Role.VIEWER).get(f"/runs/{run}").text
    assert "FAIL" in text
    assert "Findings that policy fails on." in text
    assert shown_in(text) == [PRICES.fingerprint, "c" * 16, COLOUR.fingerprint]
    assert "99.8 %" in text  # fidelity
    assert 'href="/runs/' + run + '/ledger">3</a>' in text


def test_a_run_that_is_not_over_says_how_far_it_is(desk: Desk) -> None:
    with Store.open(desk.url) as store:
        info = store.create_recording("r", service="s", release="1", key_id="k", source="")
        run = store.create_run(info.id, candidate="next")
        store.beat_run(run, "replaying: candidate, 7 of 9")
    assert "running: replaying: candidate, 7 of 9" in desk.client(Role.VIEWER).get(f"/runs/{run}").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("severity:breaking", [PRICES]),
        ("!severity:breaking", [COLOUR]),
        ("route:/api/cart", [PRICES]),
        ("route:/api/prod*", [COLOUR]),
        ("route:/api/prod", []),
        ("tag:payments kind:type", [PRICES]),
        ("state:flaky", [COLOUR]),
        ("state:blocks", [PRICES]),
        ("path:$.colour", [COLOUR]),
        ("PRICE", [PRICES]),
        ('"int -> str"', [PRICES]),
        ("nowhere", []),
        ("[a-z]", []),
    ],
)
def test_a_filter_narrows_down(desk: Desk, query: str, found: list[object]) -> None:
    run = run_of(desk.url, [PRICES, COLOUR])
    text = desk.client(Role.VIEWER).get(f"/runs/{run}", params={"q": query}).text
    assert shown_in(text) == [each.fingerprint for each in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("query", "said"), [("colour:red", "has no colour:"), ('"half', "quotation mark")])
def test_a_filter_that_is_not_understood_is_told(desk: Desk, query: str, said: str) -> None:
    run = run_of(desk.url)
    answer = desk.client(Role.VIEWER).get(f"/runs/{run}", params={"q": query})
    assert answer.status_code == 422
    assert said in answer.text


def test_routes_show_what_was_replayed_and_lead_to_what_was_found(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES, COLOUR])
    client = desk.client(Role.VIEWER)
    text = client.get(f"/runs/{run}/routes").text
    rows = {row.partition("</code>")[0]: row for row in text.split("<tr><td><code>")[1:]}
    assert list(rows) == ["GET /api/orders/&lt;int:id&gt;", "GET /api/x"]
    assert '<td class="n heat2">40</td>' in rows["GET /api/orders/&lt;int:id&gt;"]
    assert '<td class="n fail">never</td>' in rows["GET /api/x"]
    link = re.search(r'href="([^"]+)" aria-label="1 finding on GET', text)
    assert link
    assert shown_in(client.get(html.unescape(link[1])).text) == [PRICES.fingerprint]
    run_of(desk.url, [replace(PRICES, state=FLAKY)])
    assert '<span title="50 %">1/2</span>' in client.get(f"/runs/{run}/routes").text
    told = {each.pop("route"): each for each in client.get(f"/api/v1/runs/{run}/routes").json()["items"]}
    assert told["/api/orders/<int:id>"] == {
        "method": "GET", "known": True, "replayed": 40, "statuses": {"200": 40}, "findings": 1, "runs": 2,
        "flaky": 1,
    }  # fmt: skip
    assert (told["/api/x"]["replayed"], told["/api/x"]["runs"]) == (0, 0)


def test_long_lists_come_in_pages(desk: Desk) -> None:
    run = run_of(desk.url, many(PAGE + 3))
    client = desk.client(Role.VIEWER)
    assert len(shown_in(client.get(f"/runs/{run}").text)) == PAGE
    assert len(shown_in(client.get(f"/runs/{run}", params={"first": PAGE}).text)) == 3


def test_a_finding_shows_both_answers_side_by_side(desk: Desk) -> None:
    run = run_of(desk.url)
    client = desk.client(Role.VIEWER)
    text = client.get(f"/runs/{run}/findings/{PRICES.fingerprint}").text
    assert "GET /api/orders/7?page=2" in text
    assert "&#34;price&#34;: 1999" in text
    assert "&#34;price&#34;: &#34;1999&#34;" in text
    assert EXCHANGE in text
    assert "2 places with this cause" in text
    assert 'name="decision"' not in text  # a viewer decides nothing


def test_equal_lines_are_left_out_until_all_are_asked_for(desk: Desk) -> None:
    body = b'{"items": [' + b",".join(b'{"price": %d}' % number for number in range(100)) + b"]}"
    run = run_of(desk.url, body=body, candidate=body.replace(b" 50}", b" 5000}"))
    client = desk.client(Role.VIEWER)
    address = f"/runs/{run}/findings/{PRICES.fingerprint}"
    text = client.get(address).text
    assert "equal lines" in text
    assert "price&#34;: 5000<" in text
    assert "price&#34;: 17<" not in text
    assert "price&#34;: 17<" in client.get(address, params={"whole": "1"}).text


def test_a_finding_can_be_read_in_one_column_and_copied(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES, COLOUR])
    client = desk.client(Role.REVIEWER)
    address = f"/runs/{run}/findings/{PRICES.fingerprint}"
    text = client.get(address, params={"view": "unified"}).text
    assert '<tr class="minus"><td>−</td><td class="a">      &#34;price&#34;: 1999</td></tr>' in text
    assert '<tr class="plus"><td>+</td><td class="b">      &#34;price&#34;: &#34;1999&#34;</td></tr>' in text
    assert f"/findings/{COLOUR.fingerprint}?view=unified" in text  # the next one looks the same
    assert "curl --globoff --path-as-is --http1.1 &#39;http://shop.example/api/orders/7?page=2&#39;" in text
    assert "#### BREAKING `GET /api/orders/&lt;int:id&gt;`" in text
    decided = client.post(address, data={"decision": "approve", "reason": "so", "view": "unified", **csrf(client)})
    assert "view=unified" in decided.headers["location"]


def test_where_a_finding_was_seen(desk: Desk) -> None:
    first = run_of(desk.url, [replace(PRICES, severity=Severity.MINOR), COLOUR])
    with Store.open(desk.url) as store:
        recording = store.run(first).recording_id
        assert recording is not None
        second, third = (store.create_run(recording, candidate="next") for _ in range(2))
    finish(desk.url, second, [], report=replace(REPORT, ledger=Ledger()))
    finish(desk.url, third, [replace(PRICES, fingerprint="f" * 16)])
    address = f"/runs/{first}/findings/{PRICES.fingerprint}/history"
    text = desk.client(Role.VIEWER).get(address).text
    rows = [re.sub(r"<[^>]*>|\s+", " ", row).split() for row in text.partition("</table>")[0].split("<tr>")[2:]]
    assert [row[0] for row in rows] == [third, second, first]
    assert rows[0][-3:] == ["breaking", "confirmed", "12/40"]
    assert " ".join(rows[1]).endswith("its route was not compared")
    assert rows[2][-3:] == ["minor", "confirmed", "12/40"]
    told = desk.client(Role.VIEWER).get(f"/api/v1{address}").json()["items"]
    assert [(each["run"], each["fingerprint"], each["compared"]) for each in told] == [
        (third, "f" * 16, True),
        (second, None, False),
        (first, PRICES.fingerprint, True),
    ]


def test_what_no_earlier_run_showed_is_new_and_the_rest_says_since_when(desk: Desk) -> None:
    first = run_of(desk.url, [PRICES])
    later = run_of(desk.url, [replace(PRICES, fingerprint="f" * 16), *many(2)], report=replace(REPORT, commit="c0ffee"))
    client = desk.client(Role.VIEWER)
    for run, query, found in (
        (first, "is:new", [PRICES.fingerprint]),
        (later, "is:new", [each.fingerprint for each in many(2)]),
        (later, "", [*(each.fingerprint for each in many(2)), "f" * 16]),  # what is new comes first
        (later, "!is:new", ["f" * 16]),
    ):
        text = client.get(f"/runs/{run}", params={"q": query}).text
        assert shown_in(text) == found
    assert "since 2023-11-14 <code>" in text
    assert f"first seen on 2023-11-14 in the run {first}" in client.get(f"/runs/{later}/findings/{'f' * 16}").text
    told = client.get(f"/api/v1/runs/{later}/findings?q=is:new").json()["items"]
    assert [(each["first_seen"]["run"], each["first_seen"]["commit"]) for each in told] == [(later, "c0ffee")] * 2
    with Store.open(desk.url) as store:  # as a version without it reported
        data = store.run_report(later)
        for each in data["findings"]:
            del each["first_seen"]
        store.finish_run(later, "fail", 1, data)
    assert len(client.get(f"/api/v1/runs/{later}/findings?q=is:new").json()["items"]) == 2


def test_what_is_gone_is_said(desk: Desk) -> None:
    run = run_of(desk.url)
    with Store.open(desk.url) as store:
        store.delete_recording(store.recordings()[0].id)
    text = desk.client(Role.VIEWER).get(f"/runs/{run}/findings/{PRICES.fingerprint}").text
    assert "not kept any more" in text


@pytest.mark.parametrize("path", ["/runs/absent", "/runs/{run}/findings/absent", "/runs/absent/ledger"])
def test_what_is_not_there_is_a_page_that_says_so(desk: Desk, path: str) -> None:
    answer = desk.client(Role.VIEWER).get(path.replace("{run}", run_of(desk.url)))
    assert answer.status_code == 404
    assert "absent" in answer.text


def test_a_decision_is_kept_with_its_author_and_leads_to_the_next_finding(desk: Desk) -> None:
    run = run_of(desk.url, many(3))
    client = desk.client(Role.REVIEWER, "Kim")
    place = decide(client, run, f"{0:016x}", scope="branch", until="2099-01-31")
    assert place.startswith(f"/runs/{run}/findings/{1:016x}?decided=")
    with Store.open(desk.url) as store:
        (kept,) = store.approvals()
    assert (kept.author, kept.reason, kept.of, str(kept.until)) == ("Kim", "wanted", "main", "2099-01-31")
    assert shown_in(client.get(f"/runs/{run}").text)[-1] == f"{0:016x}"  # what is decided comes last
    assert "approved by Kim" in client.get(f"/runs/{run}/findings/{0:016x}").text
    assert decide(client, run, f"{1:016x}", "reject").startswith(f"/runs/{run}/findings/{2:016x}?")
    assert decide(client, run, f"{2:016x}").startswith(f"/runs/{run}?decided=")
    with Store.open(desk.url) as store:
        assert [each.decision for each in store.approvals()] == [Decision.APPROVE, Decision.REJECT, Decision.APPROVE]


def test_noise_turns_green_and_the_environment_is_of_this_run_alone(desk: Desk) -> None:
    run = run_of(desk.url, many(2))
    client = desk.client(Role.REVIEWER)
    decide(client, run, f"{0:016x}", "noise", scope="branch")
    decide(client, run, f"{1:016x}", "environment", scope="branch", until="2099-01-31")
    with Store.open(desk.url) as store:
        assert [(each.decision.value, each.scope.value, each.until) for each in store.approvals()] == [
            ("noise", "branch", None),
            ("environment", "run", None),
        ]
    assert "1 finding put down to the environment" in client.get(f"/runs/{run}").text
    for query, number in (("state:noise state:approved", 0), ("state:environment !state:blocks", 1)):
        assert shown_in(client.get(f"/runs/{run}", params={"q": query}).text) == [f"{number:016x}"], query
    assert "called noise by ann" in client.get(f"/runs/{run}/findings/{0:016x}").text
    other = run_of(desk.url, many(2))
    assert shown_in(client.get(f"/runs/{other}", params={"q": "state:undecided"}).text) == [f"{1:016x}"]


def test_when_all_that_blocks_is_approved_the_run_says_so(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES])
    client = desk.client(Role.REVIEWER)
    assert "approved by now" not in client.get(f"/runs/{run}").text
    decide(client, run, PRICES.fingerprint)
    assert "Everything that blocked is approved by now" in client.get(f"/runs/{run}").text


def test_a_decision_is_taken_back_and_stays_on_record(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES])
    client = desk.client(Role.REVIEWER)
    identity = decide(client, run, PRICES.fingerprint).partition("decided=")[2]
    assert "Undo" in client.get(f"/runs/{run}", params={"decided": identity}).text
    back = f"/runs/{run}"
    answer = client.post(f"/decisions/{identity}/withdraw", data={**csrf(client), "back": back})
    assert answer.headers["location"] == back
    text = client.get("/decisions").text
    assert "withdrawn by ann" in text
    assert "approved by" not in client.get(f"/runs/{run}/findings/{PRICES.fingerprint}").text
    leads = client.post(f"/decisions/{identity}/withdraw", data={**csrf(client), "back": "https://evil.example"})
    assert leads.status_code == 409  # taken back already


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"decision": "maybe"}, "decision"),
        ({"scope": "planet"}, "scope"),
        ({"until": "soon"}, "write 2027-01-31"),
        ({"until": "2001-01-01"}, "is past"),
        ({"reason": "  "}, "reason"),
    ],
)
def test_a_decision_that_cannot_be_is_told(desk: Desk, form: dict[str, str], said: str) -> None:
    run = run_of(desk.url, [PRICES])
    client = desk.client(Role.REVIEWER)
    sent = {"decision": "approve", "reason": "wanted", **form, **csrf(client)}
    answer = client.post(f"/runs/{run}/findings/{PRICES.fingerprint}", data=sent)
    assert answer.status_code == 422
    assert said in answer.text
    with Store.open(desk.url) as store:
        assert store.approvals() == ()


def test_hostile_values_are_text(desk: Desk) -> None:
    hostile = replace(
        PRICES, route=HOSTILE, transition=HOSTILE, detail=HOSTILE, baseline=HOSTILE, candidate={HOSTILE: HOSTILE},
        severity=Severity.BREAKING, tags=(HOSTILE,),
    )  # fmt: skip
    run = run_of(desk.url, [hostile], body=HOSTILE.encode("utf-8", "surrogatepass"), candidate=b"<script>alert(1)")
    client = desk.client(Role.REVIEWER)
    for path in (f"/runs/{run}", f"/runs/{run}/findings/{PRICES.fingerprint}", f"/runs/{run}/ledger"):
        text = client.get(path).text
        assert "<img" not in text
        assert "<script>alert" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_an_admin_has_a_body_as_it_is_kept_and_that_is_on_record(desk: Desk) -> None:
    run = run_of(desk.url, body=b"<script>\xff", candidate=b"{}")
    address = f"/runs/{run}/findings/{PRICES.fingerprint}/raw"
    admin = desk.client(Role.ADMIN, "kim")
    answer = admin.get(address, params={"side": "baseline"})
    assert answer.content == b"<script>\xff"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert admin.get(address, params={"side": "request"}).content == b""
    assert admin.get(address, params={"side": "baseline", "exemplar": 7}).status_code == 404
    assert admin.get(f"/api/v1{address}", params={"side": "candidate"}).content == b"{}"
    assert desk.client(Role.REVIEWER).get(address, params={"side": "baseline"}).status_code == 403
    assert "As kept" in admin.get(address.removesuffix("/raw")).text
    assert "As kept" not in desk.client(Role.REVIEWER).get(address.removesuffix("/raw")).text
    with Store.open(desk.url) as store:
        kept = [(each.actor, each.action, each.subject) for each in store.journal() if each.action == "body.read"]
        store.delete_recording(store.recordings()[0].id)
    assert kept == [("kim", "body.read", f"{run} {EXCHANGE} {side}") for side in ("baseline", "request", "candidate")]
    assert admin.get(address, params={"side": "request"}).status_code == 404
