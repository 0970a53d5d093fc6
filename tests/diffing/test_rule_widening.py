"""Which wider rules stand for several exact ones."""

from __future__ import annotations

from diffing.difference import Part
from diffing.noise import NoiseRule
from diffing.rule_widening import widened


def rules(*places: str, route: str = "GET /a", kind: str = "int") -> list[NoiseRule]:
    return [NoiseRule(route, path, Part.BODY, kind) for path in places]


def test_three_paths_that_differ_in_one_key_are_one_with_a_wildcard() -> None:
    three = rules("$.x.a", "$.x['b c']", "$.x.d")
    assert list(widened([*three, *rules("$.x.a.b", "$.y")])) == [
        (NoiseRule("GET /a", "$.x.*", Part.BODY, "int"), tuple(three))
    ]
    assert list(widened(three[:2])) == []
    assert list(widened([*three[:2], *rules("$.x.d", kind="str")])) == []


def test_one_path_on_three_routes_is_one_below_what_the_routes_share() -> None:
    three = [NoiseRule(f"GET /api/v1/{name}", "$.at") for name in ("a", "b/<int:id>", "c")]
    assert list(widened(three)) == [(NoiseRule("GET /api/v1/**", "$.at"), tuple(three))]
    mixed = [*three[:2], NoiseRule("POST /login", "$.at")]
    assert list(widened(mixed)) == [(NoiseRule("* /**", "$.at"), tuple(mixed))]
