"""How many of each stratum, and which: quotas by the rule of three, the rarest first, the cheapest of a few."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .strata import Stratum

QUOTA = 60
"""Of what succeeds: a change that touches 5 % of a stratum is seen with 95 % (rule of three: 3 / 60)."""

QUOTA_OF_ERRORS = 30
"""Of what is refused or fails: 10 %."""

CANDIDATES = 8
"""Of a stratum that are looked at before one is put into the pool."""

POOLED = 32
"""Of a stratum in the pool that are looked at before one is taken: what they need is known, and much is shared."""

MAX_CLOSURE = 150
"""Exchanges: of a candidate that needs more, what lies furthest back is left out."""

NEW_DAYS = 7.0
"""A stratum that was first seen so many days before the recording's end is new, in a recording that is longer."""

DAY = 86_400.0

Cost = Callable[[int], int | None]
"""How many exchanges taking this one adds; None: it can not be taken."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stratum's quota, and whether it comes before the others: of a tagged route, of failures, or new."""

    quota: int
    first: bool


def quotas(strata: Sequence[Stratum], began: float, ended: float, tagged: Callable[[str, str], bool]) -> list[Wanted]:
    """What is wanted of each stratum of a recording that began and ended at these times."""
    return [
        Wanted(
            min(QUOTA if 200 <= stratum.status < 400 else QUOTA_OF_ERRORS, stratum.count),
            tagged(stratum.method, stratum.route)
            or stratum.status >= 500
            or (ended - began > NEW_DAYS * DAY and stratum.first > ended - NEW_DAYS * DAY),
        )
        for stratum in strata
    ]


SEEN_OFTEN = 3
"""A stratum of fewer exchanges may be an accident, and comes after the others."""


def rounds(strata: Sequence[Stratum], wanted: Sequence[Wanted]) -> Iterator[list[tuple[int, int]]]:
    """Rounds of (stratum, how many of it there should be by now), the rarest first: what is frequent comes by itself.

    One of each route, of what it does most; one of each stratum that was seen more than twice; all that is wanted of
    those that come first; one of each other; then twice as many each time.
    """
    order = sorted(range(len(strata)), key=lambda one: (not wanted[one].first, strata[one].count, one))
    order = [one for one in order if wanted[one].quota]
    usual: dict[tuple[str, str], int] = {}
    for one in sorted(order, key=lambda one: -strata[one].count):
        usual.setdefault((strata[one].method, strata[one].route), one)
    yield [(one, 1) for one in usual.values()]
    yield [(one, 1) for one in order if strata[one].count >= SEEN_OFTEN]
    yield [(one, wanted[one].quota) for one in order if wanted[one].first]
    yield [(one, 1) for one in order if strata[one].count < SEEN_OFTEN]
    level = 2
    while level < 2 * QUOTA:
        yield [(one, level) for one in order if not wanted[one].first and wanted[one].quota > level // 2]
        level *= 2


class Chooser:
    """Chooses members of strata until all have their quota or nothing fits any more."""

    def __init__(
        self,
        members: Callable[[int], Sequence[int]],
        wanted: Sequence[Wanted],
        seed: int,
        candidates: int = CANDIDATES,
    ) -> None:
        self._members = members
        self._wanted = wanted
        self._dice = random.Random(seed)
        self._candidates = candidates
        self._refused: set[int] = set()
        self.have = [0] * len(wanted)

    def fill(self, stratum: int, level: int, taken: Callable[[int], bool], cost: Cost) -> Iterator[int]:
        """Candidates to take, one by one, until the stratum has `level` or its quota; the caller keeps `have`."""
        level = min(level, self._wanted[stratum].quota)
        tries = 0
        while self.have[stratum] < level and tries < level + self._candidates:
            tries += 1
            best = self._cheapest(stratum, taken, cost)
            if best is None:
                return
            yield best

    def _cheapest(self, stratum: int, taken: Callable[[int], bool], cost: Cost) -> int | None:
        members = self._members(stratum)
        best: int | None = None
        lowest = 0
        for index in self._sample(members):
            if index in self._refused or taken(index):
                continue
            price = cost(index)
            if price is None:
                self._refused.add(index)
            elif best is None or price < lowest:
                best, lowest = index, price
        return best

    def _sample(self, members: Sequence[int]) -> Sequence[int]:
        if len(members) <= 2 * self._candidates:
            return members
        return [members[self._dice.randrange(len(members))] for _ in range(self._candidates)]

    def price(self, stratum: int, cost: Cost) -> int | None:
        """What the cheapest of a few members costs now; None when none can be taken."""
        prices = (cost(index) for index in self._sample(self._members(stratum)))
        return min((price for price in prices if price is not None), default=None)


def cheapest_first(one_round: Sequence[tuple[int, int]], chooser: Chooser, cost: Cost) -> Iterator[tuple[int, int]]:
    """A round in the order of what each stratum costs when its turn comes: what is taken makes others cheaper."""
    waiting = [
        (price, place)
        for place, (stratum, _) in enumerate(one_round)
        if (price := chooser.price(stratum, cost)) is not None
    ]
    heapq.heapify(waiting)
    while waiting:
        price, place = heapq.heappop(waiting)
        now = chooser.price(one_round[place][0], cost)
        if now is not None and waiting and now > waiting[0][0]:
            heapq.heappush(waiting, (now, place))
        elif now is not None:
            yield one_round[place]
