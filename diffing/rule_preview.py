"""What a noise rule would do that somebody thinks of: what it would have hidden, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date

from .difference import DifferenceKind
from .grouping import FLAKY, Finding, Member
from .kinds import KINDS, narrowest_kind
from .noise import NEVER_HIDDEN, PARTS, NoiseRule
from .paths import parse_pattern
from .routes import exact_pattern, matches
from .rule_evidence import PastRun, RuleEvidence, Spot, covered
from .rule_hindsight import hidden_members
from .rule_proposals import LEAVES
from .rule_review import Fault, Problem, Tags, is_exact, review, tagged

_SUPERFLUOUS = frozenset({Fault.DUPLICATE, Fault.SHADOWED, Fault.NO_SUCH_PART})
"""What the rules that are there, and the part, say of a rule; breadth and tags are judged by past runs, too."""


@dataclass(frozen=True, slots=True)
class WouldHide:
    """A finding of a past run of which a rule would have hidden something."""

    run: str
    finding: Finding
    members: tuple[Member, ...]  # that would have been hidden

    @property
    def count(self) -> int:
        """Exchanges, summed over the places that would have been hidden."""
        return sum(member.count for member in self.members)

    @property
    def whole(self) -> bool:
        """Whether nothing of the finding would have been left."""
        return len(self.members) == len(self.finding.places)


@dataclass(frozen=True, slots=True)
class Preview:
    """What is known of a rule before it holds."""

    rule: NoiseRule
    hides: tuple[WouldHide, ...]  # the newest run first
    covered: int  # places of the kept answers that it names
    steady: tuple[Spot, ...]  # of what it names or would have hidden: what neither varied nor was flaky
    tags: tuple[str, ...]  # on whose routes it may hide something
    problems: tuple[Problem, ...]  # for which it can not be kept
    measured: bool  # whether it is known what varies


def preview(rule: NoiseRule, others: Sequence[NoiseRule], tags: Tags, evidence: RuleEvidence, today: date) -> Preview:
    """Holds a rule against past runs, what varies, and the rules that are there.

    A rule for one place of one route is a person's word; one for several is to cover nothing that was steady.
    """
    hides = tuple(_hides(rule, evidence.runs))
    flaky = {spot for each in hides if each.finding.state == FLAKY for spot in _spots(each)}
    hidden = {spot for each in hides for spot in _spots(each)}
    named = {*covered(rule, evidence.values), *hidden}
    steady = sorted(named - evidence.varied - flaky, key=lambda spot: (spot not in hidden, spot.rank))
    reaches = _reaches(rule, tags, evidence, hidden)
    problems = [
        each
        for each in review([*others, rule], (), evidence, today)
        if each.rule is rule and each.fault in _SUPERFLUOUS
    ]
    if evidence.measured and steady and len(named) > 1:
        spots, used = tuple(steady), len(hidden.intersection(steady))
        problems.append(Problem(rule, Fault.OVER_BROAD, spots=spots, covered=len(named), used=used))
    if reaches and not (is_exact(rule) and rule.kind not in ("", "any")):
        problems.append(Problem(rule, Fault.TAGGED, tags=reaches))
    return Preview(
        rule, hides, len(named), tuple(steady) if evidence.measured else (), reaches, tuple(problems), evidence.measured
    )


def _reaches(rule: NoiseRule, tags: Tags, evidence: RuleEvidence, hidden: Set[Spot]) -> tuple[str, ...]:
    """The tags on whose routes a rule may hide something, or would have."""
    found = tagged(rule, tags, evidence)
    return tuple(
        name
        for name, patterns in tags
        if name in found or any(matches(each, spot.method, spot.route) for each in patterns for spot in hidden)
    )


def suggestion(finding: Finding, member: Member) -> NoiseRule | None:
    """The narrowest rule that hides what a finding shows at one place; None where no rule hides anything."""
    change = DifferenceKind(member.kind or finding.kind)
    route = exact_pattern(member.method, member.route)
    if change in NEVER_HIDDEN or member.location.part not in PARTS or not route:
        return None
    try:
        parse_pattern(member.location.path)
    except ValueError:
        return None
    return NoiseRule(route, member.location.path, member.location.part, _kind(finding, member, change))


def _kind(finding: Finding, member: Member, change: DifferenceKind) -> str:
    if change is DifferenceKind.MISSING:
        return "any"
    if change is DifferenceKind.LENGTH:
        return "array"
    if change is DifferenceKind.ORDER:
        return ""
    if (member.method, member.route, member.location) == (finding.method, finding.route, finding.location):
        values = [finding.candidate, *([finding.baseline] if change in LEAVES else [])]
        return narrowest_kind(values) or ("" if change in LEAVES else "any")
    word = member.transition.rpartition(" -> ")[2].removeprefix("other ")
    return word if word in KINDS else "" if change in LEAVES else "any"


def _hides(rule: NoiseRule, runs: Sequence[PastRun]) -> list[WouldHide]:
    found = ((run.run, finding, hidden_members(rule, finding)) for run in runs for finding in run.findings)
    return [WouldHide(*each) for each in found if each[2]]


def _spots(each: WouldHide) -> list[Spot]:
    return [Spot(member.method, member.route, member.location) for member in each.members]
