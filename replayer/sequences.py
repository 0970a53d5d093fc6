"""Which of a producer's sequence numbers have been seen, in little memory."""

from __future__ import annotations

from bisect import bisect_right, insort

MAXIMUM_INTERVALS = 10_000
"""Per producer: beyond that many gaps the rest is not told apart, and counted as one."""


class Sequences:
    """Numbers from 0 on, per producer, kept as intervals: a producer that lost nothing costs one."""

    def __init__(self) -> None:
        self._intervals: dict[str, list[tuple[int, int]]] = {}  # first and last number of each, in order

    def add(self, producer: str, number: int) -> None:
        """Note a number; noting it again changes nothing."""
        intervals = self._intervals.setdefault(producer, [])
        if intervals and intervals[-1][1] + 1 == number:
            intervals[-1] = (intervals[-1][0], number)
            return
        at = bisect_right(intervals, (number, float("inf")))
        before = intervals[at - 1] if at else None
        if before is not None and number <= before[1]:
            return
        after = intervals[at] if at < len(intervals) else None
        joins_before = before is not None and before[1] + 1 == number
        joins_after = after is not None and after[0] == number + 1
        first = before[0] if before is not None and joins_before else number
        last = after[1] if after is not None and joins_after else number
        if not (joins_before or joins_after) and len(intervals) >= MAXIMUM_INTERVALS:
            return
        del intervals[at - joins_before : at + joins_after]
        insort(intervals, (first, last))

    def missing(self) -> dict[str, int]:
        """By producer, how many numbers below the highest one have not been seen."""
        return {
            producer: intervals[-1][1] + 1 - sum(last - first + 1 for first, last in intervals)
            for producer, intervals in self._intervals.items()
        }
