"""What a rule would have hidden in a run that is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diffing.difference import Location, Part, Severity
from diffing.grouping import CONFIRMED, Finding, Member
from diffing.noise import NoiseRule
from diffing.rule_evidence import PastRun
from diffing.rule_hindsight import PastHiding, hindsight

ROOT = Member("m1", "GET", "/a", Location(Part.BODY, "$.rows[*].at"), 3, "value", "str -> other str")
OTHER = Member("m2", "GET", "/b", Location(Part.BODY, "$.at"), 2, "null", "str -> null")
FINDING = Finding(
    fingerprint="f1",
    severity=Severity.MAJOR,
    kind="value",
    method="GET",
    route="/a",
    location=ROOT.location,
    transition=ROOT.transition,
    baseline="2026-01-01T00:00:00Z",
    candidate="2026-01-02T00:00:00Z",
    count=5,
    out_of=9,
    state=CONFIRMED,
    members=(ROOT, OTHER),
    story=None,
    tags=(),
    exemplars=(),
    exchanges=(),
)


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        (NoiseRule("GET /a", "$.rows[*].at"), 3),
        (NoiseRule("GET /a", "$.rows[*].at", kind="timestamp"), 3),
        (NoiseRule("GET /a", "$.rows[*].at", kind="int"), 0),
        (NoiseRule("GET /a", "$.rows[*].at", Part.HEADER), 0),
        (NoiseRule("GET /**", "$.**", kind="any"), 5),
        (NoiseRule("GET /b", "$.at"), 0),
        (NoiseRule("GET /b", "$.at", kind="null"), 2),
        (NoiseRule("GET /b", "$.at", kind="timestamp"), 0),
        (NoiseRule("POST /**", "$.**", kind="any"), 0),
    ],
)
def test_a_rule_is_held_against_every_place_of_every_finding(rule: NoiseRule, count: int) -> None:
    hidden = (PastHiding("r1", "f1", CONFIRMED, count, whole=count == 5),) if count else ()
    assert hindsight(rule, [PastRun("r1", "tiny", findings=(FINDING,))]) == hidden


@pytest.mark.parametrize(
    ("kind", "rule_kind", "hidden"),
    [
        ("missing", "timestamp", False),
        ("missing", "any", True),
        ("extra", "", False),
        ("extra", "int", True),  # its value is not kept: taken to be of the kind
        ("format", "", True),
        ("order", "", True),
        ("length", "", False),
        ("length", "array", True),
    ],
)
def test_at_a_place_whose_value_is_not_kept_rather_too_much_is_told(kind: str, rule_kind: str, hidden: bool) -> None:
    finding = replace(FINDING, members=(ROOT, replace(OTHER, kind=kind, transition="a -> b")))
    found = hindsight(NoiseRule("GET /b", "$.at", kind=rule_kind), [PastRun("r1", "tiny", findings=(finding,))])
    assert bool(found) is hidden
