"""The pipeline where its own steps meet: entered again by a finaliser, closed while it writes."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from recorder.capture import Capture
from recorder.exchange import ProducerReport
from recorder.guard import Guard
from recorder.layout import METHOD
from recorder.pipeline import Pipeline
from recorder.ship import Shipper


class Recorded:
    """A shipper that keeps what it is given; writing can be held up."""

    gather = 0.05

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.reported = 0
        self.closed = False
        self.writing = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def encode(self, captured: Capture) -> bytes:
        return captured.route.encode()

    def write(self, frames: Sequence[bytes]) -> None:
        self.writing.set()
        self.go_on.wait(10)
        self.frames += frames

    def write_report(self, report: ProducerReport) -> None:
        self.reported = sum(count.seen for count in report.counts)

    def refusal(self) -> str:
        return ""

    def tend(self) -> float:
        return math.inf

    def hurry(self, deadline: float | None) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def pipeline_to(shipper: Recorded) -> Pipeline:
    return Pipeline(lambda *_: cast("Shipper", shipper), 100, 1 << 20, Guard())


def exchange(route: str) -> Capture:
    values = ["GET" if index == METHOD else "" for index in range(METHOD + 1)]
    return cast("Capture", SimpleNamespace(values=values, route=route, weight=1, sequence=0))


def test_an_exchange_that_ends_while_the_pipeline_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a finaliser may do: the collector runs wherever objects are made, in the thread that holds the lock."""
    shipper = Recorded()
    pipeline = pipeline_to(shipper)
    drawn = os.urandom

    def collect(size: int) -> bytes:
        monkeypatch.setattr(os, "urandom", drawn)
        pipeline.submit(exchange("/left-behind"))
        return drawn(size)

    monkeypatch.setattr(os, "urandom", collect)
    thread = threading.Thread(target=pipeline.submit, args=(exchange("/first"),), daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    pipeline.close()
    assert sorted(shipper.frames) == [b"/first", b"/left-behind"]
    assert shipper.reported == 2


def test_a_sink_is_not_closed_while_it_writes() -> None:
    """Its descriptor could be another file's by the time it writes on."""
    shipper: Any = Recorded()
    shipper.go_on.clear()
    pipeline = pipeline_to(shipper)
    pipeline.submit(exchange("/slow"))
    assert shipper.writing.wait(5)
    pipeline.close(0.05)
    assert not shipper.closed
    shipper.go_on.set()
