"""Which noise rules can not be trusted: those that hide nothing, too much, for too long, or for no stated reason."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date
from enum import Enum

from .difference import Part
from .kinds import covers_kind
from .noise import PARTS, HiddenPlace, NoiseRule, RuleUse
from .paths import covers_path, has_wildcards
from .routes import covers, matches, overlaps
from .rule_evidence import RuleEvidence, Spot, Values, covered

MANY_ROUTES = 10
"""Routes that a rule may name without hiding anything at most of them."""

Tags = Sequence[tuple[str, tuple[str, ...]]]


class State(Enum):
    """How a rule stands today."""

    ACTIVE = "active"
    EXPIRED = "expired"
    DEAD = "dead"  # in force in past runs, and hid nothing in any
    NEW = "new"  # in force, but in none of the runs that are known


class Fault(Enum):
    """What is wrong with a rule: a closed set, each with a sentence and a next step where it is shown."""

    EXPIRED = "expired"
    DEAD = "dead"
    NO_SUCH_ROUTE = "no such route"  # dead, and no replayed route has the name
    NO_SUCH_PART = "nothing to hide"  # of a part in which rules hide nothing
    DUPLICATE = "duplicate"
    SHADOWED = "shadowed"
    OVER_BROAD = "over-broad"  # covers places that did not vary
    MANY_ROUTES = "too many routes"  # names many routes and hides at few
    TAGGED = "tagged route"  # may hide what matters most
    TAGGED_EXACT = "tagged route, exact"  # does so at one place, for a kind, until a day: told, not wrong
    NO_REASON = "no reason"
    NO_AUTHOR = "no author"

    @property
    def wrong(self) -> bool:
        """Whether it is to be put right; else it is only told."""
        return self is not Fault.TAGGED_EXACT


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one rule, with what it rests on."""

    rule: NoiseRule
    fault: Fault
    other: NoiseRule | None = None  # the rule that makes this one superfluous
    spots: tuple[Spot, ...] = ()  # places that are covered without need
    covered: int = 0  # places in all
    routes: int = 0  # routes that the rule names
    used: int = 0  # of those routes, or of `spots`: where it hid anything
    runs: int = 0  # runs in which it was in force
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleHistory:
    """A rule, how it stands, and what it hid in past runs."""

    rule: NoiseRule
    state: State
    hid: int  # differences, over all runs
    runs: tuple[tuple[str, int], ...]  # run id -> differences hidden, of the runs in which it was in force
    places: tuple[HiddenPlace, ...]  # over all runs, the most first


def history(rules: Sequence[NoiseRule], evidence: RuleEvidence, today: date) -> list[RuleHistory]:
    """How every rule stands, in the order given."""
    return [_history(rule, evidence, today) for rule in rules]


def _history(rule: NoiseRule, evidence: RuleEvidence, today: date) -> RuleHistory:
    uses = [(run.run, use) for run in evidence.runs for use in run.uses if use.rule.name == rule.name]
    hid = sum(use.hid for _, use in uses)
    counts: dict[tuple[object, ...], HiddenPlace] = {}
    for _, use in uses:
        for place in use.places:
            key = (place.method, place.route, place.location, place.kind)
            before = counts[key].count if key in counts else 0
            counts[key] = HiddenPlace(place.method, place.route, place.location, place.kind, before + place.count)
    state = State.ACTIVE if hid else State.DEAD if uses else State.NEW
    return RuleHistory(
        rule,
        state if rule.active(today) else State.EXPIRED,
        hid,
        tuple((run, use.hid) for run, use in uses),
        tuple(
            sorted(counts.values(), key=lambda place: (-place.count, place.route, place.method, place.location.path))
        ),
    )


def review(rules: Sequence[NoiseRule], tags: Tags, evidence: RuleEvidence, today: date) -> list[Problem]:
    """Everything that is wrong with the rules, rule by rule in the order given."""
    problems: list[Problem] = []
    for index, told in enumerate(history(rules, evidence, today)):
        rule = told.rule
        if told.state is State.EXPIRED:
            problems.append(Problem(rule, Fault.EXPIRED))
            continue
        others = [other for other in rules[:index] if other.active(today)]
        later = [other for other in rules[index + 1 :] if other.active(today)]
        problems += _superfluous(rule, others, later) or _unused(told, evidence)
        problems += _breadth(told, evidence)
        problems += _tagged(rule, tags, evidence)
        if not rule.reason.strip():
            problems.append(Problem(rule, Fault.NO_REASON))
        if not rule.author.strip():
            problems.append(Problem(rule, Fault.NO_AUTHOR))
    return problems


def _superfluous(rule: NoiseRule, earlier: Sequence[NoiseRule], later: Sequence[NoiseRule]) -> list[Problem]:
    for other in earlier:
        if other.name == rule.name and other.part == rule.part:
            return [Problem(rule, Fault.DUPLICATE, other)]
    for other in (*earlier, *later):
        if other.name != rule.name and hides_all_of(other, rule) and not (other in later and hides_all_of(rule, other)):
            return [Problem(rule, Fault.SHADOWED, other)]
    return []


def hides_all_of(wider: NoiseRule, narrower: NoiseRule) -> bool:
    """Whether whatever the one rule hides is hidden by the other, too."""
    return (
        wider.part in (None, narrower.part)
        and covers_kind(wider.kind, narrower.kind)
        and covers(wider.route, narrower.route)
        and covers_path(wider.path, narrower.path)
    )


def _unused(told: RuleHistory, evidence: RuleEvidence) -> list[Problem]:
    rule = told.rule
    if rule.part is not None and rule.part not in PARTS:
        return [Problem(rule, Fault.NO_SUCH_PART)]
    if evidence.routes and not any(matches(rule.route, *route) for route in evidence.routes):
        return [Problem(rule, Fault.NO_SUCH_ROUTE, runs=len(evidence.runs))]
    return [Problem(rule, Fault.DEAD, runs=len(told.runs))] if told.state is State.DEAD else []


def needless(rule: NoiseRule, evidence: RuleEvidence, hidden: Sequence[HiddenPlace] = ()) -> tuple[list[Spot], int]:
    """The places that a rule covers though nothing varied there, and how many it covers in all.

    One place that is named exactly is never needless: its author meant it. A rule with an exact path may name several
    routes where it really hid something: the candidate changed that field everywhere.
    """
    used = {Spot(place.method, place.route, place.location) for place in hidden}
    found = sorted({*covered(rule, evidence.values), *used}, key=lambda spot: spot.rank)
    if len(found) < 2:
        return [], len(found)
    meant = set() if has_wildcards(rule.path) else used
    return [spot for spot in found if spot not in evidence.varied and spot not in meant], len(found)


def beyond(use: RuleUse, varied: Set[Spot]) -> list[HiddenPlace]:
    """Where a rule that does not name one route and one place hid something, though nothing varied there."""
    if is_exact(use.rule):
        return []
    return [place for place in use.places if Spot(place.method, place.route, place.location) not in varied]


def is_exact(rule: NoiseRule) -> bool:
    """Whether a rule names one place of one route."""
    return "*" not in rule.route and not has_wildcards(rule.path)


def _breadth(told: RuleHistory, evidence: RuleEvidence) -> list[Problem]:
    rule = told.rule
    if evidence.measured:
        spots, total = needless(rule, evidence, told.places)
        if spots:
            hit = {Spot(place.method, place.route, place.location) for place in told.places}
            spots.sort(key=lambda spot: spot not in hit)  # what it really hid comes first
            count = sum(spot in hit for spot in spots)
            return [Problem(rule, Fault.OVER_BROAD, spots=tuple(spots), covered=total, used=count)]
    named = [route for route in evidence.routes if matches(rule.route, *route)]
    used = {(place.method, place.route) for place in told.places}
    if told.hid and len(named) > MANY_ROUTES and len(used) * 2 < len(named):
        return [Problem(rule, Fault.MANY_ROUTES, routes=len(named), used=len(used))]
    return []


def _tagged(rule: NoiseRule, tags: Tags, evidence: RuleEvidence) -> list[Problem]:
    named = tagged(rule, tags, evidence)
    if not named:
        return []
    exact = is_exact(rule) and rule.kind not in ("", "any")
    bounded = exact and bool(rule.author.strip()) and rule.until is not None
    return [Problem(rule, Fault.TAGGED_EXACT if bounded else Fault.TAGGED, tags=named)]


def tagged(rule: NoiseRule, tags: Tags, evidence: RuleEvidence) -> tuple[str, ...]:
    """The tags on whose routes a rule may hide something: where answers are known, only where it covers a place."""
    found = []
    for name, patterns in tags:
        hit = [pattern for pattern in patterns if overlaps(rule.route, pattern)]
        if not hit:
            continue
        known = {spot: seen for spot, seen in evidence.values.items() if _is_on(hit, spot)}
        told = rule.part in (Part.BODY, Part.HEADER)  # calls are not kept, so that none seen says nothing
        if told and known and not has_wildcards(rule.path) and not _reaches(rule, known):
            continue
        found.append(name)
    return tuple(found)


def _reaches(rule: NoiseRule, known: Values) -> bool:
    """Whether a rule names a place, or what contains one: an array has no value of its own, but rows and an order."""
    below = NoiseRule(rule.route, rule.path + ".**", rule.part)
    return bool(covered(rule, known) or (rule.kind in ("", "any", "array", "object", "null") and covered(below, known)))


def _is_on(patterns: Sequence[str], spot: Spot) -> bool:
    return any(matches(pattern, spot.method, spot.route) for pattern in patterns)
