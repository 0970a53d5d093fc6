"""Noise rules that would hide what a run saw vary, and nothing else: the narrowest place and the narrowest kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from enum import Enum

from .difference import DifferenceKind
from .grouping import FLAKY, Finding, Member
from .kinds import KINDS, json_type, narrowest_kind
from .noise import NEVER_HIDDEN, PARTS, NoiseRule
from .paths import parse_pattern
from .routes import exact_pattern
from .rule_evidence import PastRun, RuleEvidence, Spot, Values
from .rule_hindsight import PastHiding, hindsight
from .rule_review import Tags, hides_all_of, needless, tagged
from .rule_widening import widened

LEAVES = frozenset({DifferenceKind.VALUE, DifferenceKind.FORMAT, DifferenceKind.IDENTITY})


class Why(Enum):
    """What speaks for a rule."""

    BASELINE = "the baseline varies"  # between its own passes
    FLAKY = "flaky"  # the candidate showed it, and not again when it was repeated


class Refusal(Enum):
    """Why something gets no rule: a closed set, each with a sentence where it is shown."""

    NEVER = "never hidden"  # another status, no answer, another content type; SQL, latency
    MISSING = "missing"  # only the kind `any` hides what is gone, and it hides everything else there too
    NO_KIND = "no kind"  # no kind but `any` fits what varied
    NOT_VARIED = "did not vary"  # the baseline never varied there, and the candidate's change came again
    OTHER_KIND = "another kind"  # what varied is of a kind that the candidate's value is not of
    TOO_WIDE = "too wide"  # would hide changes at places that did not vary
    NO_PLACE = "no place"  # its route or path can not be written as a rule


@dataclass(frozen=True, slots=True)
class Need:
    """One place and one kind that a rule is wanted for."""

    spot: Spot
    kind: str
    why: Why
    fingerprints: frozenset[str]  # of the findings that show it


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule without reason and author, what it is for, and what it would have hidden in past runs."""

    rule: NoiseRule
    needs: tuple[Need, ...]
    hides: tuple[PastHiding, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The findings that it is for."""
        return tuple(sorted({mark for need in self.needs for mark in need.fingerprints}))

    @property
    def whys(self) -> tuple[Why, ...]:
        """What speaks for it, in the order of `Why`."""
        return tuple(why for why in Why if any(need.why is why for need in self.needs))


@dataclass(frozen=True, slots=True)
class Refused:
    """What gets no rule, and why."""

    refusal: Refusal
    fingerprints: tuple[str, ...]
    spot: Spot | None = None
    rule: NoiseRule | None = None  # that was thought of
    needless: tuple[Spot, ...] = ()  # places that it would have hidden without need
    covered: int = 0  # places in all


@dataclass(frozen=True, slots=True)
class Proposals:
    """What a run asks for."""

    proposals: tuple[Proposal, ...] = ()
    refused: tuple[Refused, ...] = ()
    covered: int = 0  # places that rules which are there already hide by now


def propose(
    run: PastRun,
    evidence: RuleEvidence,
    candidate: Values,
    rules: Sequence[NoiseRule] = (),
    tags: Tags = (),
    asked: Set[str] = frozenset(),
) -> Proposals:
    """Rules for the flaky findings of a run, or for those that are asked for by their fingerprints.

    `candidate` holds values of the candidate's answers, `rules` what is in force. A confirmed finding gets a rule only
    where the baseline varies, of the kind in which it does.
    """
    findings = [
        finding for finding in run.findings if (finding.fingerprint in asked if asked else finding.state == FLAKY)
    ]
    refused: list[Refused] = []
    needs: dict[tuple[Spot, str], Need] = {}
    for finding in findings:
        for member in finding.places:
            found = _need(finding, member, evidence, candidate)
            if isinstance(found, Refused):
                refused.append(found)
                continue
            known = needs.get((found.spot, found.kind))
            needs[found.spot, found.kind] = (
                found if known is None else replace(known, fingerprints=known.fingerprints | found.fingerprints)
            )
    fresh = [need for need in needs.values() if not _is_hidden(need, rules)]
    varied = replace(evidence, varied=evidence.varied | {need.spot for need in fresh})
    exact = [
        Proposal(exact_rule(need), (need,)) for need in sorted(fresh, key=lambda need: (need.spot.rank, need.kind))
    ]
    narrow: list[Proposal] = []
    for proposal in exact:
        spots, total = needless(proposal.rule, varied)
        if spots:
            refused.append(_too_wide(proposal, spots, total))
        else:
            narrow.append(proposal)
    final, wide = _widen(narrow, varied, tags)
    proposals = (
        replace(each, hides=hindsight(each.rule, evidence.runs), tags=tagged(each.rule, tags, evidence))
        for each in final
    )
    return Proposals(tuple(proposals), (*refused, *wide), len(needs) - len(fresh))


def exact_rule(need: Need) -> NoiseRule:
    """The rule for one place and kind, and for no other."""
    spot = need.spot
    return NoiseRule(exact_pattern(spot.method, spot.route), spot.location.path, spot.location.part, need.kind)


def _need(finding: Finding, member: Member, evidence: RuleEvidence, candidate: Values) -> Need | Refused:
    spot = Spot(member.method, member.route, member.location)
    marks = (finding.fingerprint,)
    change = DifferenceKind(member.kind or finding.kind)
    why = Why.BASELINE if spot in evidence.varied else Why.FLAKY
    if change in NEVER_HIDDEN or member.location.part not in PARTS:
        return Refused(Refusal.NEVER, marks, spot)
    if why is Why.FLAKY and finding.state != FLAKY:
        return Refused(Refusal.NOT_VARIED, marks, spot)
    if finding.state != FLAKY and change not in LEAVES:
        return Refused(Refusal.OTHER_KIND, marks, spot)  # what varies in this way is no finding
    if change is DifferenceKind.MISSING:
        return Refused(Refusal.MISSING, marks, spot)
    if not _is_writable(spot):
        return Refused(Refusal.NO_PLACE, marks, spot)
    own = list(evidence.values.get(spot, ()))
    its = list(candidate.get(spot, ()))
    if _is_root(finding, member):
        own, its = [*own, *_shown(finding.baseline)], [*its, *_shown(finding.candidate)]
    trusted = finding.state == FLAKY
    kind = _kind(change, member.transition or finding.transition, own, its, trusted)
    if kind is None:
        return Refused(Refusal.NO_KIND, marks, spot)
    need = Need(spot, kind, why, frozenset(marks))
    alone = PastRun("", "", findings=(replace(finding, members=(member,)),))
    # what varied sets the kind; a change that is not of it is no noise
    if not trusted and _is_root(finding, member) and not hindsight(exact_rule(need), [alone]):
        return Refused(Refusal.OTHER_KIND, marks, spot, exact_rule(need))
    return need


def _kind(
    change: DifferenceKind, transition: str, own: Sequence[object], its: Sequence[object], trusted: bool
) -> str | None:
    """The narrowest kind that hides such a change, "" when none is needed, None when only `any` would.

    `own` are values of the baseline, `its` of the candidate; those count only when they are `trusted`.
    """
    goal = transition.rpartition(" -> ")[2]
    if change is DifferenceKind.ORDER:
        return ""
    if change is DifferenceKind.LENGTH:
        return "array"
    if change in LEAVES:
        values = [value for value in (*own, *(its if trusted else ())) if value is not None]
        word = goal.removeprefix("other ")
        if word in ("object", "array") or any(isinstance(value, dict | list) for value in values):
            return None  # two containers of which nobody knows what differs
        return narrowest_kind(values) or (word if word in KINDS and not values else None)
    if change is DifferenceKind.EXTRA:
        return narrowest_kind(value for value in its if value is not None) or None
    if goal not in KINDS:
        return None
    return narrowest_kind(value for value in its if json_type(value) == goal) or goal


def _widen(narrow: list[Proposal], evidence: RuleEvidence, tags: Tags) -> tuple[list[Proposal], list[Refused]]:
    """One rule in the place of several where it hides nothing more, and what was thought of and given up."""
    refused: list[Refused] = []
    if not evidence.measured or not evidence.values:
        return narrow, refused
    for rule, together in widened([proposal.rule for proposal in narrow]):
        members = [proposal for proposal in narrow if proposal.rule in together]
        if len(members) < len(together):
            continue  # some went into a wider rule before
        wide = Proposal(rule, tuple(need for member in members for need in member.needs))
        spots, total = needless(rule, evidence)
        if spots:
            refused.append(_too_wide(wide, spots, total))
        elif set(tagged(rule, tags, evidence)) <= {
            tag for each in members for tag in tagged(each.rule, tags, evidence)
        }:
            narrow = [*(each for each in narrow if each not in members), wide]
    return narrow, refused


def _too_wide(proposal: Proposal, spots: Iterable[Spot], total: int) -> Refused:
    return Refused(Refusal.TOO_WIDE, proposal.fingerprints, None, proposal.rule, tuple(spots), total)


def _is_hidden(need: Need, rules: Sequence[NoiseRule]) -> bool:
    wanted = exact_rule(need)
    return any(hides_all_of(rule, wanted) for rule in rules)


def _is_writable(spot: Spot) -> bool:
    try:
        parse_pattern(spot.location.path)
    except ValueError:
        return False
    return bool(exact_pattern(spot.method, spot.route))


def _is_root(finding: Finding, member: Member) -> bool:
    return (member.method, member.route, member.location) == (finding.method, finding.route, finding.location)


def _shown(value: object) -> list[object]:
    """A finding's value; what was cut to a bounded size says nothing of its kind."""
    return [] if isinstance(value, str) and "…" in value[-30:] else [value]
