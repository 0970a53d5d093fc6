"""The plain comparison of two responses: strict, without noise and without renaming."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from recorder.exchange import RecordedResponse

from .contents import body_pairs, header_pairs, location_of, media_difference, parsed, structural
from .difference import Difference, DifferenceKind, Location, Part
from .kinds import json_type, shown
from .leaf import plain
from .walk import Pair, Plain, Walking

strict = Plain()
MAX_DIFFERENCES = 500
"""Differences told of one pair of responses; the last one says when there are more."""


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
        found.extend(_difference(pair) for pair in islice(body_pairs(sides, equal), MAX_DIFFERENCES + 1))
    return bounded(found)


def bounded(found: list[Difference]) -> list[Difference]:
    """At most MAX_DIFFERENCES; where there are more, the last one says so."""
    if len(found) <= MAX_DIFFERENCES:
        return found
    last = found[MAX_DIFFERENCES - 1]
    return [*found[: MAX_DIFFERENCES - 1], replace(last, detail="and more differences in this response")]


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
