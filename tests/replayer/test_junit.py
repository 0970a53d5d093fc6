from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from diffing.gate import Outcome, Verdict
from diffing.ledger import Ledger, RouteTally, Tally
from diffing.policy import Clause, Holding
from replayer.reports.junit import to_junit
from replayer.reports.model import RunReport

from .report_schemas import junit_problems
from .test_report import HOSTILE, PRICES, REPORT

INCONCLUSIVE = replace(
    REPORT, findings=(), standings={}, verdict=Verdict(Outcome.INCONCLUSIVE, ("Too little.", "And late."), 3)
)


def cases(report: RunReport) -> dict[tuple[str, str], str]:
    """(suite, case) -> passed, or the outcome with its message."""
    found = {}
    for suite in ElementTree.fromstring(to_junit(report)):
        for case in suite.iter("testcase"):
            outcome = next(iter(case), None)
            word = "passed" if outcome is None else f"{outcome.tag}: {outcome.get('message')}"
            found[suite.get("name") or "", case.get("name") or ""] = word
    return found


def test_a_suite_is_a_route_and_a_case_a_finding() -> None:
    assert cases(REPORT) == {
        ("gate", "verdict"): "passed",
        ("GET /api/cart", "$.items[*].price int -> str"): (
            "failure: breaking: $.items[*].price int -> str in 3 exchanges, as GET /api/orders/<int:id>"
        ),
        ("GET /api/orders/<int:id>", "$.items[*].price int -> str"): (
            "failure: breaking: $.items[*].price int -> str in 12 exchanges"
        ),
        ("GET /api/products", "$.colour missing -> present"): "passed",
        ("GET /api/x", "answers as the baseline does"): "skipped: no traffic of it was replayed",
    }


def test_the_counts_are_those_of_the_cases() -> None:
    for suite in ElementTree.fromstring(to_junit(REPORT)):
        outcomes = [case[0].tag if len(case) else "" for case in suite.iter("testcase")]
        counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
        assert counts == [str(len(outcomes)), *(str(outcomes.count(o)) for o in ("failure", "error", "skipped"))]


def test_a_failure_shows_both_values_and_what_is_intended_says_who_said_so() -> None:
    text = to_junit(REPORT)

    assert "baseline   1999" in text
    assert "candidate  &quot;1999&quot;" in text or 'candidate  "1999"' in text
    assert "does not fail the gate: info: GET /api/products $.colour missing -&gt; present" in text
    assert "approved by ann until 2027-01-31: wanted" in text


@pytest.mark.parametrize(
    ("tally", "outcome"),
    [
        (Tally(3, 0, 0, 3, 3), "passed"),
        (Tally(5, 0, 0, 5, 3, not_compared={"truncated": 2}), "passed"),
        (
            Tally(3, 0, 0, 3, skipped={"unsafe method": 1}, not_compared={"truncated": 2}),
            "skipped: 2 not compared: truncated (a cap cut the recorded or the replayed body);"
            " 1 skipped: unsafe method (a write, and the target is not declared disposable)",
        ),
        (Tally(), "skipped: no traffic of it was replayed"),
    ],
)
def test_skipped_means_that_nothing_was_compared(tally: Tally, outcome: str) -> None:
    report = replace(REPORT, findings=(), ledger=Ledger(tally, (RouteTally("GET", "/api/a", tally),)))

    assert cases(report)["GET /api/a", "answers as the baseline does"] == outcome


def test_an_inconclusive_run_is_an_error_and_not_green() -> None:
    assert cases(INCONCLUSIVE)["gate", "verdict"] == "error: Too little."
    accepted = replace(INCONCLUSIVE, verdict=replace(INCONCLUSIVE.verdict, exit_code=0))
    assert cases(accepted)["gate", "verdict"] == "passed"


def test_a_run_that_fails_by_no_finding_is_not_green_either() -> None:
    failed = replace(INCONCLUSIVE, verdict=Verdict(Outcome.FAIL, ("Over budget.",), 1))
    assert cases(failed)["gate", "verdict"] == "failure: Over budget."


def test_each_condition_of_policy_has_a_case_but_those_that_findings_have() -> None:
    clauses = (
        Clause("policy.fail_on", "breaking", "1 finding", Holding.FAILS),
        Clause("policy.min_replayed", "at least 5", "9", Holding.HELD),
        Clause("policy.min_fidelity", "at least 90 %", "80 %", Holding.UNTOLD, ("Only 80 %.",)),
        Clause("policy.budgets", "at most 9 ms", "12 ms", Holding.FAILS, ("Too slow.",)),
        Clause("policy.max_age", "", "", Holding.OFF),
    )
    failed = replace(REPORT, findings=(), verdict=Verdict(Outcome.FAIL, ("Too slow.",), 1, ("f",), clauses))
    passed = replace(failed, verdict=replace(failed.verdict, exit_code=0))

    assert {name: word for (suite, name), word in cases(failed).items() if suite == "gate"} == {
        "verdict": "passed",
        "policy.min_replayed": "passed",
        "policy.min_fidelity": "error: inconclusive: asked at least 90 %; measured 80 %",
        "policy.budgets": "failure: fails: asked at most 9 ms; measured 12 ms",
    }
    assert {word for (suite, _), word in cases(passed).items() if suite == "gate"} == {"passed"}
    assert junit_problems(to_junit(failed)) == []


@pytest.mark.parametrize("report", [REPORT, INCONCLUSIVE, RunReport("", "", "", Verdict(Outcome.PASS, (), 0))])
def test_the_schema_accepts_it(report: RunReport) -> None:
    assert junit_problems(to_junit(report)) == []


def test_the_schema_refuses_what_it_should() -> None:
    text = to_junit(REPORT)

    assert junit_problems(text.replace('time="0"', 'time="soon"'))
    assert junit_problems(text.replace("<testsuites>", '<testsuites tests="5">'))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None), max_size=40), st.sampled_from([HOSTILE, "\ufffe", "]]>", ""]))
@example(" ", "")
def test_no_value_can_break_it(drawn: str, hostile: str) -> None:
    text = drawn + hostile
    finding = replace(
        PRICES, route=text, baseline=text, candidate={text: [text]}, detail=text, tags=(text,), members=()
    )
    report = replace(
        REPORT,
        recording=text,
        findings=(finding,),
        ledger=Ledger(Tally(), (RouteTally(text, text, Tally(1, 0, 0, 1, skipped={text: 1})),)),
        verdict=Verdict(Outcome.FAIL, (text,), 1, (finding.fingerprint,)),
    )

    assert junit_problems(to_junit(report)) == []
