"""Rules by which a user says which differences do not count: exact places, and never the value's kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from .difference import Comparison, Difference, DifferenceKind, Location, Part, Ruled
from .kinds import KINDS, is_of_kind
from .paths import matches_path, parse_pattern
from .routes import matches

NEVER_HIDDEN = frozenset({DifferenceKind.STATUS, DifferenceKind.FAILURE, DifferenceKind.MEDIA})
"""What no rule hides, whatever it says."""

KINDLESS = frozenset({DifferenceKind.VALUE, DifferenceKind.FORMAT, DifferenceKind.IDENTITY, DifferenceKind.ORDER})
"""What a rule hides that names no kind of value: what is there keeps its type, and everything stays there."""

PARTS = (Part.HEADER, Part.BODY, Part.OUTBOUND)
"""Where a rule can hide anything at all."""


@dataclass(frozen=True, slots=True)
class NoiseRule:
    """Hides the differences at a place, as long as the candidate's value still is of the rule's kind.

    `route` is `METHOD /path` with `*` for a segment and `**` for any number of them; `path` is an exact path with
    `[*]`, `.*` and `.**` as its only wildcards. A rule without a kind hides changes of value, format, identity and
    order there, but no change of type, no null, nothing that is new, no other number of rows, and nothing that went
    missing; the last is hidden by the kind `any` alone. Raises ValueError for a path or a kind that is none.
    """

    route: str
    path: str
    part: Part | None = None  # None: headers, bodies and outbound calls
    kind: str = ""
    reason: str = ""
    until: date | None = None
    author: str = ""

    def __post_init__(self) -> None:
        if self.kind and self.kind not in KINDS:
            raise ValueError(f"noise rule of unknown kind {self.kind!r}; known are {', '.join(sorted(KINDS))}")
        parse_pattern(self.path)

    @property
    def name(self) -> str:
        """What the rule hides, in words that stay the same from run to run: route, path and kind."""
        part = f"{self.part.value} " if self.part is not None and self.part not in PARTS else ""
        return f"{self.route} {part}{self.path}" + (f" ({self.kind})" if self.kind else "")

    def active(self, today: date) -> bool:
        """Whether the rule still holds; the caller asks, there is no clock in a comparison."""
        return self.until is None or today <= self.until

    def is_at(self, method: str, route: str, location: Location) -> bool:
        """Whether the rule names a location of a route, whatever may differ there."""
        if location.part not in (PARTS if self.part is None else (self.part,)):
            return False
        return matches_path(self.path, location.path) and matches(self.route, method, route)

    def hides(self, method: str, route: str, difference: Difference, value: object) -> bool:
        """Whether the rule hides a difference; `value` is the candidate's, whole."""
        kind = difference.kind
        if kind in NEVER_HIDDEN or not self.is_at(method, route, difference.location):
            return False
        if kind is DifferenceKind.MISSING:
            return self.kind == "any"
        if kind is DifferenceKind.LENGTH:
            return self.kind in ("array", "any")  # of calls, only their numbers are told
        if self.kind:
            return is_of_kind(value, self.kind)
        # of two containers that only are said to differ, nobody knows what differs
        return kind in KINDLESS and not (kind is DifferenceKind.VALUE and isinstance(value, dict | list))


@dataclass(frozen=True, slots=True)
class HiddenPlace:
    """What a rule hid at one location shape of one route."""

    method: str
    route: str
    location: Location  # a shape
    kind: str  # of the differences
    count: int


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A rule that was in force in a run, and what it hid there, the most first."""

    rule: NoiseRule
    hid: int  # differences
    places: tuple[HiddenPlace, ...] = ()


def ruled(
    rules: Sequence[NoiseRule], comparison: Comparison, found: Iterable[tuple[Difference, object]]
) -> tuple[list[Difference], Comparison]:
    """The further differences of an exchange that no rule hides, and its comparison with what the rules hid."""
    kept: list[Difference] = []
    hidden: Counter[tuple[str, Location, DifferenceKind]] = Counter()
    for difference, value in found:
        rule = next((r for r in rules if r.hides(comparison.method, comparison.route, difference, value)), None)
        if rule is None:
            kept.append(difference)
        else:
            location = Location(difference.location.part, difference.location.shape)
            hidden[rule.name, location, difference.kind] += 1
    if not hidden:
        return kept, comparison
    suppressed = Counter(comparison.suppressed)
    for (name, _, _), count in hidden.items():
        suppressed[f"rule {name}"] += count
    more = tuple(Ruled(*key, count) for key, count in hidden.items())
    return kept, replace(comparison, suppressed=dict(suppressed), ruled=(*comparison.ruled, *more))


def uses(rules: Sequence[NoiseRule], comparisons: Iterable[Comparison]) -> tuple[RuleUse, ...]:
    """What each rule hid in a run, one that hid nothing included; rules of one name are one."""
    counts: dict[str, Counter[tuple[str, str, Location, str]]] = {rule.name: Counter() for rule in rules}
    for comparison in comparisons:
        for ruled in comparison.ruled:
            place = (comparison.method, comparison.route, ruled.location, ruled.kind.value)
            counts.setdefault(ruled.rule, Counter())[place] += ruled.count
    first: dict[str, NoiseRule] = {}
    for rule in rules:
        first.setdefault(rule.name, rule)
    return tuple(
        RuleUse(
            rule,
            sum(counts[name].values()),
            tuple(HiddenPlace(*place, count) for place, count in sorted(counts[name].items(), key=_most_first)),
        )
        for name, rule in first.items()
    )


def _most_first(item: tuple[tuple[str, str, Location, str], int]) -> tuple[object, ...]:
    (method, route, location, kind), count = item
    return -count, route, method, location.part.value, location.path, kind
