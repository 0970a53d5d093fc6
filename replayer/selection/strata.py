"""Strata: exchanges of one route, status and shape, of which one shows what all of them show.

The fine strata of a survey are too fine where objects are maps (each set of keys would be a shape) and where many
fields come and go independently (each combination would). What is a map shows over all answers of a route; what comes
and goes is left out of the shapes of a route that has more of them than are worth telling apart.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from .shapes import MAP_KEY, SIZE_CLASSES, Facts
from .survey import Survey

MAX_STRATA = 40
"""Of one route and status: with more, the shapes are made coarser."""

MAP_KEYS = 30
"""Different keys at one place over all traffic from which on it is a map, unless one object has most of them."""


class Grain(IntEnum):
    """How finely the shapes of a route and status are told apart."""

    FIELDS = 0  # fields, their types, and which are null
    PRESENT = 1  # which fields there are, null or not
    TOP = 2  # which fields there are at the root
    NONE = 3  # not at all


@dataclass(frozen=True, slots=True)
class Stratum:
    """One stratum. `first` is when its first exchange was, in seconds since the epoch."""

    method: str
    route: str
    status: int
    known: bool  # whether its principal is known
    rows: str  # class of the longest array; "" without one
    count: int
    first: float
    variant: int  # counts the strata that differ from this one in their shapes alone, from 1 on


@dataclass(frozen=True, slots=True)
class Strata:
    """All strata of a recording; `members` holds the exchanges of each, in the order of the store."""

    strata: tuple[Stratum, ...]
    of: array[int]  # of each exchange
    members: array[int]
    starts: array[int]

    def members_of(self, stratum: int) -> array[int]:
        """The exchanges of a stratum."""
        return self.members[self.starts[stratum] : self.starts[stratum + 1]]


def stratify(survey: Survey) -> Strata:
    """Makes the strata of a survey."""
    places: dict[tuple[int, int], list[int]] = defaultdict(list)
    for fine, key in enumerate(survey.keys):
        places[key[0], key[1]].append(fine)
    coarse: dict[int, tuple[object, ...]] = {}
    for fines in places.values():
        coarse.update(_coarse(survey, fines))
    numbers: dict[tuple[object, ...], int] = {}
    of_fine = [numbers.setdefault(coarse[fine], len(numbers)) for fine in range(len(survey.keys))]
    of = array("I", [of_fine[fine] for fine in survey.fine])
    return _counted(survey, of, of_fine, len(numbers))


def _coarse(survey: Survey, fines: Sequence[int]) -> dict[int, tuple[object, ...]]:
    """Fine stratum -> what it is called, for all of one route and status."""
    facts = survey.shapes.facts
    asked = {survey.keys[fine][2]: facts[survey.keys[fine][2]] for fine in fines}
    answered = {survey.keys[fine][3]: facts[survey.keys[fine][3]] for fine in fines}
    asked, answered = _without_maps(asked), _without_maps(answered)
    for grain in Grain:
        found: dict[int, tuple[object, ...]] = {}
        for fine in fines:
            route, status, request, response, size, known = survey.keys[fine]
            found[fine] = (
                route,
                status,
                _grained(asked[request], grain),
                _grained(answered[response], grain),
                size,
                known,
            )
        if len(set(found.values())) <= MAX_STRATA:
            break
    return found


def _grained(facts: Facts, grain: Grain) -> Facts | frozenset[str]:
    if grain is Grain.FIELDS:
        return facts
    if grain is Grain.PRESENT:
        return frozenset(path for path, _ in facts)
    if grain is Grain.TOP:
        return frozenset(path for path, _ in facts if path.count(".") + path.count("[") <= 1)
    return frozenset()


def _without_maps(shapes: dict[int, Facts]) -> dict[int, Facts]:
    """The shapes with the keys of maps as one. The outermost map of a path is found first, then those within it."""
    for _ in range(4):
        children: dict[str, set[str]] = defaultdict(set)
        widest: dict[str, int] = defaultdict(int)
        for facts in shapes.values():
            here: dict[str, set[str]] = defaultdict(set)
            for path, _kind in facts:
                parent, dot, name = path.rpartition(".")
                if dot and "[" not in name:
                    here[parent].add(name)
            for parent, names in here.items():
                children[parent] |= names
                widest[parent] = max(widest[parent], len(names))
        maps = {parent for parent, names in children.items() if len(names) > max(MAP_KEYS, 2 * widest[parent])}
        outer = {path for path in maps if not any(path.startswith(f"{other}.") for other in maps)}
        if not outer:
            break
        shapes = {number: _folded(facts, outer) for number, facts in shapes.items()}
    return shapes


def _folded(facts: Facts, maps: set[str]) -> Facts:
    folded = set()
    for path, kind in facts:
        for parent in maps:
            if path.startswith(f"{parent}."):
                rest = path[len(parent) + 1 :]
                end = min((at for mark in ".[" if (at := rest.find(mark)) >= 0), default=len(rest))
                path = f"{parent}.{MAP_KEY}{rest[end:]}"
                break
        folded.add((path, kind))
    return frozenset(folded)


def _counted(survey: Survey, of: array[int], of_fine: Sequence[int], number: int) -> Strata:
    counts = [0] * number
    first = [math.inf] * number
    for stratum, moment in zip(of, survey.times, strict=True):
        counts[stratum] += 1
        first[stratum] = min(first[stratum], moment)
    starts = array("I", [0, *_sums(counts)])
    fill, members = array("I", starts), array("I", bytes(4 * len(of)))
    for index, stratum in enumerate(of):
        members[fill[stratum]] = index
        fill[stratum] += 1
    variants: dict[tuple[object, ...], int] = defaultdict(int)
    found: dict[int, Stratum] = {}
    for fine, stratum in enumerate(of_fine):
        if stratum not in found:
            route, status, _, _, size, known = survey.keys[fine]
            variants[route, status, size, known] += 1
            found[stratum] = Stratum(
                *survey.routes[route],
                status,
                bool(known),
                SIZE_CLASSES[size - 1] if size else "",
                counts[stratum],
                first[stratum],
                variants[route, status, size, known],
            )
    return Strata(tuple(found[stratum] for stratum in range(number)), of, members, starts)


def _sums(counts: Iterable[int]) -> list[int]:
    total = 0
    sums = []
    for count in counts:
        total += count
        sums.append(total)
    return sums
