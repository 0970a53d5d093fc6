"""Every threshold of the policy: at its edge, just on the wrong side of it, and just on the right side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from diffing.clauses import DAY, NewRoutes, clauses
from diffing.difference import Severity
from diffing.gate import Evidence, Outcome, judge_run
from diffing.grouping import FLAKY, UNCONFIRMED
from diffing.ledger import Ledger, RouteTally, Tally
from diffing.policy import Clause, Holding, Policy, TagRule

from .test_gate import evidence, finding, ledger

PAY = ("payments", ("* /pay/**",))


def routes(*compared: tuple[str, int]) -> Ledger:
    tallies = tuple(RouteTally("GET", route, Tally(recorded=9, matched=count)) for route, count in compared)
    count = sum(count for _, count in compared)
    return Ledger(Tally(seen=count, recorded=count, matched=count), tallies)


def clause(found: Evidence, policy: Policy, key: str) -> Clause:
    (only,) = [each for each in clauses(found, policy) if each.key == key]
    return only


HELD, UNTOLD, OFF = Holding.HELD, Holding.UNTOLD, Holding.OFF

EDGES: list[tuple[str, dict[str, Any], dict[str, Any], Holding, str]] = [
    # setting, what it asks for, evidence, how it came out, what was measured
    ("min_replayed", {"min_replayed": 99}, {}, HELD, "100"),
    ("min_replayed", {"min_replayed": 100}, {}, HELD, "100"),
    ("min_replayed", {"min_replayed": 101}, {}, UNTOLD, "100"),
    ("min_replayed", {"min_replayed": 0}, {"ledger": ledger(0, 0)}, UNTOLD, "0"),
    ("min_route_coverage", {"min_route_coverage": 0.8999}, {}, HELD, "9 of 10 routes (90 %)"),
    ("min_route_coverage", {"min_route_coverage": 0.9}, {}, HELD, "9 of 10 routes (90 %)"),
    ("min_route_coverage", {"min_route_coverage": 0.9001}, {}, UNTOLD, "9 of 10 routes (90 %)"),
    ("min_route_coverage", {}, {}, OFF, "9 of 10 routes (90 %)"),
    ("min_route_coverage", {"min_route_coverage": 0.1}, {"routes_known": 0, "routes_replayed": 0}, UNTOLD, "0 of 0"),
    ("min_route_coverage", {"min_route_coverage": 0.1}, {"routes_unknown": "It is silent."}, UNTOLD, "9 of 10"),
    ("min_per_route", {"min_per_route": 4}, {"ledger": routes(("/a", 9), ("/b", 5))}, HELD, "5 on the thinnest of 2"),
    ("min_per_route", {"min_per_route": 5}, {"ledger": routes(("/a", 9), ("/b", 5))}, HELD, "5 on the thinnest of 2"),
    ("min_per_route", {"min_per_route": 6}, {"ledger": routes(("/a", 9), ("/b", 5))}, UNTOLD, "5 on the thinnest"),
    ("min_per_route", {"min_per_route": 6}, {"ledger": routes(("/a", 9), ("", 0))}, HELD, "9 on the thinnest of 1"),
    ("min_per_route", {}, {}, OFF, "100 on the thinnest of 1 route, 0 routes too thin"),
    ("min_fidelity", {"min_fidelity": 0.9}, {"fidelity": 0.9001}, HELD, "90 %"),
    ("min_fidelity", {"min_fidelity": 0.9}, {"fidelity": 0.9}, HELD, "90 %"),
    ("min_fidelity", {"min_fidelity": 0.9}, {"fidelity": 0.8999}, UNTOLD, "89.9 %"),
    ("min_fidelity", {"min_fidelity": 0.9}, {"fidelity": None}, OFF, "no baseline"),
    ("min_sensitivity", {"min_sensitivity": 0.9}, {"sensitivity": 0.9001}, HELD, "90 %"),
    ("min_sensitivity", {"min_sensitivity": 0.9}, {"sensitivity": 0.9}, HELD, "90 %"),
    ("min_sensitivity", {"min_sensitivity": 0.9}, {"sensitivity": 0.8999}, UNTOLD, "89.9 %"),
    ("min_sensitivity", {}, {"sensitivity": 0.1}, OFF, "10 %"),
    ("max_errored", {"max_errored": 0.1}, {"ledger": ledger(91, 0, 9)}, HELD, "9 of 100 (9 %)"),
    ("max_errored", {"max_errored": 0.1}, {"ledger": ledger(90, 0, 10)}, HELD, "10 of 100 (10 %)"),
    ("max_errored", {"max_errored": 0.1}, {"ledger": ledger(89, 0, 11)}, UNTOLD, "11 of 100 (11 %)"),
    ("max_errored", {"max_errored": 0.0}, {"ledger": ledger(99, 0, 1)}, UNTOLD, "1 of 100 (1 %)"),
    ("max_errored", {"max_errored": 0.0}, {"ledger": ledger(100, 0, 0)}, HELD, "0 of 100 (0 %)"),
    ("max_age", {"max_age": 30 * DAY}, {"age": 30 * DAY - 1}, HELD, "30 days old"),
    ("max_age", {"max_age": 30 * DAY}, {"age": 30 * DAY}, HELD, "30 days old"),
    ("max_age", {"max_age": 30 * DAY}, {"age": 30 * DAY + 1}, UNTOLD, "30.01 days old"),
    ("max_age", {"max_age": 30 * DAY}, {"age": None}, UNTOLD, "not known"),
    ("max_age", {}, {"age": 1e9}, OFF, "11574.1 days old"),
    ("min_new", {"min_new": 0.79}, {"new_routes": NewRoutes(("GET /1",) * 8, ("GET /2",) * 2)}, HELD, "8 of 10"),
    ("min_new", {"min_new": 0.8}, {"new_routes": NewRoutes(("GET /1",) * 8, ("GET /2",) * 2)}, HELD, "8 of 10"),
    ("min_new", {"min_new": 0.81}, {"new_routes": NewRoutes(("GET /1",) * 8, ("GET /2",) * 2)}, UNTOLD, "8 of 10"),
    ("min_new", {"min_new": 1.0}, {"new_routes": NewRoutes()}, HELD, "no new route"),
    ("min_new", {"min_new": 0.1}, {"new_routes": NewRoutes(unknown="It is silent.")}, UNTOLD, "not known"),
    ("min_new", {"min_new": 0.1}, {"new_routes": None}, UNTOLD, "not known"),
    ("min_new", {}, {"new_routes": NewRoutes((), ("GET /2",))}, OFF, "0 of 1 new routes (0 %)"),
]


@pytest.mark.parametrize(("key", "asked", "found", "holding", "measured"), EDGES)
def test_thresholds_hold_at_their_edge_and_not_beyond(
    key: str, asked: dict[str, Any], found: dict[str, Any], holding: Holding, measured: str
) -> None:
    policy, run = Policy(**asked), evidence(**found)

    told = clause(run, policy, f"policy.{key}")

    assert told.holding is holding
    assert told.measured.startswith(measured)
    assert bool(told.sentences) is (holding is UNTOLD)
    verdict = judge_run(run, policy)
    assert told in verdict.clauses
    if holding is UNTOLD:
        assert (verdict.outcome, verdict.exit_code) == (Outcome.INCONCLUSIVE, 3)
        assert told.sentences[0] in verdict.reasons


@pytest.mark.parametrize("holding", [HELD, UNTOLD])
@pytest.mark.parametrize(("least", "compared"), [("min_compared", (7, 6)), ("min_per_route", (3, 2))])
def test_a_tag_asks_for_evidence_of_its_own(least: str, compared: tuple[int, int], holding: Holding) -> None:
    count = compared[0] if holding is HELD else compared[1]
    thin = count if least == "min_per_route" else count - 4
    book = routes(("/a", 50), ("/pay/1", 4), ("/pay/2", thin))
    policy = Policy(tags={"payments": TagRule(**{least: compared[0]})})  # type: ignore[arg-type]

    told = clause(evidence(ledger=book, tags=(PAY,)), policy, f"policy.tags.payments.{least}")

    assert (told.holding, told.tag) == (holding, "payments")


def test_a_tag_without_any_route_lacks_what_it_asks_for() -> None:
    policy = Policy(tags={"payments": TagRule(min_compared=1, min_per_route=1)})

    verdict = judge_run(evidence(tags=(PAY,)), policy)

    assert verdict.reasons == (
        "Only 0 exchanges were compared on routes of the tag payments; policy asks for 1.",
        "No route of the tag payments was recorded; policy asks for 1 exchanges each.",
    )


def test_what_a_tag_lacks_is_never_let_pass() -> None:
    lax = Policy(inconclusive="pass", tags={"payments": TagRule(min_compared=5)})
    thin, enough = (evidence(ledger=routes(("/pay/1", n)), tags=(PAY,), problems=("Odd.",)) for n in (4, 5))

    assert judge_run(enough, lax).exit_code == 0
    verdict = judge_run(thin, lax)
    assert (verdict.outcome, verdict.exit_code) == (Outcome.INCONCLUSIVE, 3)
    assert verdict.reasons[-1].endswith("payments: policy.tags.payments.min_compared asks for more.")


@pytest.mark.parametrize(
    ("lacking", "key"),
    [
        ({"unreplayed": ("POST /pay/1",), "routes_replayed": 1}, "min_route_coverage"),
        ({"new_routes": NewRoutes((), ("POST /pay/1",))}, "min_new"),
        ({"budgets": (Clause("policy.budgets[1].max_slowdown", "", "", UNTOLD, ("?",), ("POST /pay/1",)),)}, "budgets"),
    ],
)
def test_what_could_not_be_told_of_a_tagged_route_is_never_let_pass(lacking: dict[str, Any], key: str) -> None:
    lax = Policy(inconclusive="pass", min_route_coverage=0.5, min_new=0.5)
    book = routes(("/pay/0", 9), ("/a", 9))
    plain = {"ledger": book, "new_routes": NewRoutes(), "problems": ("Odd.",)}

    verdict = judge_run(evidence(**{**plain, **lacking}, tags=(PAY,)), lax)

    assert (verdict.outcome, verdict.exit_code) == (Outcome.INCONCLUSIVE, 3)
    assert f"payments: policy.{key}" in verdict.reasons[-1]
    assert verdict.reasons[-1].endswith("does not hold for POST /pay/1.")
    assert judge_run(evidence(**plain, tags=(PAY,)), lax).exit_code == 0
    assert judge_run(evidence(**{**plain, **lacking}, tags=(("a", ("GET /a",)),)), lax).exit_code == 0


def test_a_finding_is_told_under_each_limit_that_it_breaks() -> None:
    grave = replace(finding("f1"), tags=("payments",))
    light = replace(finding("f2", Severity.MAJOR), tags=("payments",))
    flaky = replace(finding("f3", state=FLAKY), tags=("payments",))
    run = evidence(grave, light, flaky, tags=(PAY,))
    policy = Policy(tags={"payments": TagRule(Severity.MAJOR)})

    general = clause(run, policy, "policy.fail_on")
    of_tag = clause(run, policy, "policy.tags.payments.fail_on")

    assert (general.holding, general.evidence, general.measured) == (Holding.FAILS, ("f1",), "1 finding")
    assert (of_tag.holding, of_tag.evidence, of_tag.measured) == (Holding.FAILS, ("f1", "f2"), "2 findings")
    assert clause(evidence(flaky, tags=(PAY,)), policy, "policy.fail_on").holding is HELD


def test_a_finding_that_nobody_could_confirm_leaves_its_limit_untold() -> None:
    unsure = clause(evidence(finding("f1", state=UNCONFIRMED), finding("f2", state=FLAKY)), Policy(), "policy.fail_on")

    assert (unsure.holding, unsure.measured) == (UNTOLD, "0 findings, 1 neither confirmed nor refuted")


def test_an_overrun_budget_fails_whatever_else_is_missing() -> None:
    over = Clause("policy.budgets[1].max_statements", "at most 3", "9", Holding.FAILS, ("GET /a ran 9 statements.",))
    run = evidence(budgets=(over,), problems=("Odd.",))

    for policy in (Policy(), Policy(inconclusive="pass")):
        verdict = judge_run(run, policy)
        assert (verdict.outcome, verdict.exit_code, verdict.blocking) == (Outcome.FAIL, 1, ())
        assert verdict.reasons == ("GET /a ran 9 statements.", "Also: Odd.")
