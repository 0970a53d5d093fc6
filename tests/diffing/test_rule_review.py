"""What is wrong with rules: each fault where it is, and no fault where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from diffing.difference import Location, Part
from diffing.noise import HiddenPlace, NoiseRule, RuleUse
from diffing.rule_evidence import PastRun, RuleEvidence, Spot
from diffing.rule_review import Fault, Problem, RuleHistory, State, beyond, hides_all_of, history, review

TODAY = date(2027, 1, 15)
TIME = "2026-01-01T00:00:00Z"
RULE = NoiseRule("GET /a", "$.at", Part.BODY, "timestamp", "asked for each time", None, "ann")


def spot(route: str = "/a", path: str = "$.at", method: str = "GET") -> Spot:
    return Spot(method, route, Location(Part.BODY, path))


def run(*uses: tuple[NoiseRule, dict[Spot, int]], routes: tuple[str, ...] = ("/a", "/b"), name: str = "r1") -> PastRun:
    told = tuple(
        RuleUse(
            rule,
            sum(hidden.values()),
            tuple(HiddenPlace(s.method, s.route, s.location, "value", n) for s, n in hidden.items()),
        )
        for rule, hidden in uses
    )
    return PastRun(name, "tiny", told, routes=frozenset(("GET", route) for route in routes))


def faults(
    *rules: NoiseRule, evidence: RuleEvidence | None = None, tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
) -> list[tuple[str, Fault]]:
    return [(p.rule.path, p.fault) for p in review(rules, tags, evidence or RuleEvidence(), TODAY)]


def test_a_rule_that_hides_one_place_that_varies_has_no_fault() -> None:
    evidence = RuleEvidence((run((RULE, {spot(): 3})),), {spot(): [TIME]}, frozenset({spot()}), True)
    assert review([RULE], [("payments", ("* /pay/**",))], evidence, TODAY) == []


def test_an_expired_rule_is_told_and_not_judged_further() -> None:
    old = replace(RULE, until=date(2027, 1, 14), author="")
    assert faults(old, RULE) == [("$.at", Fault.EXPIRED)]
    assert faults(replace(RULE, until=TODAY)) == []


def test_a_rule_is_dead_when_it_was_in_force_and_hid_nothing() -> None:
    two = (run((RULE, {}), name="r2"), run((RULE, {})))
    assert review([RULE], (), RuleEvidence(two), TODAY) == [Problem(RULE, Fault.DEAD, runs=2)]
    once = (run((RULE, {}), name="r2"), run((RULE, {spot(): 1})))
    assert faults(RULE, evidence=RuleEvidence(once)) == []
    assert faults(RULE, evidence=RuleEvidence((run(),))) == []  # written after the run


def test_a_route_that_no_run_replayed_is_told_even_of_a_new_rule() -> None:
    evidence = RuleEvidence((run(routes=("/b",)),))
    assert faults(RULE, evidence=evidence) == [("$.at", Fault.NO_SUCH_ROUTE)]


def test_a_rule_of_a_part_in_which_rules_hide_nothing_is_told() -> None:
    assert faults(replace(RULE, part=Part.SQL)) == [("$.at", Fault.NO_SUCH_PART)]


def test_a_second_rule_of_the_same_place_is_a_duplicate_and_one_within_another_is_shadowed() -> None:
    again, wide = replace(RULE, reason="other words"), replace(RULE, route="GET /**")
    assert [(p.fault, p.rule, p.other) for p in review([RULE, again], (), RuleEvidence(), TODAY)] == [
        (Fault.DUPLICATE, again, RULE)
    ]
    for rules in ([RULE, wide], [wide, RULE]):
        found = [(p.fault, p.rule, p.other) for p in review(rules, (), RuleEvidence(), TODAY)]
        assert found == [(Fault.SHADOWED, RULE, wide)]
    same = replace(RULE, kind="date")  # another word for the same values
    assert [(p.fault, p.rule) for p in review([RULE, same], (), RuleEvidence(), TODAY)] == [(Fault.SHADOWED, same)]
    assert faults(RULE, replace(wide, until=date(2020, 1, 1))) == [("$.at", Fault.EXPIRED)]


@pytest.mark.parametrize(
    ("wider", "hides"),
    [
        (replace(RULE, route="* /a"), True),
        (replace(RULE, kind="any"), True),
        (replace(RULE, kind="date"), True),
        (replace(RULE, part=None), True),
        (replace(RULE, path="$.*"), True),
        (replace(RULE, kind=""), False),  # hides no null that becomes a timestamp
        (replace(RULE, kind="str"), False),
        (replace(RULE, part=Part.HEADER), False),
        (replace(RULE, route="POST /a"), False),
        (replace(RULE, path="$.items.*"), False),
    ],
)
def test_one_rule_hides_all_that_another_does(wider: NoiseRule, hides: bool) -> None:
    assert hides_all_of(wider, RULE) is hides


def test_a_rule_that_covers_what_did_not_vary_is_over_broad_and_the_places_are_named() -> None:
    wide = replace(RULE, path="$.**")
    values = {spot(): [TIME], spot(path="$.due"): [TIME], spot(path="$.price"): [5]}
    evidence = RuleEvidence((run((wide, {spot(): 1, spot(path="$.due"): 1})),), values, frozenset({spot()}), True)
    assert review([wide], (), evidence, TODAY) == [
        Problem(wide, Fault.OVER_BROAD, spots=(spot(path="$.due"),), covered=2, used=1)
    ]
    idle = replace(evidence, values={**values, spot(path="$.by"): [TIME]})
    (found,) = review([wide], (), idle, TODAY)
    assert (found.spots, found.used) == ((spot(path="$.due"), spot(path="$.by")), 1)  # what it hid comes first
    assert faults(wide, evidence=replace(evidence, measured=False)) == []
    assert faults(wide, evidence=replace(evidence, varied=frozenset(values))) == []


def test_a_dead_rule_that_is_over_broad_is_told_as_both() -> None:
    wide = replace(RULE, path="$.**")
    values = {spot(): [TIME], spot(path="$.due"): [TIME]}
    assert faults(wide, evidence=RuleEvidence((run((wide, {})),), values, frozenset({spot()}), True)) == [
        ("$.**", Fault.DEAD),
        ("$.**", Fault.OVER_BROAD),
    ]


def test_what_a_rule_hid_counts_where_no_answers_are_kept() -> None:
    wide = replace(RULE, path="$.*")
    hidden = {spot(): 1, spot(path="$.due"): 1}
    evidence = RuleEvidence((run((wide, hidden)),), {}, frozenset({spot()}), True)
    assert [(p.spots, p.covered) for p in review([wide], (), evidence, TODAY)] == [((spot(path="$.due"),), 2)]


def test_one_field_at_many_routes_is_no_wildcard_where_it_really_changed() -> None:
    named = replace(RULE, route="GET /**")
    values = {spot("/a"): [TIME], spot("/b"): [TIME], spot("/c"): [TIME]}
    routes = ("/a", "/b", "/c")
    everywhere = RuleEvidence((run((named, dict.fromkeys(values, 1)), routes=routes),), values, frozenset(), True)
    assert faults(named, evidence=everywhere) == []
    at_one = RuleEvidence((run((named, {spot("/a"): 1}), routes=routes),), values, frozenset(), True)
    assert [(p.spots, p.covered) for p in review([named], (), at_one, TODAY)] == [((spot("/b"), spot("/c")), 3)]


def test_one_place_is_never_too_much() -> None:
    exact = replace(RULE, route="GET /*")
    evidence = RuleEvidence((run((exact, {spot(): 1})),), {spot(): [TIME]}, frozenset(), True)
    assert faults(exact, evidence=evidence) == []


@pytest.mark.parametrize(
    ("rule", "paths"),
    [
        (RULE, []),
        (replace(RULE, path="$.items[*].at"), []),
        (replace(RULE, path="$.*"), ["$.due"]),
        (replace(RULE, route="GET /**"), ["$.due"]),
    ],
)
def test_what_a_rule_hid_where_nothing_varied_counts_against_a_rule_with_wildcards(
    rule: NoiseRule, paths: list[str]
) -> None:
    (use,) = run((rule, {spot(): 3, spot(path="$.due"): 1})).uses
    assert [place.location.path for place in beyond(use, {spot()})] == paths


def test_many_routes_are_told_when_the_places_are_not_known() -> None:
    wide = replace(RULE, route="GET /**")
    routes = tuple(f"/r{n}" for n in range(11))
    few = run((wide, {spot(f"/r{n}"): 1 for n in range(5)}), routes=routes)
    assert review([wide], (), RuleEvidence((few,)), TODAY) == [Problem(wide, Fault.MANY_ROUTES, routes=11, used=5)]
    enough = run((wide, {spot(f"/r{n}"): 1 for n in range(6)}), routes=routes)
    assert faults(wide, evidence=RuleEvidence((enough,))) == []


TAGS = (("payments", ("* /pay/**",)), ("login", ("POST /login",)))


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (replace(RULE, route="* /**"), Fault.TAGGED),
        (replace(RULE, route="GET /pay/<int:id>"), Fault.TAGGED),
        (replace(RULE, route="GET /pay/<int:id>", until=date(2027, 2, 1)), Fault.TAGGED_EXACT),
        (replace(RULE, route="GET /pay/*", until=date(2027, 2, 1)), Fault.TAGGED),
        (replace(RULE, route="GET /pay/<int:id>", until=date(2027, 2, 1), kind="any"), Fault.TAGGED),
        (replace(RULE, route="GET /pay/<int:id>", until=date(2027, 2, 1), path="$.*"), Fault.TAGGED),
        (replace(RULE, route="GET /paying"), None),
        (replace(RULE, route="GET /login"), None),
    ],
)
def test_a_rule_on_a_tagged_route_is_told(rule: NoiseRule, fault: Fault | None) -> None:
    found = review([rule], TAGS, RuleEvidence(), TODAY)
    assert [p.fault for p in found] == ([fault] if fault else [])
    if rule.route == "* /**":
        assert found[0].tags == ("payments", "login")


def test_a_tagged_route_without_the_rules_place_is_not_at_risk() -> None:
    wide = replace(RULE, route="* /**")
    tags = TAGS[:1]
    values = {spot("/pay/<int:id>", "$.total"): [5], spot("/pay/<int:id>", "$.rows[*].n"): [1]}
    evidence = RuleEvidence((), values, frozenset(), True)
    assert faults(wide, evidence=evidence, tags=tags) == []
    assert faults(replace(wide, path="$.total", kind="int"), evidence=evidence, tags=tags) == [
        ("$.total", Fault.TAGGED)
    ]
    assert faults(replace(wide, path="$.rows", kind="array"), evidence=evidence, tags=tags) == [
        ("$.rows", Fault.TAGGED)
    ]


def test_calls_that_were_not_observed_may_still_be_made_on_a_tagged_route() -> None:
    calls = replace(RULE, route="* /**", path="$calls['POST pay/charges'][*].body.at", part=Part.OUTBOUND)
    evidence = RuleEvidence((), {spot("/pay/<int:id>", "$.total"): [5]}, frozenset(), True)
    assert faults(calls, evidence=evidence, tags=TAGS[:1]) == [(calls.path, Fault.TAGGED)]


def test_a_rule_without_author_or_reason_is_told() -> None:
    assert faults(replace(RULE, author=" ", reason="")) == [("$.at", Fault.NO_REASON), ("$.at", Fault.NO_AUTHOR)]


def test_only_an_exact_rule_on_a_tagged_route_is_no_fault() -> None:
    assert [fault for fault in Fault if not fault.wrong] == [Fault.TAGGED_EXACT]


def test_the_history_of_a_rule_sums_over_the_runs_that_it_was_in_force_in() -> None:
    runs = (run((RULE, {spot(): 2}), name="r2"), run(name="r1"), run((RULE, {spot(): 1, spot("/b"): 5}), name="r0"))
    expired = replace(RULE, path="$.old", until=date(2026, 1, 1))
    told = history([RULE, expired, replace(RULE, path="$.new")], RuleEvidence(runs), TODAY)
    places = (
        HiddenPlace("GET", "/b", spot().location, "value", 5),
        HiddenPlace("GET", "/a", spot().location, "value", 3),
    )
    assert told[0] == RuleHistory(RULE, State.ACTIVE, 8, (("r2", 2), ("r0", 6)), places)
    assert [each.state for each in told[1:]] == [State.EXPIRED, State.NEW]
    assert history([RULE], RuleEvidence((run((RULE, {})),)), TODAY)[0].state is State.DEAD
