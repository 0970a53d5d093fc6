"""What a rule would do that somebody thinks of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from diffing.difference import Location, Part, Severity
from diffing.grouping import CONFIRMED, FLAKY, Finding, Member
from diffing.noise import NoiseRule
from diffing.rule_evidence import PastRun, RuleEvidence, Spot
from diffing.rule_preview import Preview, preview, suggestion

TODAY = date(2026, 11, 27)
PRICE, SEEN = Location(Part.BODY, "$.price"), Location(Part.BODY, "$.seen")
FOUND = Finding(
    fingerprint="a" * 16, severity=Severity.MINOR, kind="value", method="GET", route="/orders", location=PRICE,
    transition="int -> other int", baseline=5, candidate=7, count=3, out_of=9, state=CONFIRMED,
    members=(
        Member("a" * 16, "GET", "/orders", PRICE, 3, "value", "int -> other int"),
        Member("b" * 16, "GET", "/cart", PRICE, 2, "value", "int -> other int"),
    ),
    story=None, tags=(), exemplars=(), exchanges=(),
)  # fmt: skip
ROUTES = frozenset([("GET", "/orders"), ("GET", "/cart")])
VALUES = {Spot("GET", route, place): [5] for route in ("/orders", "/cart") for place in (PRICE, SEEN)}


def rule(route: str = "GET /orders", path: str = "$.price", kind: str = "int") -> NoiseRule:
    return NoiseRule(route, path, Part.BODY, kind, "why", TODAY, "ann")


def held(
    given: NoiseRule, *varied: Spot, others: tuple[NoiseRule, ...] = (), measured: bool = True, state: str = CONFIRMED
) -> Preview:
    runs = (PastRun("r2", "r", findings=(replace(FOUND, state=state),), routes=ROUTES), PastRun("r1", "r"))
    evidence = RuleEvidence(runs, VALUES, frozenset(varied), measured)
    return preview(given, others, (("money", ("GET /cart",)),), evidence, TODAY)


def test_an_exact_rule_hides_its_part_of_a_finding_and_what_was_steady_is_told() -> None:
    found = held(rule())
    assert [(each.run, each.count, each.whole) for each in found.hides] == [("r2", 3, False)]
    assert found.steady == (Spot("GET", "/orders", PRICE),)
    assert (found.covered, found.tags, found.problems) == (1, (), ())


def test_what_varied_or_was_flaky_was_not_steady() -> None:
    assert held(rule(), Spot("GET", "/orders", PRICE)).steady == ()
    assert held(rule(), state=FLAKY).steady == ()
    assert held(rule(), measured=False).steady == ()


def test_a_rule_for_several_places_is_refused_where_one_of_them_was_steady() -> None:
    wide = held(rule("* /**"), Spot("GET", "/orders", PRICE))
    assert sorted(each.fault.value for each in wide.problems) == ["over-broad", "tagged route"]
    (broad,) = [each for each in wide.problems if each.fault.value == "over-broad"]
    assert (broad.spots, broad.covered) == ((Spot("GET", "/cart", PRICE),), 2)
    assert [each.whole for each in wide.hides] == [True]
    assert [each.fault.value for each in held(rule("* /**"), state=FLAKY).problems] == ["tagged route"]
    assert [each.fault.value for each in held(rule(path="$.*", kind="")).problems] == ["over-broad"]


def test_a_tagged_route_takes_an_exact_rule_with_a_kind() -> None:
    assert held(rule("GET /cart")).problems == ()
    assert held(rule("GET /cart")).tags == ("money",)
    unseen = PastRun("r2", "r", findings=(replace(FOUND, location=SEEN, members=()),))
    evidence = RuleEvidence((unseen,), {Spot("GET", "/orders", PRICE): [5]})
    told = preview(rule(path="$.seen"), (), (("money", ("GET /orders",)),), evidence, TODAY)
    assert told.tags == ("money",)  # no kept answer has the place; a finding of a past run has
    assert [each.fault.value for each in held(rule("GET /cart", kind="any")).problems] == ["tagged route"]


def test_what_is_hidden_already_needs_no_rule() -> None:
    assert [each.fault.value for each in held(rule(), others=(rule(),)).problems] == ["duplicate"]
    assert [each.fault.value for each in held(rule(), others=(rule(kind="any"),)).problems] == ["shadowed"]


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, "int"),
        ({"kind": "type", "transition": "int -> str", "candidate": "7"}, "number"),
        ({"kind": "missing", "candidate": None}, "any"),
        ({"kind": "length", "candidate": 4}, "array"),
        ({"kind": "order", "candidate": []}, ""),
        ({"kind": "null", "candidate": None}, "null"),
    ],
)
def test_the_narrowest_rule_for_a_place_keeps_the_kind_of_what_is_there(changed: dict[str, object], kind: str) -> None:
    finding = replace(FOUND, members=(), **changed)  # type: ignore[arg-type]
    found = suggestion(finding, finding.places[0])
    assert found is not None
    assert (found.route, found.path, found.part, found.kind) == ("GET /orders", "$.price", Part.BODY, kind)


def test_at_another_place_the_change_says_the_kind() -> None:
    found = suggestion(FOUND, FOUND.members[1])
    assert found is not None
    assert (found.route, found.kind) == ("GET /cart", "int")


@pytest.mark.parametrize(("kind", "part"), [("status", Part.STATUS), ("failure", Part.STATUS), ("value", Part.SQL)])
def test_where_no_rule_hides_anything_none_is_suggested(kind: str, part: Part) -> None:
    finding = replace(FOUND, kind=kind, location=Location(part, ""), members=())
    assert suggestion(finding, finding.places[0]) is None
