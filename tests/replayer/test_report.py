from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffing.approvals import Approval, Decision, Scope, Subject
from diffing.difference import Location, Part, Reason, Severity
from diffing.gate import Outcome, Verdict
from diffing.grouping import CONFIRMED, FLAKY, UNCONFIRMED, Finding, Member
from diffing.ledger import Ledger, RouteTally, Tally
from diffing.noise import HiddenPlace, NoiseRule, RuleUse
from diffing.policy import Clause, Holding
from diffing.standing import Standing
from replayer.reports.html import Row, side_by_side, to_html
from replayer.reports.json_report import to_json
from replayer.reports.model import Coverage, CoverageRoute, RunReport
from replayer.reports.terminal import to_text
from replayer.reports.wording import REASONS, clipped, columns, visible

PRICE = Location(Part.BODY, "$.items[*].price")
HOSTILE = (
    "</script><img src=x onerror=alert(1)>\x1b[2J\x1b]0;pwned\x07\u202eevil\u200b\ud800 \x00 \x9b31m {{ 7*7 }} [red]"
)

PRICES = Finding(
    fingerprint="75cf471c6b25a327",
    severity=Severity.BREAKING,
    kind="type",
    method="GET",
    route="/api/orders/<int:id>",
    location=PRICE,
    transition="int -> str",
    baseline=1999,
    candidate="1999",
    count=12,
    out_of=40,
    state=CONFIRMED,
    members=(
        Member("75cf471c6b25a327", "GET", "/api/orders/<int:id>", PRICE, 12, "type", "int -> str"),
        Member("aaaaaaaaaaaaaaaa", "GET", "/api/cart", PRICE, 3, "type", "int -> str"),
    ),
    story=None,
    tags=("payments",),
    exemplars=("0123456789abcdef0123456789abcdef",),
    exchanges=("0123456789abcdef0123456789abcdef",),
)
COLOUR = replace(
    PRICES,
    fingerprint="bbbbbbbbbbbbbbbb",
    severity=Severity.INFO,
    kind="extra",
    route="/api/products",
    location=Location(Part.BODY, "$.colour"),
    transition="missing -> present",
    baseline=None,
    candidate={"name": "red", "tone": 7},
    count=1,
    out_of=9,
    state=FLAKY,
    members=(),
    tags=(),
    exemplars=(),
    detail="new since the baseline",
)
WANTED = Approval(
    id="a1b2c3d4e5f6",
    fingerprint="bbbbbbbbbbbbbbbb",
    scope=Scope.ALWAYS,
    author="ann",
    reason="wanted",
    created=datetime(2026, 11, 27, 12, tzinfo=UTC),
    subject=Subject("GET", "/api/products", COLOUR.location, "extra", "missing -> present", Severity.INFO),
    until=date(2027, 1, 31),
)
TALLY = Tally(50, 3, 2, 45, 30, 12, 0, {"truncated": 2}, {"unsafe method": 1})
REPORT = RunReport(
    run_id="r42",
    recording="checkout",
    candidate="next",
    verdict=Verdict(
        Outcome.FAIL,
        ("1 finding that policy fails on.",),
        1,
        ("75cf471c6b25a327",),
        (
            Clause(
                "policy.fail_on",
                "no breaking finding that is not approved",
                "1 finding",
                Holding.FAILS,
                evidence=("75cf471c6b25a327",),
            ),
        ),
    ),
    baselines=("prod", "prod"),
    started_at=1_700_000_000.0,
    seconds=12.34567,
    branch="main",
    commit="abc",
    ledger=Ledger(TALLY, (RouteTally("GET", "/api/orders/<int:id>", TALLY),)),
    fidelity=0.9985,
    coverage=Coverage(
        2, 1, (CoverageRoute("GET", "/api/orders/<int:id>", 40, {"200": 40}), CoverageRoute("GET", "/api/x", 0))
    ),
    findings=(PRICES, COLOUR),
    standings={"bbbbbbbbbbbbbbbb": Standing(approved=True, approvals=(WANTED,))},
    unchecked_share=0.002,
    unchecked=("GET /a body $.b",),
    suppressed={"noise profile": 5, "binding": 120},
    rules=(
        RuleUse(
            NoiseRule(
                "GET /api/**",
                "$.items[*].seen_at",
                Part.BODY,
                "timestamp",
                "when it was asked",
                date(2027, 1, 31),
                "kim",
            ),
            4,
            (HiddenPlace("GET", "/api/orders/<int:id>", Location(Part.BODY, "$.items[*].seen_at"), "value", 4),),
        ),
    ),
    confirmations={"replayed": 2},
    notes=("3 passes.",),
    limits=("The recording can not tell.",),
)


def test_the_json_report_is_version_1() -> None:
    counts = {
        "seen": 50,
        "sampled_out": 3,
        "dropped": 2,
        "recorded": 45,
        "matched": 30,
        "differed": 12,
        "errored": 0,
        "not_compared": {"truncated": 2},
        "skipped": {"unsafe method": 1},
    }
    place = {"part": "body", "path": "$.items[*].price"}
    assert to_json(REPORT) == {
        "version": 1,
        "verdict": "fail",
        "reasons": ["1 finding that policy fails on."],
        "exit_code": 1,
        "run": {
            "id": "r42",
            "recording": "checkout",
            "candidate": "next",
            "baselines": ["prod", "prod"],
            "started_at": "2023-11-14T22:13:20+00:00",
            "seconds": 12.346,
            "executor": "local",
            "branch": "main",
            "commit": "abc",
            "mode": "baseline",
        },
        "policy": [
            {
                "key": "policy.fail_on",
                "asked": "no breaking finding that is not approved",
                "measured": "1 finding",
                "holds": "fails",
                "reasons": [],
                "evidence": ["75cf471c6b25a327"],
                "tag": None,
            }
        ],
        "ledger": {
            **counts,
            "balanced": True,
            "imbalance": [],
            "routes": [{"method": "GET", "route": "/api/orders/<int:id>", **counts}],
        },
        "fidelity": 0.9985,
        "coverage": {
            "routes_known": 2,
            "routes_replayed": 1,
            "routes_from": "recording",
            "routes": [
                {
                    "method": "GET",
                    "route": "/api/orders/<int:id>",
                    "replayed": 40,
                    "known": True,
                    "statuses": {"200": 40},
                },
                {"method": "GET", "route": "/api/x", "replayed": 0, "known": True, "statuses": {}},
            ],
        },
        "findings": [
            {
                "fingerprint": "75cf471c6b25a327",
                "severity": "breaking",
                "kind": "type",
                "method": "GET",
                "route": "/api/orders/<int:id>",
                "location": place,
                "baseline": 1999,
                "candidate": "1999",
                "transition": "int -> str",
                "count": 12,
                "out_of": 40,
                "state": "confirmed",
                "blocking": True,
                "members": [
                    {
                        "fingerprint": "75cf471c6b25a327",
                        "method": "GET",
                        "route": "/api/orders/<int:id>",
                        "location": place,
                        "count": 12,
                        "kind": "type",
                        "transition": "int -> str",
                        "severity": "breaking",
                    },
                    {
                        "fingerprint": "aaaaaaaaaaaaaaaa",
                        "method": "GET",
                        "route": "/api/cart",
                        "location": place,
                        "count": 3,
                        "kind": "type",
                        "transition": "int -> str",
                        "severity": "breaking",
                    },
                ],
                "story": None,
                "tags": ["payments"],
                "approved": None,
                "rejected": None,
                "set_aside": None,
                "approval_note": "",
                "said": None,
                "exemplars": ["0123456789abcdef0123456789abcdef"],
                "affected": None,
                "detail": "",
                "first_seen": None,
            },
            {
                "fingerprint": "bbbbbbbbbbbbbbbb",
                "severity": "info",
                "kind": "extra",
                "method": "GET",
                "route": "/api/products",
                "location": {"part": "body", "path": "$.colour"},
                "baseline": None,
                "candidate": {"name": "red", "tone": 7},
                "transition": "missing -> present",
                "count": 1,
                "out_of": 9,
                "state": "flaky",
                "blocking": False,
                "members": [],
                "story": None,
                "tags": [],
                "approved": {"by": "ann", "reason": "wanted", "until": "2027-01-31"},
                "rejected": None,
                "set_aside": None,
                "approval_note": "",
                "said": {
                    "needed": 1,
                    "approvals": [
                        {
                            "id": "a1b2c3d4e5f6",
                            "fingerprint": "bbbbbbbbbbbbbbbb",
                            "by": "ann",
                            "reason": "wanted",
                            "scope": "always",
                            "until": "2027-01-31",
                            "method": "GET",
                            "route": "/api/products",
                            "location": {"part": "body", "path": "$.colour"},
                            "kind": "extra",
                            "transition": "missing -> present",
                            "decision": "approve",
                            "severity": "info",
                            "created": "2026-11-27T12:00:00+00:00",
                        }
                    ],
                    "rejections": [],
                    "environments": [],
                    "questioned": False,
                    "expired": [],
                    "uncovered": [],
                },
                "exemplars": [],
                "affected": None,
                "detail": "new since the baseline",
                "first_seen": None,
            },
        ],
        "approvals_unseen": [],
        "approvals_expired": [],
        "unchecked": {"share": 0.002, "locations": ["GET /a body $.b"]},
        "suppressed": {"binding": 120, "noise profile": 5},
        "rules": [
            {
                "name": "GET /api/** $.items[*].seen_at (timestamp)",
                "route": "GET /api/**",
                "path": "$.items[*].seen_at",
                "part": "body",
                "kind": "timestamp",
                "reason": "when it was asked",
                "author": "kim",
                "until": "2027-01-31",
                "hid": 4,
                "places": [
                    {
                        "method": "GET",
                        "route": "/api/orders/<int:id>",
                        "location": {"part": "body", "path": "$.items[*].seen_at"},
                        "kind": "value",
                        "count": 4,
                    }
                ],
            }
        ],
        "noise": {},
        "correlation": {},
        "confirmations": {"replayed": 2},
        "self_test": None,
        "selection": None,
        "retrial": None,
        "alerts": [],
        "notes": ["3 passes."],
        "problems": [],
        "limits": ["The recording can not tell."],
    }


def test_json_holds_nothing_that_json_can_not() -> None:
    odd = replace(REPORT, findings=(replace(PRICES, baseline=float("nan"), candidate=["\ud800", {"\udc80": 1}]),))

    text = json.dumps(to_json(odd), allow_nan=False, ensure_ascii=False).encode("utf-8")

    found = json.loads(text)["findings"][0]
    assert (found["baseline"], found["candidate"]) == ("nan", ["\\ud800", {"\\udc80": 1}])


def test_the_terminal_report_reads_from_the_verdict_down() -> None:
    assert to_text(REPORT, 80).splitlines() == [
        "FAIL  1 finding that policy fails on.",
        "",
        "checkout: next against prod, prod. Run r42, 12.3 s, exit code 1.",
        "",
        "2 findings, 1 blocking, 1 approved",
        "",
        "! BREAKING  GET /api/orders/<int:id>                            12/40 [payments]",
        "            $.items[*].price int -> str",
        "            baseline   1999",
        '            candidate  "1999"',
        "            also GET /api/cart $.items[*].price int -> str (3)",
        "            75cf471c6b25a327, e.g. exchange 0123456789abcdef0123456789abcdef",
        "",
        "Approved",
        "",
        "  INFO      GET /api/products                                                1/9",
        "            $.colour missing -> present",
        "            bbbbbbbbbbbbbbbb; approved by ann until 2027-01-31: wanted; flaky:",
        "            did not come back, or the baseline shows it, too; does not block",
        "",
        "Policy",
        "  Of 1 conditions: 1 failed. Each with its arithmetic: understudy runs explain",
        "  r42",
        "  - policy.fail_on fails: asked no breaking finding that is not approved;",
        "    measured 1 finding",
        "",
        "Exchanges",
        "  45 recorded = 30 matched + 12 differed + 0 errored + 2 not compared + 1",
        "  skipped",
        "  50 seen in production: 3 sampled out, 2 dropped",
        "    2 not compared: truncated (a cap cut the recorded or the replayed body)",
        "    1 skipped: unsafe method (a write, and the target is not declared",
        "    disposable)",
        "",
        "Coverage",
        "  1 of 2 routes replayed; 99.8 % got the recorded status (fidelity)",
        "  - not replayed: GET /api/x",
        "  0.2 % of all values could not be checked:",
        "  - GET /a body $.b",
        "  differences that do not count: binding 120, noise profile 5",
        "",
        "Could not tell",
        "  - The recording can not tell.",
        "",
        "Notes",
        "  - 3 passes.",
        "  - Confirmation: replayed 2",
        "",
        "Next",
        "  Fix what is not intended, and run the gate again. All findings:",
        "    understudy findings list r42",
        "  Approve what is, e.g.:",
        "    understudy findings approve 75cf471c6b25a327 --reason WHY",
    ]


def test_a_pass_ends_without_next_steps_and_an_inconclusive_run_says_what_to_do() -> None:
    passed = replace(REPORT, verdict=Verdict(Outcome.PASS, ("Fine.",), 0), findings=())
    unsure = replace(REPORT, verdict=Verdict(Outcome.INCONCLUSIVE, ("The candidate died.",), 3), findings=())

    assert to_text(passed).startswith("PASS  Fine.\n")
    assert "Next" not in to_text(passed)
    assert "No findings" in to_text(passed)
    assert to_text(unsure).startswith("INCONCLUSIVE  The candidate died.\n")
    assert "Put right what the verdict names" in to_text(unsure)


def test_colour_adds_nothing_but_colour() -> None:
    coloured = to_text(REPORT, 80, color=True)

    assert coloured.startswith("\x1b[1;31mFAIL\x1b[0m  ")
    assert to_text(REPORT, 80).isprintable() is False  # line ends
    assert "\x1b" not in to_text(REPORT, 80)


def test_a_long_value_is_shown_from_where_the_sides_part() -> None:
    long = replace(PRICES, baseline="a" * 300 + "old", candidate="a" * 300 + "new")

    text = to_text(replace(REPORT, findings=(long,)), 80)

    assert '            baseline   …aaaaaaaaaaaaold"\n            candidate  …aaaaaaaaaaaanew"\n' in text


def test_only_some_findings_are_shown_and_the_rest_counted() -> None:
    many = tuple(replace(PRICES, fingerprint=f"{i:016x}") for i in range(100))

    text = to_text(replace(REPORT, findings=many), 80)

    assert text.count("! BREAKING") + text.count("  BREAKING") == 40
    assert "… and 60 more: understudy findings list r42" in text


def hostile_report(text: str) -> RunReport:
    """A report in which everything that comes from outside is `text`."""
    place = Location(Part.BODY, text)
    finding = replace(
        PRICES,
        route=text,
        method=text,
        location=place,
        transition=text,
        baseline=text,
        candidate={text: [text]},
        tags=(text,),
        detail=text,
        exemplars=(text,),
        members=(Member("75cf471c6b25a327", text, text, place, 1, text, text),) * 5,
        state=UNCONFIRMED,
    )
    tally = Tally(not_compared={text: 1}, skipped={text: 2})
    subject = Subject(text, text, place, text, text, Severity.INFO)
    said = replace(WANTED, id=text, fingerprint=text, author=text, reason=text, of=text, subject=subject)
    return RunReport(
        run_id=text,
        recording=text,
        candidate=text,
        verdict=Verdict(Outcome.FAIL, (text, text), 1, ("75cf471c6b25a327",)),
        baselines=(text,),
        executor=text,
        branch=text,
        commit=text,
        ledger=Ledger(tally, (RouteTally(text, text, tally),), (text,)),
        coverage=Coverage(1, 0, (CoverageRoute(text, text, 0, {text: 1}),)),
        findings=(finding, replace(finding, kind="value", baseline=text, candidate=None)),
        standings={"75cf471c6b25a327": Standing(rejections=(said,), expired=(said,), uncovered=finding.members)},
        unseen=(said,),
        unchecked=(text,),
        suppressed={text: 1},
        noise={text: text},
        correlation={text: 1.5},
        notes=(text,),
        limits=(text,),
        problems=(text,),
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


OURS = set(
    "html head meta title style body header h1 h2 p main details summary span code table colgroup col tr th td div"
    " strong pre ul li a script fieldset legend label input select option output button".split()
)


def _is_safe(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def test_hostile_values_do_not_reach_the_terminal() -> None:
    text = to_text(hostile_report(HOSTILE), 80)

    assert _is_safe(text)
    assert all(columns(line) <= 80 for line in text.splitlines())
    assert "\\x1b" in text or "\\u001b" in text
    text.encode("utf-8")


def test_hostile_values_do_not_reach_the_page() -> None:
    page = to_html(hostile_report(HOSTILE))

    tags = Tags()
    tags.feed(page)
    assert tags.seen <= OURS
    assert not {name for name in tags.attributes if name.startswith("on") or name in ("src", "style")}
    assert "&lt;img src=x" in page
    assert "{{ 7*7 }}" in page
    assert _is_safe(page)
    page.encode("utf-8")


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=60), width=st.integers(40, 130))
def test_no_text_breaks_a_report(text: str, width: int) -> None:
    report = hostile_report(text)

    lines = to_text(report, width).split("\n")
    page = to_html(report)

    assert all(line.isprintable() for line in lines)
    commands = "    understudy findings "  # to be copied: never wrapped
    assert max(columns(line) for line in lines if not line.startswith(commands)) <= width
    assert _is_safe(page)
    json.dumps(to_json(report), allow_nan=False, ensure_ascii=False).encode("utf-8")


def test_the_page_holds_what_the_terminal_shows_and_needs_nothing_else() -> None:
    page = to_html(REPORT)

    for text in ("FAIL", "75cf471c6b25a327", "$.items[*].price int -&gt; str", "12/40", "payments", "1 of 2 routes"):
        assert text in page
    assert page.startswith("<!doctype html>")
    assert "http:" not in page
    assert "https:" not in page
    assert page.count("<script>") == page.count("<style>") == 1
    assert "unsafe-" not in page
    assert "prefers-color-scheme: dark" in page


def test_values_stand_side_by_side_line_by_line() -> None:
    nested = replace(PRICES, baseline={"a": 1, "b": [1, 2]}, candidate={"a": 2, "b": [1, 2], "c": 3})

    assert side_by_side(PRICES) == [Row("~", "1999", '"1999"')]
    assert side_by_side(nested) == [
        Row(" ", "{", "{"),
        Row("~", '  "a": 1,', '  "a": 2,'),
        Row(" ", '  "b": [', '  "b": ['),
        Row(" ", "    1,", "    1,"),
        Row(" ", "    2", "    2"),
        Row("~", "  ]", "  ],"),
        Row("+", "", '  "c": 3'),
        Row(" ", "}", "}"),
    ]
    assert side_by_side(replace(COLOUR, candidate={"a": 1}))[0] == Row("~", "(absent)", "{")


def test_every_reason_has_a_sentence() -> None:
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\nb\t\r", "a\\nb\\t\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b", "\\x9b"),
        ("\u202e\u200b", "\\u202e\\u200b"),
        ("\U000e0001", "\\U000e0001"),
        ("žluť 漢", "žluť 漢"),
    ],
)
def test_what_is_not_printable_is_written_as_an_escape(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_texts_are_cut_by_columns() -> None:
    assert clipped("abcdef", 6) == "abcdef"
    assert clipped("abcdefg", 6) == "abcde…"
    assert (columns("漢字"), clipped("漢字漢字", 5)) == (4, "漢字…")


BOB = replace(WANTED, id="b0b", author="bob", reason="not yet", decision=Decision.REJECT)
PRICES_NOW = replace(WANTED, id="c0de", fingerprint=PRICES.fingerprint, until=date(2026, 10, 31))


@pytest.mark.parametrize(
    ("standing", "note"),
    [
        (Standing(), ""),
        (Standing(approved=True, approvals=(WANTED,)), ""),
        (Standing(approvals=(WANTED,), rejections=(BOB,)), "rejected by bob: not yet"),
        (
            Standing(approvals=(WANTED,), needed=2, uncovered=PRICES.members),
            "approved by ann; policy asks for 2 people, in the store",
        ),
        (
            Standing(approvals=(WANTED,), uncovered=PRICES.members),
            "approved by ann, but not in full: not for GET /api/orders/<int:id> $.items[*].price int -> str"
            " (75cf471c6b25a327) and 1 more place",
        ),
        (Standing(expired=(PRICES_NOW,)), "was approved by ann until 2026-10-31"),
    ],
)
def test_every_report_says_why_what_people_said_does_not_suffice(standing: Standing, note: str) -> None:
    report = replace(REPORT, findings=(PRICES,), standings={PRICES.fingerprint: standing})

    (told,) = to_json(report)["findings"]

    assert told["approval_note"] == note
    assert note in " ".join(to_text(report, 300).split())
    assert escape(note) in to_html(report)


def test_what_two_people_approved_is_told_as_one_word() -> None:
    both = Standing(approved=True, approvals=(replace(WANTED, until=None), replace(WANTED, author="bob")))
    report = replace(REPORT, findings=(COLOUR,), standings={COLOUR.fingerprint: both})

    assert to_json(report)["findings"][0]["approved"] == {"by": "ann, bob", "reason": "wanted", "until": "2027-01-31"}
    assert "approved by ann, bob until 2027-01-31: wanted" in to_text(report)


def test_a_rejection_is_shown() -> None:
    report = replace(REPORT, standings={PRICES.fingerprint: Standing(rejections=(BOB,))})

    assert to_json(report)["findings"][0]["rejected"] == {"by": "bob", "reason": "not yet", "until": "2027-01-31"}


def test_an_approval_that_is_no_longer_seen_and_one_that_is_over_are_said_with_what_to_do() -> None:
    report = replace(
        REPORT,
        findings=(PRICES,),
        standings={PRICES.fingerprint: Standing(expired=(PRICES_NOW,))},
        unseen=(WANTED,),
    )
    told = to_json(report)

    assert told["approvals_unseen"] == [
        {
            "id": "a1b2c3d4e5f6",
            "fingerprint": "bbbbbbbbbbbbbbbb",
            "by": "ann",
            "reason": "wanted",
            "scope": "always",
            "until": "2027-01-31",
            "method": "GET",
            "route": "/api/products",
            "location": {"part": "body", "path": "$.colour"},
            "kind": "extra",
            "transition": "missing -> present",
        }
    ]
    assert [each["id"] for each in told["approvals_expired"]] == ["c0de"]
    text = to_text(report, 160)
    page = to_html(report)
    for words in (
        "a1b2c3d4e5f6: GET /api/products $.colour missing -> present (bbbbbbbbbbbbbbbb), approved by ann",
        "understudy findings withdraw ID",
        "c0de: GET /api/products",
        "understudy findings approve FINGERPRINT --reason WHY",
        "Approved, and no longer seen",
        "Approvals that have expired",
    ):
        assert words in " ".join(text.split())
        assert escape(words) in page


def test_what_is_approved_stands_apart_on_the_page() -> None:
    page = to_html(REPORT)

    assert page.index("75cf471c6b25a327") < page.index("<h2>Approved</h2>") < page.index('id="bbbbbbbbbbbbbbbb"')
    assert "1 blocking, 1 approved" in page
    assert "approved by ann until 2027-01-31: wanted" in page
