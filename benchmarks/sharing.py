"""What sharing a pass among Celery workers costs, in CPU. Run: python -m benchmarks.sharing --exchanges 2000 --passes 5

The same plan is replayed by turns in one process, in one process that hands batches to itself through the store, and
by two workers of Celery's, at the same target, which is a process of its own and does not count. The second shows what
batches, facts and the store cost, the third beside it what Celery does, and that workers know less than one does.

CPU seconds are those of all processes that send, coordinator and Celery's own included, beginning after the first pass
of each kind (which makes what later ones find made). Ratios of one run; wall time is shown, and depends on the
machine's other load.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from replayer.executors import Executor, LocalExecutor
from replayer.executors.celery import celery_executor
from replayer.executors.shared import SharedExecutor
from replayer.executors.shift import Worker
from replayer.guide import Guide, make_guide
from replayer.store import Store
from tests.chaos.rig import WorkerProcess
from tests.replayer.sharing import Stage, key, recorded, replay
from tests.services.postgres import Cluster
from tests.services.redis import RedisServer


@dataclass
class Cost:
    """Of all passes of one kind."""

    cpu: float = 0.0
    wall: float = 0.0
    passes: int = 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=2000)
    parser.add_argument("--passes", type=int, default=5, help="of each kind, after one that does not count")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sharing-")))
        redis = stack.enter_context(RedisServer())
        if options.database == "postgresql":
            url = stack.enter_context(Cluster(fsync="on", full_page_writes="on")).create_database()
        else:
            url = f"sqlite:///{folder}/store.db"
        store = stack.enter_context(Store.open(url))
        exchanges = recorded(users=max(4, options.exchanges // 50), rounds=50)[: options.exchanges]
        stage = Stage.set_up(store, url, exchanges)
        workers = WorkerProcess(url, redis.url, folder / "workers.log")
        stack.callback(workers.kill)
        workers.start()
        kinds: dict[str, tuple[Executor, Callable[[], float]]] = {
            "local": (LocalExecutor(), own_cpu),
            "shared": (stack.enter_context(by_itself(store)), own_cpu),
            "celery": (celery_executor(store, key(), redis.url), lambda: own_cpu() + workers.cpu()),
        }
        guide = make_guide(stage.plan)
        costs = {name: Cost() for name in kinds}
        for number in range(options.passes + 1):
            for name, (executor, cpu) in kinds.items():
                spent = one_pass(stage, guide, executor, cpu)
                if number:
                    costs[name].cpu += spent[0]
                    costs[name].wall += spent[1]
                    costs[name].passes += 1
    steps = len(stage.plan.steps)
    print(f"{steps} exchanges, {options.passes} passes of each kind, {options.database}, load {os.getloadavg()[0]:.1f}")
    for name, cost in costs.items():
        each = 1e6 * cost.cpu / cost.passes / steps
        print(f"{name:7} {each:7.0f} µs of CPU an exchange, {cost.wall / cost.passes:6.2f} s a pass")
    for one, other in (("shared", "local"), ("celery", "shared"), ("celery", "local")):
        print(f"{one} / {other}: {costs[one].cpu / costs[other].cpu:.3f} in CPU")
    return 0


@contextmanager
def by_itself(store: Store) -> Iterator[SharedExecutor]:
    """Shares passes with a worker in a thread of this process."""
    worker = Worker(store, key())
    with ThreadPoolExecutor(1) as thread:
        yield SharedExecutor(store, key(), lambda batch: ignored(thread.submit(worker.send, batch)), name="shared")


def ignored(_: object) -> None:
    """What comes of a batch is in the store."""


def one_pass(stage: Stage, guide: Guide, executor: Executor, cpu: Callable[[], float]) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of a pass against a fresh target."""
    with tempfile.TemporaryDirectory() as folder:
        port = 20000 + os.getpid() % 20000
        argv = [sys.executable, "-m", "tests.replayer.tiny_server", str(port), "--users", "100000"]
        with (Path(folder) / "log").open("wb") as log:
            target = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                with suppress(OSError):
                    urllib.request.urlopen(f"{url}/products", timeout=5).close()
                    break
                time.sleep(0.05)
            job = stage.job(url, guide=guide, repeatable=True)
            before, began = cpu(), time.monotonic()
            result = replay(executor, job)
            spent = cpu() - before, time.monotonic() - began
            if result.problem or any(answer.response is None for answer in result.answers):
                raise SystemExit(f"the pass went wrong: {result.problem or 'answers are missing'}")
            return spent
        finally:
            target.kill()
            target.wait()


def own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
