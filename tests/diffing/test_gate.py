from __future__ import annotations

from dataclasses import replace

import pytest

from diffing.difference import Location, Part, Severity
from diffing.gate import Evidence, Outcome, Policy, TagRule, Verdict, judge_run, tags_without_evidence
from diffing.grouping import CONFIRMED, FLAKY, UNCONFIRMED, Finding, Member
from diffing.ledger import Ledger, RouteTally, Tally
from diffing.policy import Holding


def ledger(matched: int = 90, differed: int = 10, errored: int = 0, **others: int) -> Ledger:
    recorded = matched + differed + errored
    tally = Tally(seen=recorded, recorded=recorded, matched=matched, differed=differed, errored=errored, **others)
    return Ledger(tally, (RouteTally("GET", "/a", tally),))


def finding(fingerprint: str = "f1", severity: Severity = Severity.BREAKING, state: str = CONFIRMED) -> Finding:
    place = Location(Part.BODY, "$.price")
    return Finding(
        fingerprint=fingerprint,
        severity=severity,
        kind="type",
        method="GET",
        route="/a",
        location=place,
        transition="int -> str",
        baseline=1,
        candidate="1",
        count=10,
        out_of=100,
        state=state,
        members=(Member(fingerprint, "GET", "/a", place, 10),),
        story=None,
        tags=(),
        exemplars=("x1",),
        exchanges=("x1",),
    )


def evidence(*findings: Finding, **others: object) -> Evidence:
    plain = Evidence(ledger(), findings, fidelity=1.0, routes_known=10, routes_replayed=9)
    return replace(plain, **others)  # type: ignore[arg-type]


def word(evidence: Evidence, policy: Policy, approved: frozenset[str] | set[str] = frozenset()) -> Verdict:
    """The verdict without its arithmetic, which is tested beside the clauses."""
    return replace(judge_run(evidence, policy, approved), clauses=())


def test_a_run_without_findings_passes_and_says_on_what_evidence() -> None:
    assert word(evidence(), Policy()) == Verdict(
        Outcome.PASS,
        ("Nothing that policy fails on: 0 findings; 100 of 100 recorded exchanges compared on 9 of 10 routes.",),
        0,
    )


def test_a_confirmed_breaking_finding_fails() -> None:
    assert word(evidence(finding()), Policy()) == Verdict(
        Outcome.FAIL,
        ("1 finding that policy fails on, not approved: GET /a $.price int -> str (breaking, f1).",),
        1,
        ("f1",),
    )


def test_what_is_lighter_than_policy_asks_for_passes() -> None:
    light = finding(severity=Severity.MAJOR)

    assert word(evidence(light), Policy()).outcome is Outcome.PASS
    assert word(evidence(light), Policy(fail_on=Severity.MAJOR)).outcome is Outcome.FAIL


def test_a_tagged_route_fails_on_what_its_tag_says_and_on_major_without_a_word() -> None:
    tagged = replace(finding(severity=Severity.MAJOR), tags=("payments",))
    light = replace(tagged, severity=Severity.MINOR)
    strict = Policy(tags={"payments": TagRule(fail_on=Severity.MINOR)})

    assert word(evidence(tagged), Policy()).outcome is Outcome.FAIL
    assert word(evidence(light), Policy()).outcome is Outcome.PASS
    assert word(evidence(light), strict).outcome is Outcome.FAIL


def test_a_tag_never_makes_policy_laxer() -> None:
    minor = replace(finding(severity=Severity.MINOR), tags=("docs",))
    policy = Policy(fail_on=Severity.MINOR, tags={"docs": TagRule(fail_on=Severity.BREAKING)})

    assert word(evidence(minor), policy).outcome is Outcome.FAIL


def test_an_approved_finding_passes() -> None:
    verdict = word(evidence(finding()), Policy(), {"f1"})

    assert (verdict.outcome, verdict.exit_code) == (Outcome.PASS, 0)
    assert "1 finding (1 approved)" in verdict.reasons[0]


def test_what_is_put_down_to_the_environment_neither_fails_nor_passes_whatever_policy_accepts() -> None:
    for policy in (Policy(), Policy(inconclusive="pass")):
        verdict = judge_run(evidence(finding()), policy, aside={"f1"})

        assert (verdict.outcome, verdict.exit_code, verdict.blocking) == (Outcome.INCONCLUSIVE, 3, ())
        assert verdict.reasons[-1].startswith("1 finding put down to the environment: GET /a $.price")
        assert [each.measured for each in verdict.clauses if each.holding is Holding.UNTOLD] == [
            "0 findings, 1 put down to the environment"
        ]
    both = judge_run(evidence(finding(), finding("f2")), Policy(), aside={"f1"})
    assert (both.outcome, both.blocking) == (Outcome.FAIL, ("f2",))
    for harmless in (finding(state=FLAKY), finding(severity=Severity.MINOR)):
        assert judge_run(evidence(harmless), Policy(), aside={"f1"}).outcome is Outcome.PASS


def test_the_tag_that_asks_for_most_reviewers_decides() -> None:
    policy = Policy(tags={"payments": TagRule(reviewers=2), "admin": TagRule(reviewers=3)})

    asked = [policy.reviewers(tags) for tags in ((), ("docs",), ("payments",), ("payments", "admin"))]

    assert asked == [1, 1, 2, 3]


def test_a_flaky_finding_never_fails_but_is_counted() -> None:
    verdict = word(evidence(finding(state=FLAKY)), Policy())

    assert verdict.outcome is Outcome.PASS
    assert "1 finding (1 flaky)" in verdict.reasons[0]


def test_a_finding_that_could_not_be_confirmed_counts_and_the_verdict_says_so() -> None:
    unconfirmed = evidence(finding(state=UNCONFIRMED), unconfirmable="The target has no reset.")

    assert word(unconfirmed, Policy()) == Verdict(
        Outcome.FAIL,
        (
            "1 finding that policy fails on, not approved: GET /a $.price int -> str (breaking, f1).",
            "None of them was confirmed by a second replay, and they count all the same. The target has no reset.",
        ),
        1,
        ("f1",),
    )


def test_a_finding_that_was_not_confirmed_where_others_were_is_a_doubt() -> None:
    mixed = evidence(finding("f1", state=UNCONFIRMED), finding("f2", state=FLAKY))

    assert word(mixed, Policy()) == Verdict(
        Outcome.INCONCLUSIVE,
        ("1 finding could be neither confirmed nor refuted: GET /a $.price int -> str (breaking, f1).",),
        3,
    )


@pytest.mark.parametrize(
    ("lacking", "policy", "reason"),
    [
        (
            {"ledger": ledger(0, 0)},
            Policy(),
            "Nothing was compared: 0 exchanges recorded, 0 replayed, 0 compared.",
        ),
        ({}, Policy(min_replayed=101), "Only 100 exchanges were compared; policy asks for 101."),
        (
            {},
            Policy(min_route_coverage=0.95),
            "9 of 10 known routes were replayed (90 %); policy asks for 95 %.",
        ),
        (
            {"fidelity": 0.8999},
            Policy(),
            "The baseline gave the recorded status to 89.9 % of the replayed exchanges; policy asks for 90 %.",
        ),
        (
            {"ledger": ledger(80, 0, 20)},
            Policy(),
            "20 of 100 replayed exchanges got no answer (20 %; 10 % may).",
        ),
        (
            {"ledger": replace(ledger(), imbalance=("In total: 5 seen",))},
            Policy(),
            "The ledger does not balance: In total: 5 seen.",
        ),
        ({"problems": ("The candidate died.",)}, Policy(), "The candidate died."),
    ],
)
def test_too_little_evidence_is_inconclusive(lacking: dict[str, object], policy: Policy, reason: str) -> None:
    assert word(evidence(**lacking), policy) == Verdict(Outcome.INCONCLUSIVE, (reason,), 3)


def test_a_comparison_that_misses_planted_faults_proves_little() -> None:
    strict = Policy(min_sensitivity=0.98)
    verdict = word(evidence(sensitivity=0.9799), strict)
    assert (verdict.outcome, verdict.reasons) == (
        Outcome.INCONCLUSIVE,
        ("The comparison caught 97.9 % of the faults that were planted to test it; policy asks for 98 %.",),
    )
    assert word(evidence(sensitivity=0.98), strict).outcome is Outcome.PASS
    assert word(evidence(sensitivity=0.1), Policy()).outcome is Outcome.PASS
    assert word(evidence(sensitivity=None), strict).outcome is Outcome.PASS


def test_without_a_baseline_fidelity_is_not_asked_for() -> None:
    assert word(evidence(fidelity=None, mode="recording"), Policy()).outcome is Outcome.PASS


def test_a_failure_wins_over_doubts_and_names_them() -> None:
    verdict = word(evidence(finding(), problems=("The canary differs.",)), Policy())

    assert (verdict.outcome, verdict.exit_code) == (Outcome.FAIL, 1)
    assert verdict.reasons[1] == "Also: The canary differs."


def test_policy_may_let_an_inconclusive_run_pass_but_never_without_evidence_for_a_tag() -> None:
    lax = Policy(inconclusive="pass", min_replayed=1000)
    told = word(evidence(tags=(("all", ("* /**",)),)), lax)
    blind = word(evidence(tags=(("payments", ("* /payments/**",)),)), lax)

    assert (told.outcome, told.exit_code) == (Outcome.INCONCLUSIVE, 0)
    assert (blind.outcome, blind.exit_code) == (Outcome.INCONCLUSIVE, 3)
    assert blind.reasons[-1] == (
        "Policy lets an inconclusive run pass, but never for tagged routes: payments: no route of it was recorded."
    )


def test_a_tagged_route_of_which_nothing_was_compared_lacks_evidence() -> None:
    skipped = Tally(seen=5, recorded=5, skipped={"unsafe method": 5})
    book = replace(
        ledger(), routes=(RouteTally("POST", "/payments", skipped), RouteTally("GET", "/a", Tally(matched=1)))
    )
    tags = (("payments", ("* /payments/**",)), ("a", ("GET /a",)))

    assert tags_without_evidence(evidence(ledger=book, tags=tags)) == (
        "payments: nothing was compared on POST /payments",
    )


def test_a_reason_names_five_findings_and_counts_the_rest() -> None:
    (reason,) = word(evidence(*(finding(f"f{i}") for i in range(48))), Policy()).reasons

    assert reason.startswith("48 findings that policy fails on, not approved: ")
    assert reason.endswith("(breaking, f4); and 43 more.")
