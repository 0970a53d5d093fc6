"""How fast `understudy ingest` takes what recorders wrote to a Redis stream, and in how much memory.

    python -m benchmarks.ingest [NUMBER OF EXCHANGES]

Batches of 64 exchanges lie in a real Redis when it begins; it ends when all are in the database. CPU is that of this
process, without Redis and PostgreSQL; memory is the most that it had beside what it began with. Traffic: `store.py`.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import threading
import time
from itertools import islice

from benchmarks.store import made_up
from recorder.batches import VERSION, pack_batch
from recorder.wire import FrameKind, Header, encode_exchange, frame
from replayer.draining import Drain
from replayer.intake import Intake
from replayer.store import Store
from replayer.stream import Stream
from tests.services.postgres import MISSING, Cluster, programs
from tests.services.redis import RedisServer

BATCH = 64


def fill(server: RedisServer, number: int) -> int:
    """Write so many exchanges to the stream; the bytes that they take there."""
    header = Header("k", "shop", "1", "host:1", 1, 0.0)
    with server.client() as client:
        traffic = made_up(number)
        while exchanges := list(islice(traffic, BATCH)):
            frames = [frame(FrameKind.EXCHANGE, encode_exchange(one), header.stamp) for one in exchanges]
            encoding, data = pack_batch(header, frames)
            client.xadd("bench", {"v": VERSION, "e": encoding, "d": data, "n": len(frames)})
        return int(client.memory_usage("bench", samples=0) or 0)


def measure(name: str, database: str, number: int) -> None:
    """Drain a stream of so many exchanges into an empty database, and say what that took."""
    with RedisServer() as server, Store.open(database) as store:
        waiting = fill(server, number)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        stream = Stream(f"{server.url}?stream=bench")
        drain = Drain(stream, lambda: Intake(store, "bench"), lambda _: None, threading.Event(), once=True)
        wall, cpu = time.perf_counter(), time.process_time()
        taken = drain.run()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"{name} {taken.added / wall:8,.0f} exchanges/s   {cpu / number * 1e6:6.1f} µs CPU each"
        f"   {grown / 1024:5.1f} MiB more memory   {waiting / number:,.0f} bytes each in Redis"
    )


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite    ", f"sqlite:///{folder}/store.db", number)
    if programs() is None:
        print(MISSING)
        return
    with Cluster(fsync="on", full_page_writes="on", shared_buffers="256MB", max_wal_size="4GB") as cluster:
        measure("PostgreSQL", cluster.create_database("bench"), number)


if __name__ == "__main__":
    main()
