"""The selection: survey, strata, a pool of candidates with what they need, and the choice among them."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

from diffing.routes import RouteTable, matches
from recorder.exchange import Exchange

from .choose import MAX_CLOSURE, POOLED, Chooser, cheapest_first, quotas, rounds
from .lives import lives
from .pool import Pool
from .strata import Stratum, stratify
from .survey import Surveyor

if TYPE_CHECKING:
    from ..store.survey import Glance, RouteTotal

UNPLANNED = 20
"""What an exchange counts for whose own needs nobody knows: a closure without such ones is taken first."""

DEFAULT_BUDGET = 20_000
"""Exchanges: a recording up to this size is replayed whole unless a budget says otherwise."""


class Source(Protocol):
    """Where a recording is read from: the store."""

    def glances(self, recording_id: int, known: Callable[[int], bool]) -> Iterable[Glance]: ...

    def exchanges_numbered(self, numbers: Sequence[int]) -> Iterable[tuple[int, Exchange]]: ...

    def route_totals(self, recording_id: int) -> tuple[RouteTotal, ...]: ...

    def unrouted(self, recording_id: int) -> Iterable[tuple[str, str, str]]: ...


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen of a recording; `stratum_of` holds for each row of the store which stratum it is of."""

    strata: tuple[Stratum, ...]
    stratum_of: dict[int, int]
    closures: tuple[int, ...] = ()  # sizes of the closures of what was taken for its own sake
    cut: int = 0  # closures of which a part was left out, since they are larger than MAX_CLOSURE
    hosts: frozenset[tuple[str, int]] = frozenset()  # that the whole recording was made at
    untemplated: tuple[tuple[str, str, int], ...] = ()  # method, route, exchanges that the framework gave to no route


def route_table(source: Source, recording_id: int) -> RouteTable:
    """The routes of a whole recording, learned without holding it."""
    totals = source.route_totals(recording_id)

    def seen() -> Iterable[tuple[str, str, str]]:
        yield from ((total.method, "", total.route) for total in totals if total.route)
        if any(not total.route for total in totals):
            yield from source.unrouted(recording_id)

    return RouteTable(seen())


def select(
    source: Source, recording_id: int, table: RouteTable, budget: int, tags: Iterable[str] = (), seed: int = 1
) -> Selection:
    """Chooses up to `budget` exchanges. `tags` are the patterns of the routes that come first. Deterministic."""
    with _without_garbage_collection():
        return _select(source, recording_id, table, budget, tuple(tags), seed)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Millions of short-lived lists and no cycles: looking for cycles among them takes a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _select(
    source: Source, recording_id: int, table: RouteTable, budget: int, patterns: tuple[str, ...], seed: int
) -> Selection:
    surveyor = Surveyor(table.route)
    survey = surveyor.run(source.glances(recording_id, surveyor.known))
    del surveyor
    strata = stratify(survey)
    wanted = quotas(
        strata.strata,
        min(survey.times),
        max(survey.times),
        lambda method, route: any(matches(pattern, method, route) for pattern in patterns),
    )
    pool = Pool(
        survey,
        lives(survey),
        strata,
        source.exchanges_numbered,
        lambda exchange: table.route(exchange.request.method, exchange.request.target, exchange.route),
    )
    pool.fill(wanted, budget, seed)
    chooser = Chooser(pool.members_of, wanted, seed, POOLED)
    closures = pool.closures
    chosen: set[int] = set()
    sizes: list[int] = []
    taken: list[int] = []

    @cache
    def needed(index: int) -> array[int] | None:
        closure = closures.of(index, MAX_CLOSURE)
        return None if closure is None else array("I", sorted(closure))

    def cost(index: int) -> int | None:
        closure = needed(index)
        if closure is None or len(new := [each for each in closure if each not in chosen]) > budget - len(chosen):
            return None
        return len(new) + UNPLANNED * closures.unplanned(new)

    def take(stratum: int, level: int) -> None:
        for index in chooser.fill(stratum, level, chosen.__contains__, cost):
            closure = needed(index) or array("I")
            sizes.append(len(closure))
            taken.append(index)
            for new in closure:
                if new not in chosen:
                    chooser.have[strata.of[new]] += 1
                    chosen.add(new)

    for one in rounds(strata.strata, wanted):
        for stratum, level in cheapest_first(one, chooser, cost):
            take(stratum, level)
    return Selection(
        strata.strata,
        {survey.numbers[index]: strata.of[index] for index in chosen},
        tuple(sizes),
        len(closures.cut.intersection(taken)),
        frozenset(survey.hosts),
        tuple((*survey.routes[route], count) for route, count in survey.untemplated.items()),
    )
