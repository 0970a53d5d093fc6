"""Faults in what an application tells other systems: which of them does the gate find, and does anything get out?

    python -m benchmarks.accuracy.outbound [--orders 24] [--fault NAME …]

The application of `payments.py` is recorded with eight clients at once, while the other systems answer. Then these are
replaced by a server at the same address that only counts connections, and the gate judges one candidate per fault, and
one without any. Exit status 0: every fault found, nothing found where there is none, no connection made.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from diffing.difference import Part
from diffing.grouping import CONFIRMED
from recorder.exchange import Exchange
from recorder.keys import Key
from replayer.ingest import import_path
from replayer.rehearsal import Request, rehearse
from replayer.store import Store
from replayer.target_settings import TargetSettings

from .payments import FAULTS, Others

SECRET = "a key for the benchmark of outbound calls"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate said of one candidate."""

    fault: str
    outcome: str
    places: tuple[str, ...]  # of confirmed findings about outbound calls
    others: tuple[str, ...]  # of all other findings
    seconds: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording, and the address that the other systems had."""

    exchanges: tuple[Exchange, ...]
    url: str


def record(folder: Path, orders: int) -> Recorded:
    """Drives the application with eight clients at once while it is recorded; raises unless every call was noted."""
    others = Others()
    url = others.url
    more = {"UNDERSTUDY_SINK": f"file://{folder / 'spool'}", "UNDERSTUDY_RELEASE": "1"}
    with _serving(url, more, first_order=0) as base, ThreadPoolExecutor(8) as clients:
        list(clients.map(lambda n: _buy(base, n), range(orders)))
    others.shutdown()
    others.server_close()
    with Store.open(f"sqlite:///{folder / 'understudy.db'}") as store:
        recording = import_path(store, folder / "spool").recording
        exchanges = tuple(store.exchanges(recording.id))
    return Recorded(exchanges, url)


def attributed(exchanges: Sequence[Exchange]) -> tuple[int, int]:
    """(payments whose calls are all theirs and all there, payments): calls name their order, or its charge."""
    right = total = 0
    for exchange in exchanges:
        if not exchange.request.path.endswith("/pay"):
            continue
        total += 1
        number = exchange.request.path.split("/")[2]
        calls = exchange.outbound or ()
        bodies = [call.request.body.data.decode() for call in calls]
        own = sum(number in body for body in bodies)
        right += len(calls) == 5 and own >= 3
    return right, total


def judge(recorded: Recorded, fault: str, *, confirm: bool = True) -> Judged:
    """The gate on one candidate; "" is the baseline itself."""
    started = time.monotonic()
    request = Request(
        recording="payments",
        exchanges=recorded.exchanges,
        candidate=_target("candidate", recorded.url, 700, fault),
        baselines=(_target("baseline", recorded.url, 500),),
        passes=3,
        confirm=confirm,
        key=Key(SECRET.encode()),
    )
    report = asyncio.run(rehearse(request)).report
    told = [
        (f"{f.method} {f.route} {f.location.path} {f.transition}", f.location.part)
        for f in report.findings
        if f.state == CONFIRMED or not confirm
    ]
    return Judged(
        fault,
        report.verdict.outcome.value,
        tuple(text for text, part in told if part is Part.OUTBOUND),
        tuple(text for text, part in told if part is not Part.OUTBOUND),
        time.monotonic() - started,
    )


@contextmanager
def counting(url: str) -> Iterator[list[int]]:
    """Listens where the other systems were, and counts who connects."""
    port = int(url.rpartition(":")[2])
    count = [0]
    with socket.create_server(("127.0.0.1", port), backlog=128) as server:

        def accept() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return
                count[0] += 1

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield count
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _target(name: str, url: str, first_order: int, fault: str = "") -> TargetSettings:
    argv = [sys.executable, "-m", "benchmarks.accuracy.payments", "--port", "{port}"]
    argv += ["--first-order", str(first_order), "--fault", fault]
    env = {"PAYMENTS_URL": url, "UNDERSTUDY_KEY": SECRET, "UNDERSTUDY_OBSERVE": "1"}
    return TargetSettings(
        name, start=tuple(argv), cwd=str(ROOT), env=tuple(env.items()), ready="/orders/0", disposable=True
    )


@contextmanager
def _serving(url: str, more: dict[str, str], first_order: int) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    argv = [
        sys.executable,
        "-m",
        "benchmarks.accuracy.payments",
        "--port",
        str(port),
        "--first-order",
        str(first_order),
    ]
    env = {**os.environ, "PAYMENTS_URL": url, "UNDERSTUDY_KEY": SECRET, **more}
    process = subprocess.Popen(argv, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(base + "/health", timeout=1).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
        yield base
    finally:
        process.terminate()  # it ends by itself, and writes what is queued
        process.wait(20)


def _buy(base: str, number: int) -> None:
    """One client: an order, its payment, a look at it, and now and then the money back."""
    with requests.Session() as client:
        client.headers["User-Agent"] = f"client {number}"
        order = client.post(f"{base}/orders", json={"cents": 1000 + 37 * number, "email": f"c{number}@shop.example"})
        path = f"{base}/orders/{order.json()['id']}"
        assert client.post(f"{path}/pay", timeout=30).status_code == 200
        client.get(path)
        if number % 3 == 0:
            client.post(f"{path}/refund", timeout=30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=24)
    parser.add_argument("--fault", action="append", choices=FAULTS, help="only these; otherwise all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recorded = record(Path(folder), options.orders)
        right, total = attributed(recorded.exchanges)
        print(f"recorded {len(recorded.exchanges)} exchanges; calls of {right} of {total} payments attributed rightly")
        missed = []
        with counting(recorded.url) as connections:
            for fault in ["", *(options.fault or FAULTS)]:
                judged = judge(recorded, fault)
                good = bool(judged.places) == bool(fault) and (bool(fault) or not judged.others)
                missed += [] if good else [fault or "the same release"]
                print(f"{'ok ' if good else 'BAD'} {judged.seconds:5.1f} s  {fault or '(no fault)'}: {judged.outcome}")
                for place in (*judged.places, *(f"(beside) {other}" for other in judged.others)):
                    print(f"       {place}")
        print(f"connections made to the other systems' address: {connections[0]}")
    return int(bool(missed or connections[0] or right != total))


if __name__ == "__main__":
    sys.exit(main())
