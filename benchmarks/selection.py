"""A million recorded exchanges, the few thousand that are selected of them, and these replayed alone.

    python -m benchmarks.selection [--count N] [--budget N] [--replay N] [--users N]

The example shop is recorded once; copies of that recording in which all that was made has another name make `--count`
exchanges (see `multiplied`). Then, in a process of its own: how long a selection takes, how much memory, how many kinds
of exchange it covers, how large closures are. At last parts of the recording are replayed alone, the shop against
itself: findings (there must be none), blocked requests, and statuses that are not the recorded ones; of the whole
recording, too, for comparison. Everything is in a temporary folder, up to 1 GB for a million.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

from diffing.routes import RouteTable
from recorder.identity import principal_digest
from recorder.keys import load_key
from replayer.plan import make_plan
from replayer.selection.recorded import Budget, selected
from replayer.store import Store
from tests.e2e.servers import KEY
from tests.e2e.shop import Shop, recorded_shop

from .multiplied import Multiplied


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.selection", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="exchanges, about")
    parser.add_argument("--budget", type=int, default=5000)
    parser.add_argument("--replay", type=int, default=1500, help="budget of what is replayed; 0: nothing")
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--select", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.select:
        print(json.dumps(figures(options.select, options.budget)))
        return
    with tempfile.TemporaryDirectory() as folder, recorded_shop(Path(folder), options.users, 4000) as shop:
        large = Path(folder) / "large.db"
        multiply(shop, large, options.count)
        command = [sys.executable, "-m", "benchmarks.selection", "--budget", str(options.budget)]
        done = subprocess.run([*command, "--select", f"sqlite:///{large}"], capture_output=True, text=True, check=True)
        for name, value in json.loads(done.stdout).items():
            print(f"{name:45} {value:,}" if isinstance(value, int) else f"{name:45} {value}", flush=True)
        if options.replay:
            replay(shop, "the recording, whole", "shop", "--all")
            replay(shop, "a part of it", "shop", "--budget", str(options.replay))
            environ = {**shop.environ, "UNDERSTUDY_DATABASE_URL": f"sqlite:///{large}"}
            replay(replace(shop, environ=environ), "a part of the copies", "large", "--budget", str(options.replay))


def copies_of(shop: Shop) -> Multiplied:
    """Copies of the shop's recording, in which what its staging snapshot holds keeps its name."""
    exchanges = shop.exchanges("shop")
    table = RouteTable((one.request.method, one.request.target, one.route) for one in exchanges)
    plan = make_plan(exchanges, lambda one: table.route(one.request.method, one.request.target, one.route))
    snapshot = Path(shop.environ["SHOP_SNAPSHOT"]).read_bytes()
    people = {principal_digest(number, load_key(KEY, None)) for number in range(1, 31)}

    @cache
    def kept(text: str) -> bool:
        return text in people or text.encode() in snapshot

    return Multiplied(plan, kept)


def multiply(shop: Shop, path: Path, count: int) -> None:
    """Writes the copies into a database of their own."""
    copies = copies_of(shop)
    began = time.perf_counter()
    with Store.open(f"sqlite:///{path}") as store:
        info = store.create_recording(
            "large", service="shop", release="1", key_id=load_key(KEY, None).id, source="multiplied"
        )
        added = store.add_exchanges(info.id, copies.exchanges(count)).added
        store.close_recording(info.id)
    seconds = time.perf_counter() - began
    print(f"{added:,} exchanges in {seconds:.0f} s, {os.path.getsize(path) / 1e6:,.0f} MB")


def figures(url: str, budget: int) -> dict[str, int | float | str]:
    """One selection, measured."""
    with Store.open(url) as store:
        info = store.recordings()[0]
        wall, cpu = time.perf_counter(), time.process_time()
        part = selected(
            store, info.id, Budget(budget), ["* /api/payments/**", "* /api/refunds/**", "* /api/invoices/**"]
        )
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    chosen = Counter(part.stratum_of.values())
    often = [number for number, stratum in enumerate(part.strata) if stratum.count >= 3]
    routes = {(stratum.method, stratum.route) for stratum in part.strata}
    taken = {(part.strata[number].method, part.strata[number].route) for number in chosen}
    sizes = sorted(part.closures) or [0]
    return {
        "exchanges": info.exchanges,
        "selected": len(part.exchanges),
        "seconds": round(wall, 1),
        "seconds of CPU": round(cpu, 1),
        "MiB at most": memory,
        "kinds": len(part.strata),
        "kinds selected": len(chosen),
        "kinds recorded three times or more": len(often),
        "of these selected": sum(1 for number in often if chosen[number]),
        "routes": len(routes),
        "routes selected": len(taken),
        "closures: mean": round(sum(sizes) / len(sizes), 1),
        "closures: median": sizes[len(sizes) // 2],
        "closures: largest": sizes[-1],
        "closures that were cut": part.cut,
    }


def replay(shop: Shop, what: str, recording: str, *options: str) -> None:
    """The shop against itself with a part of a recording."""
    gate = shop.gate(
        recording, "--baseline", "baseline", "--candidate", "baseline", "--passes", "2", *options, seconds=3600
    )
    ledger = gate.ledger
    sent = ledger["recorded"] - ledger["skipped"].get("over budget", 0)
    lost = ", ".join(f"{count} {reason}" for reason, count in ledger["not_compared"].items())
    print(
        f"{what}: {sent:,} exchanges, {len(gate.findings)} findings, {ledger['matched'] / sent:.1%} matched,"
        f" fidelity {gate.report['fidelity']:.1%}; not compared: {lost}",
        flush=True,
    )


if __name__ == "__main__":
    main()
