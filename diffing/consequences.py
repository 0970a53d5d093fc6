"""Differences that were taken for consequences of an earlier one, and are so many that they have a cause of their own.

After a write that succeeded on one side only, the same user's things may bear other times: one cart of forty. Where
most answers at a place do, it is the place that changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from .difference import Comparison, Status

_COMPARED = frozenset([Status.MATCHED, Status.DIFFERED, Status.NOT_COMPARED])
Spot = tuple[str, str, str]
"""Method, route and shape."""


def common_spots(comparisons: Sequence[Comparison]) -> frozenset[Spot]:
    """The places at which at least half of a route's answers are in doubt."""
    doubtful: Counter[Spot] = Counter()
    answers: Counter[tuple[str, str]] = Counter()
    for one in comparisons:
        if one.leaves and one.status in _COMPARED:
            answers[one.method, one.route] += 1
        doubtful.update({(one.method, one.route, each.location.shape) for each in one.doubtful})
    return frozenset(spot for spot, count in doubtful.items() if 2 * count >= answers[spot[:2]])


def with_common(comparison: Comparison, common: frozenset[Spot]) -> Comparison:
    """The comparison with those of its doubtful differences that count after all."""
    count = [
        each for each in comparison.doubtful if (comparison.method, comparison.route, each.location.shape) in common
    ]
    if not count:
        return comparison
    return replace(
        comparison, status=Status.DIFFERED, reason=None, detail="", differences=(*comparison.differences, *count)
    )
