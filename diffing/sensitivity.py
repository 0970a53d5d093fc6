"""How many planted faults were caught: shares with their intervals, and where the comparison is blind, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, TypeVar

from .difference import Comparison, Part, Status
from .inventory import Knowledge
from .mutants import Mutant
from .mutations import Mutation

APPROVED, NOT_COMPARED, RULE = "approved", "not compared", "rule "
"""The first words of why a fault that was seen did not count, beside what hides a difference in a comparison."""
Key = TypeVar("Key")
_Z = 1.959964
"""Of the normal distribution, for an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Share:
    """Mutants planted and caught."""

    planted: int = 0
    caught: int = 0

    @property
    def value(self) -> float:
        """The share caught, 0..1; 1 where nothing was planted."""
        return self.caught / self.planted if self.planted else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 %: where the share of all such faults is, as far as the sample tells."""
        n, p = self.planted, self.value
        if not n:
            return 0.0, 1.0
        middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
        half = _Z / (1 + _Z * _Z / n) * sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one mutant. `why` says what kept it from counting, "" when nothing is known to have."""

    mutant: Mutant
    caught: bool
    exchange: str  # the one that gave it away; for a survivor, the first that had the fault
    why: str = ""
    explained: bool = False
    equivalent: bool = False  # another name for a thing that nothing else names: no fault, as it turned out


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """A place at which mutants survive, and what lets them."""

    method: str
    route: str
    part: Part
    path: str  # a shape
    knowledge: Knowledge
    why: str  # as in Fate
    explained: bool
    mutations: tuple[Mutation, ...]
    survived: int
    planted: int  # all mutants at the place
    exemplar: str  # an exchange


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The outcome of a self-test. `source` is the pass whose answers the faults were planted into.

    `equivalent` mutants turned out to be no faults, and are in no share: a request's own id that is another one.
    """

    source: str
    total: Share
    equivalent: int
    by_mutation: tuple[tuple[Mutation, Share], ...]
    by_knowledge: tuple[tuple[Knowledge, Share], ...]
    by_reach: tuple[tuple[str, Share], ...]  # "exchange", "route"
    by_route: tuple[tuple[tuple[str, str], Share], ...]
    blind_spots: tuple[BlindSpot, ...]  # the unexplained ones first
    untested: tuple[tuple[str, str], ...]  # routes without an answer that matched, so that nothing could be planted

    @property
    def unexplained(self) -> int:
        """Mutants that survived, and no rule, noise or approval says why."""
        return sum(spot.survived for spot in self.blind_spots if not spot.explained)


def sum_up(all_fates: Sequence[Fate], right: Sequence[Comparison], source: str) -> Sensitivity:
    """`right` are the comparisons of the answers without any fault."""
    fates = [fate for fate in all_fates if not fate.equivalent]
    routes = {(c.method, c.route): False for c in right}
    for comparison in right:
        routes[comparison.method, comparison.route] |= comparison.status is Status.MATCHED
    return Sensitivity(
        source=source,
        total=Share(len(fates), sum(fate.caught for fate in fates)),
        equivalent=len(all_fates) - len(fates),
        by_mutation=_shares(fates, lambda fate: fate.mutant.site.mutation, lambda kind: kind.value),
        by_knowledge=_shares(fates, lambda fate: fate.mutant.knowledge, list(Knowledge).index),
        by_reach=_shares(fates, lambda fate: "route" if fate.mutant.case is None else "exchange", str),
        by_route=_shares(fates, lambda fate: fate.mutant.group[:2], lambda route: (route[1], route[0])),
        blind_spots=tuple(_blind_spots(fates)),
        untested=tuple(sorted(route for route, matched in routes.items() if not matched)),
    )


def _shares(
    fates: Iterable[Fate], key: Callable[[Fate], Key], order: Callable[[Key], Any]
) -> tuple[tuple[Key, Share], ...]:
    found: dict[Key, list[bool]] = defaultdict(list)
    for fate in fates:
        found[key(fate)].append(fate.caught)
    ordered = sorted(found.items(), key=lambda item: order(item[0]))
    return tuple((name, Share(len(caught), sum(caught))) for name, caught in ordered)


def _blind_spots(fates: Sequence[Fate]) -> list[BlindSpot]:
    at_place: dict[tuple[str, str, Part, str], int] = defaultdict(int)
    survivors: dict[tuple[str, str, Part, str, str, bool], list[Fate]] = defaultdict(list)
    for fate in fates:
        site, place = fate.mutant.site, fate.mutant.place
        at_place[site.method, site.route, site.part, place] += 1
        if not fate.caught:
            key = (site.method, site.route, site.part, place, fate.why, fate.explained)
            survivors[key].append(fate)
    spots = [
        BlindSpot(
            method,
            route,
            part,
            shape.removeprefix("header:"),
            found[0].mutant.knowledge,
            why,
            explained,
            tuple(dict.fromkeys(fate.mutant.site.mutation for fate in found)),
            len(found),
            at_place[method, route, part, shape],
            found[0].exchange,
        )
        for (method, route, part, shape, why, explained), found in survivors.items()
    ]
    return sorted(spots, key=lambda spot: (spot.explained, -spot.survived, spot.route, spot.method, spot.path))
