"""Echoes: a wrong value that is seen again elsewhere.

A total that was computed wrongly comes back in the order, the invoice and the list. What such a place shows is no
second cause: the very pair of values was there before. Values that are equal by chance (booleans, 0 to 9) never echo,
and a status never does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from .difference import Part
from .evidence import is_distinctive, is_trivial, pair_of
from .signatures import Change, Occurrence

ECHOED_EXCHANGES = 0.8  # share of a cause's exchanges that must echo one before it joins that one
_MAX_SOURCES = 4  # causes that are remembered for one pair of values

Place = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class _Sighting:
    """One non-trivial pair of values at one place."""

    group: int
    place: Place  # causal order, then the shallower path first
    exchange_id: str
    scopes: tuple[Hashable, ...]  # within which the pair is no coincidence


def echoed_by(groups: Sequence[Sequence[Change]]) -> dict[int, int]:
    """Index of a group -> index of the earlier group that it echoes, never in a circle; others are left out."""
    sightings = sorted(_sightings(groups), key=lambda each: (each.place, each.group))
    first_seen: dict[int, Place] = {}
    for sighting in sightings:
        first_seen.setdefault(sighting.group, sighting.place)
    sources: dict[Hashable, dict[int, Place]] = {}
    echoes: dict[int, dict[str, set[int]]] = {}
    for sighting in sightings:
        for scope in sighting.scopes:
            known = sources.setdefault(scope, {})
            earlier = {group for group, place in known.items() if group != sighting.group and place < sighting.place}
            if earlier:
                echoes.setdefault(sighting.group, {}).setdefault(sighting.exchange_id, set()).update(earlier)
            if len(known) < _MAX_SOURCES:
                known.setdefault(sighting.group, sighting.place)
    found = {}
    for group, by_exchange in echoes.items():
        exchanges = set().union(*(change.exchanges for change in groups[group]))
        counted = Counter(source for sources_of in by_exchange.values() for source in sources_of)
        likely = [
            (-count, first_seen[source], source)
            for source, count in counted.items()
            if count >= ECHOED_EXCHANGES * len(exchanges)
            and first_seen[source] < _first(groups[group])
            and groups[source][0].tags == groups[group][0].tags
        ]
        if likely:
            found[group] = min(likely)[2]
    return found


def _first(group: Sequence[Change]) -> Place:
    return min(_place(occurrence) for change in group for occurrence in change.occurrences)


def _sightings(groups: Sequence[Sequence[Change]]) -> Iterator[_Sighting]:
    for index, group in enumerate(groups):
        for change in group:
            for occurrence in change.occurrences:
                scopes = tuple(_scopes(occurrence))
                if scopes:
                    yield _Sighting(index, _place(occurrence), occurrence.exchange_id, scopes)


def _place(occurrence: Occurrence) -> Place:
    path = occurrence.difference.location.path
    return occurrence.context.order, path.count(".") + path.count("["), path


def _scopes(occurrence: Occurrence) -> Iterator[Hashable]:
    """Anywhere for values that are rare by themselves, one session or principal for the others."""
    difference = occurrence.difference
    if difference.location.part is Part.SQL:
        return  # a count of statements is no value that anybody carries on
    pair = pair_of(difference)
    values = (difference.baseline, difference.candidate)
    if pair is None or any(is_trivial(value) for value in values):
        return
    if any(is_distinctive(value) for value in values):
        yield pair
        return
    if occurrence.context.session:
        yield "session", occurrence.context.session, pair
    if occurrence.context.principal:
        yield "principal", occurrence.context.principal, pair
