"""A million exchanges on their way: from a Redis stream into the store, and some ten thousand of them through workers.

    python -m benchmarks.scale [--count N] [--budget N] [--workers N] [--database sqlite|postgresql]

The example shop is recorded once, and copies of that recording in which all that was made has another name are written
to a real Redis as recorders write them, while `understudy ingest` drains it. Then `understudy gate` selects a budget of
them and has `understudy worker` processes replay it, the shop against itself. The memory of every process of the
product is looked at all the while; the most that there was in each tenth of the time says whether it grows with what
has gone through. Producer, Redis, PostgreSQL and shop share the machine with what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from recorder.batches import VERSION, pack_batch
from recorder.exchange import Exchange
from recorder.keys import load_key
from recorder.wire import FrameKind, Header, encode_exchange, frame
from replayer.store import Store
from tests.chaos.rig import descendants
from tests.e2e.servers import KEY, UNDERSTUDY, clean_environment
from tests.e2e.shop import Shop, recorded_shop
from tests.services.postgres import Cluster
from tests.services.redis import RedisServer

from .selection import copies_of

STREAM = "scale"
BATCH = 64
AHEAD = 500
"""Batches that wait in Redis at most: what comes in faster than it is taken would only measure Redis' memory."""

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Memory:
    """Resident memory of a process and all that it starts, in MiB, looked at twice a second."""

    process: int
    samples: list[float] = field(default_factory=list)

    def look(self) -> None:
        self.samples.append(sum(map(_resident, [self.process, *descendants(self.process)])) / 2**20)

    @property
    def figures(self) -> str:
        if not self.samples:
            return "not looked at"
        tenths = [max(self.samples[len(self.samples) * n // 10 :][: len(self.samples) // 10 + 1]) for n in range(10)]
        most = ", ".join(f"{each:,.0f}" for each in tenths)
        return f"at most {max(self.samples):,.0f} MiB; in each tenth of the time {most}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="exchanges, about")
    parser.add_argument("--budget", type=int, default=50_000, help="exchanges that are replayed; 0: none")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--passes", type=int, default=2, help="of the baseline")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scale-")))
        shop = stack.enter_context(recorded_shop(folder, 40, 4000))
        redis = stack.enter_context(RedisServer())
        url = f"sqlite:///{folder}/scale.db"
        if options.database == "postgresql":
            cluster = Cluster(fsync="on", full_page_writes="on", shared_buffers="256MB", max_wal_size="4GB")
            url = stack.enter_context(cluster).create_database("scale")
        environ = {
            **shop.environ,
            "UNDERSTUDY_DATABASE_URL": url,
            "UNDERSTUDY_BROKER_URL": redis.url,
            "UNDERSTUDY_SINK": f"{redis.url}?stream={STREAM}",
        }
        ingest(shop, redis, environ, folder, options.count)
        with Store.open(url) as store:
            (info,) = store.recordings()
            print(f"stored: {info.exchanges:,} exchanges in {options.database}", flush=True)
        if options.budget:
            return gate(replace(shop, environ=environ), info.name, folder, options)
    return 0


def ingest(shop: Shop, redis: RedisServer, environ: dict[str, str], folder: Path, count: int) -> None:
    """Writes the copies to the stream while a process of the product drains it, and says what that took."""
    with (folder / "ingest.log").open("wb") as log:
        process = subprocess.Popen(
            [str(UNDERSTUDY), "ingest", "--recording", "large", "--json"],
            env=clean_environment(environ), cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            with watched(process.pid) as memory:
                began = time.perf_counter()
                written = produce(redis, copies_of(shop).exchanges(count))
                made = time.perf_counter() - began
                wait_until_drained(redis, process)
                took, cpu = time.perf_counter() - began, cpu_seconds(process.pid)
        finally:
            process.terminate()
            status = process.wait(60)
    print(f"written to Redis: {written:,} exchanges in {made:,.0f} s")
    print(f"ingested: {written / took:,.0f} exchanges/s, {cpu / written * 1e6:.0f} µs of CPU each; {memory.figures}")
    if status:
        raise SystemExit(f"ingest ended with {status}: {(folder / 'ingest.log').read_text()[-2000:]}")


def produce(redis: RedisServer, exchanges: Iterator[Exchange]) -> int:
    """Writes exchanges as recorders do, never further ahead of whoever drains than AHEAD batches."""
    header = Header(load_key(KEY, None).id, "shop", "1", "host:1", 1, 0.0)
    written = 0
    with redis.client() as client:
        while batch := list(islice(exchanges, BATCH)):
            frames = [frame(FrameKind.EXCHANGE, encode_exchange(one), header.stamp) for one in batch]
            encoding, data = pack_batch(header, frames)
            client.xadd(STREAM, {"v": VERSION, "e": encoding, "d": data, "n": len(frames)})
            written += len(batch)
            while written % (BATCH * 32) == 0 and client.xlen(STREAM) > AHEAD:
                time.sleep(0.01)
    return written


def wait_until_drained(redis: RedisServer, process: subprocess.Popen[bytes]) -> None:
    with redis.client() as client:
        while client.xlen(STREAM):
            if process.poll() is not None:
                raise SystemExit(f"ingest ended with {process.returncode}")
            time.sleep(0.05)


def gate(shop: Shop, recording: str, folder: Path, options: argparse.Namespace) -> int:
    """The shop against itself, a part of the recording shared among workers."""
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [str(UNDERSTUDY), "worker", "--processes", str(options.workers)],
            env=clean_environment(shop.environ), cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
        report = folder / "report.json"
        arguments = [
            "--baseline",
            "baseline",
            "--candidate",
            "baseline",
            "--policy",
            str(shop.settings),
            "--json",
            str(report),
            "--budget",
            str(options.budget),
        ]
        arguments += ["--executor", "celery", "--workers", str(options.workers), "--passes", str(options.passes)]
        began = time.perf_counter()
        try:
            with watched(worker.pid) as of_workers:
                coordinator = subprocess.Popen(
                    [str(UNDERSTUDY), "gate", recording, *arguments],
                    env=clean_environment(shop.environ), cwd=folder, stdout=subprocess.DEVNULL,
                )  # fmt: skip
                with watched(coordinator.pid, alone=True) as of_coordinator:
                    status = coordinator.wait()
        finally:
            worker.terminate()
            worker.wait(60)
    took = time.perf_counter() - began
    print(f"replayed in {took:,.0f} s, selection, comparison and instances included; exit status {status}")
    print(f"coordinator: {of_coordinator.figures}")
    print(f"{options.workers} workers: {of_workers.figures}")
    if report.exists():
        say(json.loads(report.read_text()))
    return status


def say(report: dict[str, object]) -> None:
    ledger, selection = report["ledger"], report["selection"]
    assert isinstance(ledger, dict)
    assert isinstance(selection, dict)
    selected = selection["selected"]
    findings = report["findings"]
    assert isinstance(findings, list)
    balance = "balances" if ledger["balanced"] else "DOES NOT BALANCE"
    print(
        f"{selected:,} of {ledger['recorded']:,} selected, {ledger['matched'] / selected:.1%} matched, verdict"
        f" {report['verdict']}, {len(findings)} findings, ledger {balance}"
    )
    print("not compared: " + ", ".join(f"{count} {reason}" for reason, count in ledger["not_compared"].items()))


@contextmanager
def watched(process: int, alone: bool = False) -> Iterator[Memory]:
    """Looks at the memory of a process, `alone` or with all that it starts, until the block ends."""
    memory, over = Memory(process), threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            if alone:
                memory.samples.append(_resident(process) / 2**20)
            else:
                memory.look()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        over.set()
        thread.join()
        memory.samples = [each for each in memory.samples if each]


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


def cpu_seconds(process: int) -> float:
    """CPU of a process alone, without its children; of one that has ended, too, until it is waited for."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
