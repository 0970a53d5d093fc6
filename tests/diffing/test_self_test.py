"""The gate's proof of itself on a small application: what it plants, what it catches, how it explains the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from diffing import judge as judge_module
from diffing.approvals import Approval, Approvals, Scope, Subject
from diffing.difference import Case, Location, Part, Severity, Status
from diffing.faulty_answers import Fault
from diffing.grouping import group
from diffing.inventory import Knowledge, take_inventory
from diffing.judge import judge
from diffing.mutants import Mutant, Mutator
from diffing.mutations import Mutation
from diffing.noise import NoiseRule
from diffing.profile import NoiseProfile, learn
from diffing.self_test import Judging, right_answers, self_test
from diffing.sensitivity import Sensitivity, Share
from diffing.trial import Trial

from .orders_app import SORTS, cases, traffic

MADE = cases(traffic(8))
PROFILE = learn(MADE, SORTS)
RIGHT, SOURCE = right_answers(MADE, ["baseline 1", "baseline 2", "baseline 3"])


def outcome(judging: Judging | None = None, budget: int = 300, seed: int = 1) -> Sensitivity:
    return self_test(RIGHT, judging or Judging(PROFILE), SOURCE, budget, seed)


def test_the_last_baseline_pass_is_what_faults_are_planted_into() -> None:
    assert SOURCE == "baseline 3"
    assert [case.candidate for case in RIGHT] == [(case.baseline[2],) for case in MADE]
    assert [case.baseline for case in RIGHT] == [case.baseline for case in MADE]


def test_a_single_pass_stands_against_itself() -> None:
    single = [replace(case, baseline=case.baseline[:1]) for case in MADE]
    right, source = right_answers(single, ["baseline"])
    assert source == "baseline"
    assert [case.candidate for case in right] == [case.baseline for case in single]


def test_without_a_baseline_it_is_the_recording() -> None:
    right, source = right_answers(MADE, [])
    assert source == "recording"
    assert right[0].candidate[0].response == MADE[0].exchange.response
    assert right[0].candidate[0].started == MADE[0].exchange.started


def test_nearly_every_fault_is_caught_and_the_rest_is_explained() -> None:
    found = outcome()
    assert found.total.planted + found.equivalent == 300
    assert found.total.value >= 0.95
    assert [spot for spot in found.blind_spots if not spot.explained] == []
    assert found.untested == ()


def test_every_route_and_every_kind_of_fault_gets_some() -> None:
    found = outcome()
    assert {route for route, _ in found.by_route} == {(case.method, case.route) for case in MADE}
    kinds = {mutation for mutation, share in found.by_mutation if share.planted}
    assert kinds >= set(Mutation) - {Mutation.FLIP}  # there is no flag in this application
    assert {reach for reach, _ in found.by_reach} == {"exchange", "route"}
    assert {knowledge for knowledge, _ in found.by_knowledge} >= {
        Knowledge.FIXED, Knowledge.IDENTIFIER, Knowledge.TIME, Knowledge.VARIES, Knowledge.UNSTEADY,
    }  # fmt: skip


def test_the_same_seed_plants_the_same_faults() -> None:
    assert outcome(budget=60) == outcome(budget=60)
    assert outcome(budget=60) != outcome(budget=60, seed=2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mutant_is_caught_exactly_when_the_whole_run_with_it_differs(seed: int) -> None:
    """The short cut is right: nothing is judged here but whole runs."""
    right = list(judge(RIGHT, PROFILE))
    matched = [i for i, comparison in enumerate(right) if comparison.status is Status.MATCHED]
    mutator = Mutator(RIGHT, take_inventory(RIGHT, matched, PROFILE), PROFILE)
    caught: Counter[Mutation] = Counter()
    for mutant in mutator.draw(80, seed):
        run = list(RIGHT)
        for i in matched if mutant.case is None else [mutant.case]:
            response = RIGHT[i].candidate[0].response
            if response is not None and (RIGHT[i].method, RIGHT[i].route, response.status) == mutant.group:
                run[i] = mutator.mutated(mutant, i) or run[i]
        caught[mutant.site.mutation] += any(c.status is Status.DIFFERED for c in Trial(PROFILE).first(run))
    found = outcome(budget=80, seed=seed)
    assert {mutation: share.caught for mutation, share in found.by_mutation} == {
        mutation: caught[mutation] for mutation, _ in found.by_mutation
    }


def test_what_shows_only_over_all_exchanges_is_caught_in_whole_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow_lists(mutator: Mutator, budget: int, seed: int) -> Iterator[Mutant]:
        inventory = take_inventory(RIGHT, range(len(RIGHT)), PROFILE)
        site = next(s for s in inventory.sites if (s.shape, s.mutation) == ("$.took_ms", Mutation.SCALE))
        yield Mutant(0, site, Fault(site.mutation, site.part, site.shape, 0), None, site.shape, site.knowledge)

    monkeypatch.setattr(Mutator, "draw", slow_lists)
    assert outcome().total == Share(1, 1)
    assert outcome(Judging(replace(PROFILE, spreads={}))).total == Share(1, 0)


def test_a_rule_that_hides_everything_is_what_lets_faults_pass() -> None:
    rule = NoiseRule("GET /orders/<int:id>", "$.**", kind="any")
    found = outcome(Judging(PROFILE, (rule,)))
    blind = [spot for spot in found.blind_spots if spot.why == f"rule {rule.name}"]
    assert blind
    assert {(spot.method, spot.route) for spot in blind} == {("GET", "/orders/<int:id>")}
    assert all(spot.explained for spot in blind)
    assert found.total.caught < outcome().total.caught


def test_a_fault_that_was_approved_is_not_caught() -> None:
    wrong = outcome(budget=1, seed=3)
    assert wrong.total.caught == 1
    mutator = Mutator(RIGHT, take_inventory(RIGHT, range(len(RIGHT)), PROFILE), PROFILE)
    mutant = next(iter(mutator.draw(1, 3)))
    first = mutant.site.cases[0] if mutant.case is None else mutant.case
    run: list[Case] = list(RIGHT)
    run[first] = mutator.mutated(mutant, first) or run[first]
    approvals = Approvals(
        tuple(
            Approval(
                str(number), finding.fingerprint, Scope.ALWAYS, "kim", "intended", datetime(2026, 1, 1, tzinfo=UTC),
                Subject(finding.method, finding.route, finding.location, finding.kind, finding.transition,
                        finding.severity),
                members=tuple(member.fingerprint for member in finding.members),
            )
            for number, finding in enumerate(group(list(judge(run, PROFILE)), {}))
        )
    )  # fmt: skip
    assert approvals.held
    found = outcome(Judging(PROFILE, approvals=approvals), budget=1, seed=3)
    assert (found.total.caught, [spot.why for spot in found.blind_spots]) == (0, ["approved"])


def test_an_approval_of_something_else_hides_nothing() -> None:
    subject = Subject("GET", "/x", Location(Part.BODY, "$"), "value", "", Severity.BREAKING)
    approvals = Approvals(
        (Approval("1", "0" * 16, Scope.ALWAYS, "kim", "why not", datetime(2026, 1, 1, tzinfo=UTC), subject),)
    )
    assert outcome(Judging(PROFILE, approvals=approvals), budget=60) == outcome(budget=60)


def test_a_comparison_that_looks_at_no_headers_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_module, "header_pairs", lambda *_: iter(()))
    found = outcome()
    blind = [spot for spot in found.blind_spots if not spot.explained]
    assert blind
    assert {spot.part for spot in blind} == {Part.HEADER}
    assert {spot.why for spot in blind} == {""}
    assert found.unexplained == sum(spot.survived for spot in blind)


def test_what_varies_is_where_faults_pass() -> None:
    varying = replace(PROFILE, places={
        key: replace(place, sort="", varies=True, timely=False, format=None) for key, place in PROFILE.places.items()
    })  # fmt: skip
    found = outcome(Judging(varying))
    assert found.total.value < outcome().total.value
    assert {spot.why for spot in found.blind_spots} <= {"noise profile", "time"}
    assert all(spot.explained for spot in found.blind_spots)


def test_routes_where_nothing_matched_are_named() -> None:
    wrong = [
        replace(case, candidate=(replace(case.candidate[0], response=None, failure="timeout"),))
        if case.route == "/tags"
        else case
        for case in RIGHT
    ]
    found = self_test(wrong, Judging(PROFILE), "baseline 2", 30)
    assert found.untested == (("GET", "/tags"),)
    assert ("GET", "/tags") not in {route for route, _ in found.by_route}


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    self_test(RIGHT, Judging(PROFILE), SOURCE, 5, 1, lambda done, total: told.append((done, total)))
    assert told == [(n + 1, len(RIGHT)) for n in range(len(RIGHT))]


def test_nothing_recorded_nothing_planted() -> None:
    found = self_test([], Judging(NoiseProfile()), "recording")
    assert (found.total.planted, found.total.value, found.total.interval) == (0, 1.0, (0.0, 1.0))
