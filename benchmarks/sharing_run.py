"""What Celery costs a whole run, in CPU. Run: python -m benchmarks.sharing_run --users 40 --runs 3

The example shop is recorded once into PostgreSQL. `understudy gate` then holds it against itself, by turns in one
process and with two workers of Celery's: the recording is read, planned, replayed, compared and judged, as in any run.
CPU seconds are those of the gate and of the workers, Celery's own included; the instances of the shop, which are
replayed at and cost the same either way, do not count. The first run of each kind does not count either.

`python -m benchmarks.sharing` shows what sharing costs beside nothing but sending.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.rig import WorkerProcess
from tests.e2e.servers import KEY, UNDERSTUDY, clean_environment, understudy
from tests.e2e.shop import Shop, recorded_shop
from tests.services.postgres import Cluster
from tests.services.redis import RedisServer

from .scale import cpu_seconds


@dataclass
class Cost:
    """Of all runs of one kind, in seconds."""

    gate: float = 0.0
    workers: float = 0.0
    wall: float = 0.0

    @property
    def cpu(self) -> float:
        return self.gate + self.workers


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.sharing_run", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--runs", type=int, default=3, help="of each kind, after one that does not count")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sharing-")))
        redis = stack.enter_context(RedisServer())
        url = stack.enter_context(Cluster(fsync="on", full_page_writes="on")).create_database()
        recorded = stack.enter_context(recorded_shop(folder, options.users, options.requests))
        shop = replace(
            recorded, environ={**recorded.environ, "UNDERSTUDY_DATABASE_URL": url, "UNDERSTUDY_BROKER_URL": redis.url}
        )
        shown = understudy(
            "recordings", "import", str(folder / "spool"), "--name", "shop", cwd=folder, environ=shop.environ
        )
        if shown.returncode:
            raise SystemExit(shown.stderr)
        workers = WorkerProcess(url, redis.url, folder / "workers.log", KEY)
        stack.callback(workers.kill)
        workers.start()
        kinds = {"local": [], "celery": ["--executor", "celery", "--workers", "2"]}
        costs = {name: Cost() for name in kinds}
        for number in range(options.runs + 1):
            for name, more in kinds.items():
                cost = costs[name] if number else Cost()
                before, began = workers.cpu(), time.monotonic()
                cost.gate += gate(shop, more)
                cost.workers += workers.cpu() - before
                cost.wall += time.monotonic() - began
    print(shown.stdout.strip().splitlines()[0])
    print(f"{options.runs} runs of each kind, load {os.getloadavg()[0]:.1f}")
    for name, cost in costs.items():
        parts = f"gate {cost.gate / options.runs:.2f}, workers {cost.workers / options.runs:.2f}"
        print(f"{name:7} {cost.cpu / options.runs:6.2f} s of CPU ({parts}), {cost.wall / options.runs:6.2f} s a run")
    print(f"celery / local: {costs['celery'].cpu / costs['local'].cpu:.3f} in CPU")
    return 0


def gate(shop: Shop, more: list[str]) -> float:
    """CPU seconds of a gate that passes, without those of the instances that it started."""
    argv = [str(UNDERSTUDY), "gate", "shop", "--policy", str(shop.settings), "--baseline", "baseline"]
    process = subprocess.Popen(
        [*argv, "--candidate", "baseline", "--relearn", *more],
        cwd=shop.folder, env=clean_environment(shop.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    output = process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    spent = cpu_seconds(process.pid)
    if process.wait():
        raise SystemExit(f"the gate ended with {process.returncode}: {output.decode()}")
    return spent


if __name__ == "__main__":
    sys.exit(main())
