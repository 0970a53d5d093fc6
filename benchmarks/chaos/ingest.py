"""Faults at many moments between recorders and the store. Run: python -m benchmarks.chaos.ingest --moments 10

Two recorders ship to a real Redis, two processes of `understudy ingest` drain it into a real PostgreSQL, and one part
fails after a number of requests that is drawn. Then everything is healed, and held against what the recorders were
asked: what is in the store, what a recorder said that it dropped, and what the gap in its sequence shows to have been
lost have to come to all of it, nothing twice; and only a Redis that came back empty may have lost anything.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from replayer.store import Store
from tests.e2e.servers import UNDERSTUDY, clean_environment
from tests.processes import end_with_parent
from tests.recorder.sinks.recording import App
from tests.services.postgres import Cluster, disks_can_be_made
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer

RESULTS = Path(__file__).with_name("results")
DRAIN_SECONDS = 90.0
EMPTIED = "Redis is killed, and comes back empty"
PACE = 0.002
"""Seconds between two requests of one recorder."""


@dataclass
class Line:
    """From recorders to the store, with a proxy at each joint."""

    postgres: Cluster
    redis: RedisServer
    recorder_redis: Proxy
    ingest_redis: Proxy
    ingest_postgres: Proxy
    folder: Path
    stream: str = ""
    readers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_reader(self) -> None:
        with (self.folder / "ingest.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    str(UNDERSTUDY), "ingest", f"redis://127.0.0.1:{self.ingest_redis.port}/0?stream={self.stream}",
                    "--recording", self.stream, "--claim-after", "1", "--db",
                    f"postgresql://understudy@127.0.0.1:{self.ingest_postgres.port}/chaos",
                ],
                cwd=self.folder, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=end_with_parent,
            )  # fmt: skip
        self.readers.append(process)

    def wait_for_readers(self) -> None:
        """Until SIGTERM does not just end them any more: they take a while to begin."""
        for process in self.readers:
            while process.poll() is None and not _catches(process.pid, signal.SIGTERM):
                time.sleep(0.02)

    def kill_readers(self, count: int) -> None:
        for process in self.readers[:count]:
            process.kill()
            process.wait()
        del self.readers[:count]

    def stop_readers(self) -> list[int]:
        """SIGTERM; the exit statuses."""
        for process in self.readers:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(60) for process in self.readers]
        self.readers.clear()
        return codes


@contextmanager
def line(folder: Path) -> Iterator[Line]:
    with ExitStack() as stack:
        postgres = stack.enter_context(Cluster(disk=400 if disks_can_be_made() else 0, max_wal_size="64MB"))
        url = postgres.create_database("chaos")
        Store.open(url).close()
        redis = stack.enter_context(RedisServer(persistent=True))
        of_recorder, of_ingest = (stack.enter_context(Proxy(redis.address)) for _ in range(2))
        to_postgres = stack.enter_context(Proxy(str(postgres.folder / ".s.PGSQL.5432")))
        made = Line(postgres, redis, of_recorder, of_ingest, to_postgres, folder)
        stack.callback(lambda: made.kill_readers(len(made.readers)))
        yield made


Fault = Callable[[Line], None]


def _one_killed(parts: Line) -> None:
    parts.kill_readers(1)
    parts.start_reader()


def _all_killed(parts: Line) -> None:
    parts.kill_readers(len(parts.readers))
    parts.start_reader()
    parts.start_reader()


def _redis(empty: bool) -> Fault:
    def fault(parts: Line) -> None:
        parts.redis.kill()
        if empty:
            parts.redis.wipe()
        parts.redis.start()

    return fault


def _postgres_killed(parts: Line) -> None:
    parts.postgres.kill()
    parts.postgres.start()


def _disk_full(parts: Line) -> None:
    parts.postgres.fill_disk()
    time.sleep(3.0)
    parts.postgres.empty_disk()


def _cut(name: str) -> Fault:
    def fault(parts: Line) -> None:
        proxy: Proxy = getattr(parts, name)
        proxy.refuse()
        proxy.cut()
        time.sleep(2.0)
        proxy.heal()

    return fault


def _silent(name: str) -> Fault:
    """Packets vanish for a while, and connections stay."""

    def fault(parts: Line) -> None:
        proxy: Proxy = getattr(parts, name)
        proxy.black_hole = True
        time.sleep(3.0)
        proxy.cut()
        proxy.heal()

    return fault


FAULTS: dict[str, Fault] = {
    "nothing": lambda _: None,
    "one of two readers is killed": _one_killed,
    "all readers are killed": _all_killed,
    EMPTIED: _redis(empty=True),
    "Redis is killed, and comes back with its data": _redis(empty=False),
    "PostgreSQL is killed, and recovers": _postgres_killed,
    "recorders are cut from Redis": _cut("recorder_redis"),
    "readers are cut from Redis": _cut("ingest_redis"),
    "readers are cut from PostgreSQL": _cut("ingest_postgres"),
    "packets between recorders and Redis vanish": _silent("recorder_redis"),
    "packets between readers and Redis vanish": _silent("ingest_redis"),
    "packets between readers and PostgreSQL vanish": _silent("ingest_postgres"),
}
if disks_can_be_made():
    FAULTS["the disk of PostgreSQL is full"] = _disk_full


@dataclass
class Shown:
    """What came of one fault."""

    fault: str
    moment: int  # requests that the recorders had been asked
    asked: int = 0
    stored: int = 0
    dropped: int = 0  # as the recorders say
    lost: int = 0  # as the gap shows
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def disturbed(parts: Line, fault: str, moment: int, requests: int) -> Shown:
    """Recorders that are asked so many requests, and one fault meanwhile."""
    shown, failures = Shown(fault, moment), list[BaseException]()
    parts.stream = f"chaos-{time.monotonic_ns()}"
    apps = [App(f"redis://127.0.0.1:{parts.recorder_redis.port}/0?stream={parts.stream}") for _ in range(2)]
    parts.start_reader()
    parts.start_reader()
    parts.wait_for_readers()

    def break_it() -> None:
        try:
            FAULTS[fault](parts)
        except BaseException as error:
            failures.append(error)

    hand = threading.Thread(target=break_it)
    began = time.monotonic()
    for number in range(requests):
        if number == moment:
            hand.start()
        apps[number % 2].ask()
        time.sleep(PACE / 2)
    hand.join()
    for app in apps:
        app.close()
    shown.asked = sum(app.asked for app in apps)
    drained = _drained(parts)
    parts.wait_for_readers()
    codes = parts.stop_readers()
    shown.seconds = time.monotonic() - began
    shown.wrong += [f"the fault itself failed: {error!r}" for error in failures]
    if not drained:
        shown.wrong.append(f"entries were left in the stream after {DRAIN_SECONDS:g} s")
    shown.wrong += [f"ingest ended with {code}" for code in codes if code]
    _account(parts, shown)
    return shown


def _drained(parts: Line) -> bool:
    deadline = time.monotonic() + DRAIN_SECONDS
    with parts.redis.client() as client:
        while time.monotonic() < deadline:
            with suppress(Exception):
                if not client.xlen(parts.stream):
                    return True
            time.sleep(0.05)
    return False


def _catches(process: int, number: int) -> bool:
    """Whether a process has a handler for a signal; proc(5)."""
    with suppress(OSError):
        for row in Path(f"/proc/{process}/status").read_text().splitlines():
            if row.startswith("SigCgt:"):
                return bool(int(row.split()[1], 16) >> (number - 1) & 1)
    return False


def _account(parts: Line, shown: Shown) -> None:
    with Store.open(parts.postgres.url("chaos")) as store:
        info = store.recording(parts.stream)
        found = [exchange.id for exchange in store.exchanges(info.id)]
        gaps = store.gaps(info)
        shown.stored = info.exchanges
        shown.lost = gaps.lost
        shown.dropped = sum(count.dropped for count in store.route_counts(info.id))
        damage = store.damage(info.id)
    if len(set(found)) != len(found) or len(found) != shown.stored:
        shown.wrong.append(f"{len(found)} exchanges, {len(set(found))} of them different, {shown.stored} counted")
    if shown.stored + shown.dropped + shown.lost != shown.asked:
        shown.wrong.append(
            f"{shown.stored} stored, {shown.dropped} dropped and {shown.lost} lost are not the {shown.asked} asked"
        )
    if shown.lost and shown.fault != EMPTIED:
        shown.wrong.append(f"{shown.lost} lost")
    shown.wrong += [f"damage: {each}" for each in damage]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--moments", type=int, default=10, help="at which each fault strikes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="faults whose names contain this")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    path = options.results / f"ingest-{options.seed}.json"
    shown: list[Shown] = [Shown(**row) for row in json.loads(path.read_text())["rows"]] if path.exists() else []
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, line(Path(folder)) as parts:
        for fault in FAULTS:
            if options.only not in fault:
                continue
            chance = random.Random(f"{options.seed} {fault}")
            # not at the very end: what a Redis loses last shows when its recorder ships again
            moments = [chance.randrange(options.requests * 9 // 10) for _ in range(options.moments)]
            for moment in moments[sum(each.fault == fault for each in shown) :]:
                one = disturbed(parts, fault, moment, options.requests)
                shown.append(one)
                state = "; ".join(one.wrong[:3]) or f"{one.stored} stored, {one.dropped} dropped, {one.lost} lost"
                print(f"{fault} at request {moment}: {one.seconds:.1f} s, {state}", flush=True)
                data = {
                    "at": time.strftime("%Y-%m-%d %H:%M:%S"),
                    "command": " ".join(sys.argv[1:]),
                    "load": os.getloadavg()[0],
                    "rows": [asdict(each) for each in shown],
                }
                path.write_text(json.dumps(data, indent=1) + "\n")
    _tell(shown)
    return any(each.wrong for each in shown)


def _tell(shown: list[Shown]) -> None:
    width = max(len(each.fault) for each in shown)
    print(f"{'fault'.ljust(width)}  moments  asked  stored  dropped  lost  wrong")
    for fault in dict.fromkeys(each.fault for each in shown):
        rows = [each for each in shown if each.fault == fault]
        sums = [sum(getattr(row, name) for row in rows) for name in ("asked", "stored", "dropped", "lost")]
        wrong = sum(bool(row.wrong) for row in rows)
        print(f"{fault.ljust(width)}  {len(rows):7}  {sums[0]:5}  {sums[1]:6}  {sums[2]:7}  {sums[3]:4}  {wrong:5}")


if __name__ == "__main__":
    sys.exit(main())
