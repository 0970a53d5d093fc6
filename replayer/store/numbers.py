"""Which of its producers' sequence numbers a recording holds, and where each producer stood when the recording began.

A producer counts from its start on, through as many recordings as are collected meanwhile: what it had reached before
is the *base* of its row, and what it reports later is taken relative to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update

from recorder.exchange import Exchange, ProducerReport, RouteCount

from ..sequences import MAXIMUM_INTERVALS
from .dialect import storable
from .tables import producer_numbers

Counts = dict[tuple[str, str], tuple[int, int, int]]  # by method and route: seen, sampled out, dropped


@dataclass(frozen=True, slots=True)
class Base:
    """Where a producer stood when the recording began: its next sequence number, and its counters.

    `settled`: the counters of its first report since then are in it, so that `seen` can be told apart.
    """

    first: int = 0
    counts: tuple[RouteCount, ...] = ()
    losses: tuple[tuple[str, int], ...] = ()
    settled: bool = True

    def pack(self) -> bytes:
        rows = [[row.method, row.route, row.seen, row.sampled_out, row.dropped] for row in self.counts]
        return orjson.dumps([self.first, rows, [list(loss) for loss in self.losses], self.settled])

    @classmethod
    def unpack(cls, data: bytes | None) -> Base:
        if data is None:
            return cls()
        first, rows, losses, settled = orjson.loads(data)
        return cls(first, tuple(RouteCount(*row) for row in rows), tuple((name, n) for name, n in losses), settled)

    def settle(self, report: ProducerReport) -> Base:
        """With the first report since the recording began.

        What was seen between the report before that and the beginning is in the recording before, or in this one:
        nobody counted it apart. So of this first report only what was sampled out and dropped counts.
        """
        if self.settled:
            return self
        before = _by_route(self.counts)
        counts = []
        for row in report.counts:
            _, sampled_out, dropped = before.get((row.method, row.route), (0, 0, 0))
            kept_apart = (row.sampled_out - sampled_out) + (row.dropped - dropped)
            counts.append(RouteCount(row.method, row.route, row.seen - kept_apart, sampled_out, dropped))
        return Base(self.first, tuple(counts), self.losses, True)

    def relative(self, report: ProducerReport) -> ProducerReport:
        """What the producer counted since."""
        before, losses = _by_route(self.counts), dict(self.losses)
        counts = []
        for row in report.counts:
            seen, sampled_out, dropped = before.get((row.method, row.route), (0, 0, 0))
            since = (row.seen - seen, row.sampled_out - sampled_out, row.dropped - dropped)
            if any(since):
                counts.append(RouteCount(row.method, row.route, *(max(count, 0) for count in since)))
        lost = tuple((name, n - losses.get(name, 0)) for name, n in report.losses if n > losses.get(name, 0))
        return ProducerReport(report.producer, report.at, tuple(counts), lost)

    def absolute(self, counts: Iterable[RouteCount], losses: Iterable[tuple[str, int]]) -> ProducerReport:
        """The counters that `relative` made these of."""
        sums, lost = _by_route(self.counts), dict(self.losses)
        for row in counts:
            before = sums.get((row.method, row.route), (0, 0, 0))
            sums[row.method, row.route] = (before[0] + row.seen, before[1] + row.sampled_out, before[2] + row.dropped)
        for name, n in losses:
            lost[name] = lost.get(name, 0) + n
        rows = tuple(RouteCount(method, route, *count) for (method, route), count in sums.items())
        return ProducerReport("", 0.0, rows, tuple(lost.items()))


def _by_route(counts: Iterable[RouteCount]) -> Counts:
    return {(row.method, row.route): (row.seen, row.sampled_out, row.dropped) for row in counts}


def note_numbers(connection: Connection, recording_id: int, added: Iterable[Exchange]) -> None:
    """Note the sequence numbers of exchanges that are being added. What nobody numbered has no producer."""
    by_producer: dict[str, list[int]] = {}
    for item in added:
        if item.producer:
            by_producer.setdefault(storable(item.producer), []).append(item.sequence)
    for producer, numbers in by_producer.items():
        mine = (producer_numbers.c.recording == recording_id, producer_numbers.c.producer == producer)
        found = connection.execute(select(producer_numbers.c.numbers).where(*mine)).scalar()
        held = [] if found is None else orjson.loads(found)
        data = orjson.dumps(_joined([*held, *_runs(sorted(numbers))]))
        if found is None:
            row = {"recording": recording_id, "producer": producer, "numbers": data}
            connection.execute(insert(producer_numbers).values(row))
        else:
            connection.execute(update(producer_numbers).where(*mine).values(numbers=data))


def _runs(numbers: list[int]) -> Iterator[list[int]]:
    """First and last of each run of numbers that follow one another; they are given in order."""
    first = last = numbers[0]
    for number in numbers:
        if number > last + 1:
            yield [first, last]
            first = number
        last = number
    yield [first, last]


def _joined(intervals: list[list[int]]) -> list[list[int]]:
    """The same numbers in as few intervals as can be, in order; of very many the first ones."""
    joined: list[list[int]] = []
    for first, last in sorted(intervals):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return joined[:MAXIMUM_INTERVALS]


def rebased(connection: Connection, recording_id: int, report: ProducerReport) -> ProducerReport:
    """A producer's report, relative to where it stood when the recording began."""
    mine = (producer_numbers.c.recording == recording_id, producer_numbers.c.producer == storable(report.producer))
    found: Any = connection.execute(select(producer_numbers.c.base).where(*mine)).first()
    if found is None or found.base is None:
        return report
    base = Base.unpack(found.base)
    settled = base.settle(report)
    if settled != base:
        connection.execute(update(producer_numbers).where(*mine).values(base=settled.pack()))
    return settled.relative(report)


def missing(first: int, mine: list[list[int]], others: Iterable[list[list[int]]]) -> int:
    """How many numbers from `first` to the highest of `mine` are in none of the lists of intervals."""
    if not mine:
        return 0
    highest = mine[-1][1]
    at, holes = first, 0
    for low, high in sorted(pair for intervals in (mine, *others) for pair in intervals):
        if low > highest:
            break
        holes += max(low - at, 0)
        at = max(at, high + 1)
    return holes
