"""What arrived in a Redis stream, held against what the producers say of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from recorder import Exchange
from recorder.batches import read_batch, read_batch_header, unpack_batch
from recorder.exchange import ProducerReport

LIMIT = 64 << 20


@dataclass
class Arrived:
    """Exchanges by id, so that what arrived twice counts once; the last report of each producer."""

    batches: int = 0
    exchanges: dict[str, Exchange] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)  # ids as they arrived, with those that came twice
    reports: dict[str, ProducerReport] = field(default_factory=dict)

    def add(self, encoding: str, data: bytes, count: int) -> None:
        """One batch, which has to be whole and to hold as many exchanges as it says."""
        plain = unpack_batch(encoding, data, LIMIT)
        assert read_batch_header(plain) is not None
        found = 0
        for item in read_batch(plain, "batch"):
            if isinstance(item, Exchange):
                found += 1
                self.order.append(item.id)
                assert self.exchanges.setdefault(item.id, item) == item
            else:
                assert isinstance(item, ProducerReport), item
                earlier = self.reports.get(item.producer)
                if earlier is None or earlier.at <= item.at:
                    self.reports[item.producer] = item
        assert found == count
        self.batches += 1

    @property
    def seen(self) -> int:
        return sum(count.seen for report in self.reports.values() for count in report.counts)

    @property
    def dropped(self) -> int:
        return sum(count.dropped for report in self.reports.values() for count in report.counts)

    @property
    def losses(self) -> dict[str, int]:
        """Reason -> exchanges, over all producers."""
        total: dict[str, int] = {}
        for report in self.reports.values():
            for reason, count in report.losses:
                total[reason] = total.get(reason, 0) + count
        return total

    @property
    def gaps(self) -> int:
        """How many sequence numbers are missing below the highest that a producer's reports speak of."""
        missing = 0
        for producer, report in self.reports.items():
            there = {made.sequence for made in self.exchanges.values() if made.producer == producer}
            missing += sum(count.seen for count in report.counts) - len(there)
        return missing

    @property
    def targets(self) -> list[str]:
        return [self.exchanges[name].request.target for name in dict.fromkeys(self.order)]


def arrived(client: Any, stream: str = "understudy") -> Arrived:
    """Everything in a stream."""
    found = Arrived()
    for _, entry in client.xrange(stream):
        assert set(entry) == {b"v", b"e", b"d", b"n"}
        assert entry[b"v"] == b"1"
        found.add(entry[b"e"].decode(), entry[b"d"], int(entry[b"n"]))
    return found


def numbered(paths: Iterable[str], start: int = 0) -> list[str]:
    return [f"{path}?{number}" for number, path in enumerate(paths, start)]
