"""What an application notices of the Redis that its recorder ships to: healthy, gone, slow or full.

    python -m benchmarks.recorder_sinks [--rounds 30] [--calls 200]

The same application is called in process behind a recorder in each of these situations, each in a process of its own
with a background thread of its own. The processes take turns: one makes a block of calls while the others rest, round
after round in another order, so that a noisy machine disturbs all alike. `healthy, again` is a second process that
does what the first does: how far its figures are from 1.00 is how far any of these figures can be trusted. Latency by
the clock of each call, all rounds together; CPU is that of the whole process, background thread included.

Then the memory that Redis takes for an exchange, and the bytes that go over the wire, of made-up traffic.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import repeat
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.recorder_overhead import KEY, caller, make_app
from benchmarks.store import made_up
from recorder import RecorderConfig, RecorderMiddleware
from recorder.sinks import open_sink
from recorder.wire import FrameKind, Header, encode_exchange, frame
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer

BODY = 4096  # bytes of a response
SLOW = 1.0  # seconds for each command
PAUSE = 0.002  # seconds between two calls: a busy worker, not a saturated one
WARM_UP = 300  # calls
BOUND = 1.10  # of the healthy one
TOGETHER = 64  # exchanges in an entry, as the recorder's pipeline takes them


@dataclass
class Situation:
    """One process, and what it measured."""

    name: str
    pipe: Connection
    process: Any
    took: list[float] = field(default_factory=list)  # microseconds of each call
    cpu: list[float] = field(default_factory=list)  # microseconds per call, one for each block
    seen: int = 0
    dropped: dict[str, int] = field(default_factory=dict)


def serve(sink: str, pipe: Connection) -> None:
    """In a process of its own: makes blocks of calls as it is told to, and tells how long each took."""
    app = make_app(BODY).wsgi_app
    recorded = RecorderMiddleware(app, RecorderConfig(sink=sink, key=KEY)) if sink else app
    call = caller(recorded, "GET", "/items/7", repeat(b""))
    for _ in range(WARM_UP):
        call()
        time.sleep(PAUSE)
    time.sleep(3)  # the first failures are over
    gc.freeze()
    pipe.send(None)
    while count := pipe.recv():
        took = []
        begun = time.process_time()
        for _ in range(count):
            time.sleep(PAUSE)
            start = time.perf_counter()
            call()
            took.append((time.perf_counter() - start) * 1e6)
        time.sleep(0.2)  # what was gathered is worked on
        pipe.send((took, (time.process_time() - begun) / count * 1e6))
    if isinstance(recorded, RecorderMiddleware):
        recorded.close()
        process = recorded._pipeline._process if recorded._pipeline is not None else None
        assert process is not None
        report = process.counters.report("", 0.0, {})
        pipe.send((sum(row.seen for row in report.counts), dict(report.losses)))
    else:
        pipe.send((0, {}))


def measure(rounds: int, calls: int) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer())
        full = stack.enter_context(RedisServer(maxmemory="1", maxmemory_policy="noeviction"))
        slow = stack.enter_context(Proxy(server.address))
        slow.delay_replies = SLOW
        nobody = stack.enter_context(Proxy(server.address))
        nobody.refuse()
        swallowing = stack.enter_context(Proxy(server.address))
        swallowing.black_hole = True
        folder = stack.enter_context(tempfile.TemporaryDirectory())

        def url(port: int, stream: str, options: str = "") -> str:
            return f"redis://127.0.0.1:{port}/0?stream={stream}{options}"

        sinks = {
            "no recorder": "",
            "healthy": url(server.port, "a"),
            "healthy, again": url(server.port, "b"),
            "gone": url(nobody.port, "c"),
            "gone, spilled": url(nobody.port, "c", f"&spill={folder}"),
            "swallowing": url(swallowing.port, "d"),
            "slow, 1 s": url(slow.port, "e"),
            "full": url(full.port, "f"),
        }
        situations = [_started(name, sink) for name, sink in sinks.items()]
        for situation in situations:
            situation.pipe.recv()
        for _ in range(rounds):
            for situation in random.sample(situations, len(situations)):
                situation.pipe.send(calls)
                took, cpu = situation.pipe.recv()
                situation.took += took
                situation.cpu.append(cpu)
        for situation in situations:
            situation.pipe.send(0)
            situation.seen, situation.dropped = situation.pipe.recv()
            situation.process.join()
    _show(situations)


def _started(name: str, sink: str) -> Situation:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(sink, theirs), daemon=True)
    process.start()
    return Situation(name, ours, process)


def _show(situations: list[Situation]) -> None:
    healthy = next(one for one in situations if one.name == "healthy")
    base = _figures(healthy)
    for one in situations:
        p50, p99, cpu = _figures(one)
        ratio = p99 / base[1]
        verdict = "" if one.name in ("no recorder", "healthy") else "within" if ratio <= BOUND else "OVER"
        lost = ", ".join(f"{reason} {count}" for reason, count in one.dropped.items())
        print(
            f"{one.name:15} p50 {p50:5.0f} µs ({p50 / base[0]:4.2f})  p99 {p99:5.0f} µs ({ratio:4.2f} {verdict:6})  "
            f"CPU {cpu:5.0f} µs ({cpu / base[2]:4.2f})  seen {one.seen}, dropped {lost or 'none'}"
        )


def _figures(one: Situation) -> tuple[float, float, float]:
    cuts = statistics.quantiles(one.took, n=100)
    return cuts[49], cuts[98], statistics.median(one.cpu)


def measure_memory(count: int) -> None:
    """Bytes of Redis memory, and of data sent, for each exchange of made-up traffic as the store's benchmark has it."""
    header = Header("0123abcd", "shop", "1", "f00d" * 8, 1, 1.0)
    frames = [frame(FrameKind.EXCHANGE, encode_exchange(one), header.stamp) for one in made_up(count)]
    with RedisServer() as server, server.client() as client:
        before = client.info("memory")["used_memory"]
        config = RecorderConfig(sink=f"redis://127.0.0.1:{server.port}/0?maxlen=1000000")
        sink = open_sink(config, header, lambda *_: None)
        begun = time.thread_time()
        for start in range(0, count, TOGETHER):
            sink.write(frames[start : start + TOGETHER])
        cpu = (time.thread_time() - begun) / count * 1e6
        sink.close()
        used = (client.info("memory")["used_memory"] - before) / count
        sent = sum(len(entry[b"d"]) for _, entry in client.xrange("understudy")) / count
    plain = sum(map(len, frames)) / count
    print(
        f"{TOGETHER} exchanges of {plain:.0f} B an entry: {used:.0f} B of Redis memory each, {sent:.0f} B sent, "
        f"{cpu:.0f} µs of CPU to compress and send"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=200)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(
        f"CPython {sys.version.split()[0]}, {os.cpu_count()} cores, load {load:.1f}; in brackets: as ratio to healthy"
    )
    measure(options.rounds, options.calls)
    measure_memory(20_000)


if __name__ == "__main__":
    main()
