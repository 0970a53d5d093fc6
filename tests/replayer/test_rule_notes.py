"""What a report says of noise rules without being asked."""

from __future__ import annotations

from diffing.difference import Location, Part
from diffing.noise import HiddenPlace, NoiseRule, RuleUse
from diffing.rule_evidence import Spot
from replayer.reports.rule_notes import rule_notes


def used(rule: NoiseRule, *paths: str, route: str = "/a") -> RuleUse:
    places = tuple(HiddenPlace("GET", route, Location(Part.BODY, path), "value", 2) for path in paths)
    return RuleUse(rule, 2 * len(places), places)


def varied(*paths: str) -> frozenset[Spot]:
    return frozenset(Spot("GET", "/a", Location(Part.BODY, path)) for path in paths)


WIDE = NoiseRule("GET /a", "$.*")


def test_what_a_wildcard_hid_where_the_baseline_does_not_vary_is_noted() -> None:
    assert rule_notes([used(WIDE, "$.a", "$.b")], varied("$.a")) == (
        "The noise rule GET /a $.* hid 2 changes at places that it does not name exactly and at which the baseline does"
        " not vary: GET /a $.b. See `understudy rules lint`.",
    )
    (note,) = rule_notes([used(WIDE, "$.a", "$.b", "$.c", "$.d")], varied())
    assert "hid 8 changes" in note
    assert "GET /a $.c and 1 more." in note


def test_an_exact_rule_a_place_that_varies_and_what_is_not_known_are_no_news() -> None:
    assert rule_notes([used(NoiseRule("GET /a", "$.b"), "$.b"), used(WIDE, "$.a"), used(WIDE)], varied("$.a")) == ()
    assert rule_notes([used(WIDE, "$.b")], None) == ()


def test_what_any_rule_hid_on_a_tagged_route_is_noted() -> None:
    uses = [used(NoiseRule("GET /pay", "$.b"), "$.b", route="/pay"), used(WIDE, "$.a")]
    assert rule_notes(uses, varied("$.a"), [("money", ("* /pay",)), ("login", ("* /login",))]) == (
        "The noise rule GET /pay $.b hid 2 changes at routes with the tag 'money': GET /pay $.b.",
    )
