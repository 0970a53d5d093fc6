"""The plain comparison of two responses: strict, without noise and without renaming."""

from __future__ import annotations

from recorder.exchange import RecordedResponse

from .contents import body_pairs, header_pairs, location_of, media_difference, parsed, structural
from .difference import Difference, DifferenceKind, Location, Part
from .kinds import json_type, shown
from .leaf import plain
from .walk import Pair, Plain, Walking

strict = Plain()
MAX_DIFFERENCES = 500
"""Differences told of one pair of responses; one more says how many were left out."""


def compare(baseline: RecordedResponse, candidate: RecordedResponse, *, equal: Walking = strict) -> list[Difference]:
    """Every difference between two responses; empty exactly when a client can not tell them apart.

    `equal` tells how arrays and maps are to be paired; by default nothing is known about them. Headers that belong
    to one delivery (Date, hop-by-hop, Content-Length …) are not compared.
    """
    found: list[Difference] = []
    if baseline.status != candidate.status:
        transition = f"{baseline.status} -> {candidate.status}"
        where = Location(Part.STATUS)
        found.append(Difference(where, DifferenceKind.STATUS, baseline.status, candidate.status, transition))
    found.extend(_difference(pair) for pair in header_pairs(baseline, candidate, equal))
    if baseline.body == candidate.body and baseline.headers == candidate.headers:
        return found
    sides = parsed(baseline, candidate)
    media = media_difference(baseline, candidate, sides)
    if media is not None:
        found.append(media)
    if sides.alike and sides.baseline is not sides.candidate:
        found.extend(_difference(pair) for pair in body_pairs(sides, equal))
    return bounded(found)


def bounded(found: list[Difference]) -> list[Difference]:
    """At most MAX_DIFFERENCES, the last of which tells how many were left out."""
    if len(found) <= MAX_DIFFERENCES:
        return found
    rest = found[MAX_DIFFERENCES - 1 :]
    first = rest[0]
    told = Difference(
        first.location,
        first.kind,
        first.baseline,
        first.candidate,
        first.transition,
        f"and {len(rest) - 1} more differences in this response",
    )
    return [*found[: MAX_DIFFERENCES - 1], told]


def _difference(pair: Pair) -> Difference:
    if pair.kind is not None:
        return structural(pair)
    a, b = pair.baseline, pair.candidate
    left, right = json_type(a), json_type(b)
    if left != right:
        kind = DifferenceKind.NULL if "null" in (left, right) else DifferenceKind.TYPE
        return Difference(location_of(pair), kind, shown(a), shown(b), f"{left} -> {right}", pair.detail)
    verdict = plain(a, b)
    assert verdict.kind is not None
    return Difference(location_of(pair), verdict.kind, shown(a), shown(b), verdict.transition, pair.detail)
