"""What a noise rule would have hidden in runs that are over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .difference import Difference, DifferenceKind
from .grouping import Finding, Member
from .noise import NoiseRule
from .rule_evidence import PastRun

_EXAMPLES: dict[str, object] = {
    "null": None,
    "bool": True,
    "int": 1,
    "float": 0.5,
    "str": "text",
    "object": {},
    "array": [],
}


@dataclass(frozen=True, slots=True)
class PastHiding:
    """A finding of a past run that a rule would have hidden, or a part of it."""

    run: str
    fingerprint: str
    state: str
    count: int  # exchanges, summed over the places that the rule names
    whole: bool  # nothing of the finding would have been left


def hindsight(rule: NoiseRule, runs: Iterable[PastRun]) -> tuple[PastHiding, ...]:
    """The findings that would not have been there, or would have been smaller, run by run.

    A report keeps the values of a finding's root only; at the other places the values are taken to be of the rule's
    kind unless the change says otherwise, so that rather too much is told than too little.
    """
    found = []
    for run in runs:
        for finding in run.findings:
            hidden = hidden_members(rule, finding)
            if hidden:
                count = sum(member.count for member in hidden)
                whole = len(hidden) == len(finding.places)
                found.append(PastHiding(run.run, finding.fingerprint, finding.state, count, whole))
    return tuple(found)


def hidden_members(rule: NoiseRule, finding: Finding) -> tuple[Member, ...]:
    """The places of a finding that a rule would have hidden."""
    return tuple(member for member in finding.places if _hides(rule, finding, member))


def _hides(rule: NoiseRule, finding: Finding, member: Member) -> bool:
    if not rule.is_at(member.method, member.route, member.location):
        return False
    kind = DifferenceKind(member.kind or finding.kind)
    difference = Difference(member.location, kind, None, None, member.transition)
    if kind in (DifferenceKind.LENGTH, DifferenceKind.ORDER):
        value: object = []
    elif (member.method, member.route, member.location) == (finding.method, finding.route, finding.location):
        value = finding.candidate
    elif kind in (DifferenceKind.TYPE, DifferenceKind.NULL):
        value = _EXAMPLES.get(member.transition.rpartition(" -> ")[2])
    else:
        return (
            rule.kind == "any"
            if kind is DifferenceKind.MISSING
            else bool(rule.kind) or rule.hides(member.method, member.route, difference, "")
        )
    return rule.hides(member.method, member.route, difference, value)
