"""Values over all exchanges of a route: what the baseline's passes showed, and where the candidate shows other things.

Comparing exchange by exchange says of a place that varies only whether its kind and format are right. That it is null
each time instead of now and then, a hundred times as large, or a word that nobody knows, shows over many exchanges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from recorder.exchange import RecordedResponse

from .beside import ENOUGH_BESIDE, MAX_BESIDE, is_beside, telling, without_repetitions
from .compare import MAX_DIFFERENCES
from .difference import Case, Comparison, Difference, DifferenceKind, Location, Part, Status
from .kinds import shown
from .profile import NoiseProfile, Place
from .shared_headers import share_spreads
from .spreads import CHANCE, Deviation, Sighting, Spread, deviations, learn_spread
from .survey import Surveyor

COMPARED = frozenset([Status.MATCHED, Status.DIFFERED])
_TESTS = 4
"""Tests at one place."""

Found = tuple[Difference, object]
"""A difference, with the candidate's whole value."""


def learn_spreads(cases: Sequence[Case], profile: NoiseProfile) -> dict[str, Spread]:
    """The spreads of all places that vary between the baseline's passes and hold neither identifiers nor times."""
    wanted = sorted({key for found, place in profile.places.items() for key in _spread_at(found, place)})
    passes = len(cases[0].baseline) if cases else 0
    if not wanted or passes < 2:
        return {}
    surveyor = Surveyor(wanted, profile, learning=True)
    seen: dict[str, list[list[Sighting]]] = defaultdict(lambda: [[] for _ in range(passes)])
    for case in cases:
        first = case.baseline[0].response
        for number, answer in enumerate(case.baseline):
            response = answer.response
            if first is not None and response is not None and response.status == first.status:
                for key, sighting in surveyor.survey(case.method, case.route, response):
                    if not is_beside(key):
                        seen[key][number].append(sighting)
                    elif key in seen or len(seen) < len(wanted) + MAX_BESIDE:
                        there = seen[key][number]
                        if len(there) < ENOUGH_BESIDE:
                            there.append(sighting)
    spreads = {key: spread for key, each in seen.items() if (spread := learn_spread(each)) is not None and spread.tests}
    return share_spreads(telling(spreads), profile.shared)


def _spread_at(key: str, place: Place) -> Iterator[str]:
    """The location keys whose spread says something, where this one varies."""
    if "~" in key.rpartition("|")[2]:
        return  # inside a text
    structure = place.presence_varies or place.null_varies or place.type_varies or place.length_varies
    if structure or (place.varies and not place.sort and not place.timely):
        yield key
    if key.endswith("[*]") and place.presence_varies:
        yield key.removesuffix("[*]")  # rows come and go: how many there are


def find_deviations(
    cases: Sequence[Case], comparisons: Mapping[str, Comparison], profile: NoiseProfile
) -> list[Deviation]:
    """Where the candidate's values are spread otherwise than the baseline's."""
    if not profile.spreads:
        return []
    seen: dict[str, list[Sighting]] = {}
    for _, key, sighting in _candidates(cases, comparisons, profile, profile.spreads):
        seen.setdefault(key, []).append(sighting)
    chance = CHANCE / max(1, _TESTS * len(profile.spreads))
    return without_repetitions(
        [
            deviation
            for key, each in sorted(seen.items())
            for deviation in deviations(key, profile.spreads[key], each, chance)
        ]
    )


def shown_by(
    found: Iterable[Deviation], cases: Sequence[Case], comparisons: Mapping[str, Comparison], profile: NoiseProfile
) -> dict[str, list[Found]]:
    """The differences that show the deviations, by exchange: one for each value that is new or more frequent."""
    by_key: dict[str, list[Deviation]] = {}
    for deviation in found:
        by_key.setdefault(deviation.key, []).append(deviation)
    showing: dict[str, list[Found]] = {}
    for exchange_id, key, sighting in _candidates(cases, comparisons, profile, by_key):
        known = comparisons[exchange_id].differences
        for deviation in by_key[key]:
            difference = _difference(deviation, sighting)
            if deviation.shows(sighting, profile.spreads[key]) and not _is_known(difference, known):
                there = showing.setdefault(exchange_id, [])
                if len(there) < MAX_DIFFERENCES and not _is_known(difference, (each for each, _ in there)):
                    there.append((difference, sighting.value))
    return showing


def _candidates(
    cases: Sequence[Case], comparisons: Mapping[str, Comparison], profile: NoiseProfile, keys: Iterable[str]
) -> Iterator[tuple[str, str, Sighting]]:
    """(exchange, location key, sighting) in what was compared."""
    surveyor = Surveyor(keys, profile)
    for case in cases:
        comparison = comparisons.get(case.exchange.id)
        response = _compared(case, comparison)
        if response is not None:
            for key, sighting in surveyor.survey(case.method, case.route, response):
                yield case.exchange.id, key, sighting


def _compared(case: Case, comparison: Comparison | None) -> RecordedResponse | None:
    """The candidate's response, when headers and bodies were compared."""
    if comparison is None or comparison.status not in COMPARED or not case.candidate:
        return None
    whole = (DifferenceKind.STATUS, DifferenceKind.FAILURE, DifferenceKind.MEDIA)
    if any(difference.kind in whole for difference in comparison.differences):
        return None
    return case.candidate[0].response


def _difference(deviation: Deviation, sighting: Sighting) -> Difference:
    part = Part.HEADER if sighting.shape.startswith("header:") else Part.BODY
    return Difference(
        Location(part, sighting.path),
        deviation.kind,
        deviation.before,
        shown(sighting.value),
        deviation.transition,
        deviation.detail,
    )


def _is_known(difference: Difference, known: Iterable[Difference]) -> bool:
    """Whether the comparison of the exchange has said something of the place already."""
    return any(difference.location == each.location for each in known)


def with_differences(comparison: Comparison, more: Sequence[Difference]) -> Comparison:
    """The comparison with further differences."""
    if not more:
        return comparison
    return replace(
        comparison, status=Status.DIFFERED, reason=None, differences=(*comparison.differences, *more)[:MAX_DIFFERENCES]
    )
