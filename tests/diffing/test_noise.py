"""What a rule is called, and what it is said to have hidden in a run."""

from __future__ import annotations

from datetime import date

import pytest

from diffing.difference import Comparison, DifferenceKind, Location, Part, Ruled, Status
from diffing.noise import HiddenPlace, NoiseRule, RuleUse, uses

AT = Location(Part.BODY, "$.at")


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (NoiseRule("GET /a", "$.at"), "GET /a $.at"),
        (NoiseRule("GET /a", "$.at", Part.BODY, "timestamp"), "GET /a $.at (timestamp)"),
        (NoiseRule("* /**", "x-request-id", Part.HEADER), "* /** x-request-id"),
        (NoiseRule("GET /a", "$", Part.SQL), "GET /a sql $"),
    ],
)
def test_a_rule_is_named_by_what_it_hides(rule: NoiseRule, name: str) -> None:
    assert rule.name == name


def test_the_name_outlives_reason_author_and_end() -> None:
    before = NoiseRule("GET /a", "$.at", Part.BODY, "timestamp", "one reason", date(2027, 1, 1), "ann")
    after = NoiseRule("GET /a", "$.at", Part.BODY, "timestamp", "another", date(2028, 1, 1), "ben")
    assert before.name == after.name


def test_a_path_that_names_no_place_makes_no_rule() -> None:
    with pytest.raises(ValueError, match="names every place"):
        NoiseRule("GET /a", "**")


def test_what_rules_hid_is_summed_over_a_run_and_a_rule_that_hid_nothing_is_told_too() -> None:
    def hidden(route: str, count: int) -> Comparison:
        ruled = (Ruled("* /** $.at", AT, DifferenceKind.VALUE, count),)
        return Comparison("e", "GET", route, Status.MATCHED, ruled=ruled)

    used, idle = NoiseRule("* /**", "$.at"), NoiseRule("GET /a", "$.never")
    assert uses((used, idle, used), [hidden("/a", 1), hidden("/b", 2), hidden("/a", 4)]) == (
        RuleUse(
            used,
            7,
            (HiddenPlace("GET", "/a", AT, "value", 5), HiddenPlace("GET", "/b", AT, "value", 2)),
        ),
        RuleUse(idle, 0),
    )
