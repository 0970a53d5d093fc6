"""What the recorder adds to a request of a bare Flask application: CPU, latency and memory.

    python benchmarks/recorder_overhead.py [--rounds 15] [--calls 1000]

The bare and the recorded application are called in process, in turn and in many short rounds, so that a noisy
machine disturbs both alike: once counting the CPU of the request thread alone, once that of the whole process until
everything is in the spool. Medians over the rounds; microseconds of CPU per request. No two bodies are the same, so
that nothing is known from the request before; clients come back with the same headers, as they do.

Then the latency of single calls of a 100 KB route, bare and recorded in turn, and the memory that the recorder adds
when far more comes in than it can write.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count, repeat
from pathlib import Path
from typing import Any

from flask import Flask, Response

from recorder import RecorderConfig, RecorderMiddleware
from recorder.sinks.memory import memory_sink

KEY = "benchmark-key-benchmark-key-benchmark"
BUDGET_MICROSECONDS = 15.0  # in the request thread
BUDGET_IN_ALL = 60.0
BUDGET_BYTES = 15 << 20

Call = Callable[[], None]


def items(size: int) -> bytes:
    """The rest of a JSON array of about `size` bytes, as an API lists things."""
    row = '{"id": %d, "name": "Widget %d", "price": {"amount": "12.%02d", "currency": "EUR"}, "in_stock": true}, '
    text = "".join(row % (number, number, number % 100) for number in range(size // 90 + 1))
    return text.encode()[:size]


def fresh_bodies(size: int) -> Iterator[bytes]:
    rest = items(size)
    return (b'[{"number": %d}, ' % number + rest for number in count())


def make_app(size: int) -> Flask:
    app = Flask("benchmark")
    bodies = fresh_bodies(size)

    @app.get("/items/<int:item>")
    def item(item: int) -> Response:
        return Response(next(bodies), mimetype="application/json")

    @app.post("/items")
    def create() -> Response:
        from flask import request

        request.get_data()
        return Response(next(bodies), mimetype="application/json")

    return app


def environ(method: str, path: str, body: bytes) -> dict[str, Any]:
    """An environ as gunicorn makes it behind a proxy, with the headers that a browser sends."""
    made: dict[str, Any] = {
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "SERVER_SOFTWARE": "gunicorn",
        "REQUEST_METHOD": method,
        "QUERY_STRING": "",
        "RAW_URI": path,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "shop.example",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "HTTP_ACCEPT": "application/json, text/plain, */*",
        "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
        "HTTP_COOKIE": "session=eyJ1c2VyIjoxfQ.Zx; theme=dark",
        "HTTP_X_FORWARDED_FOR": "203.0.113.7",
        "HTTP_X_REQUEST_ID": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "HTTP_CONNECTION": "keep-alive",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50123",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
    }
    if body:
        made["CONTENT_LENGTH"] = str(len(body))
        made["CONTENT_TYPE"] = "application/json"
    return made


def caller(app: Any, method: str, path: str, bodies: Iterator[bytes]) -> Call:
    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        return lambda data: None

    def call() -> None:
        result = app(environ(method, path, next(bodies)), start_response)
        try:
            for _ in result:
                pass
        finally:
            result.close()

    return call


def cpu_of(call: Call, calls: int, clock: Callable[[], float]) -> float:
    """Microseconds of CPU per call."""
    begun = clock()
    for _ in range(calls):
        call()
    return (clock() - begun) / calls * 1e6


def measure(size: int, method: str, rounds: int, calls: int) -> None:
    path = "/items" if method == "POST" else "/items/7"
    bodies = fresh_bodies(size) if method == "POST" else repeat(b"")
    bare = caller(make_app(size).wsgi_app, method, path, bodies)
    with tempfile.TemporaryDirectory() as folder:
        roomy: dict[str, Any] = {"key": KEY, "queue_count": calls * 4, "queue_bytes": 1 << 30}
        held = RecorderMiddleware(make_app(size).wsgi_app, RecorderConfig(sink="memory:held", **roomy))
        full = RecorderMiddleware(make_app(size).wsgi_app, RecorderConfig(sink=f"file://{folder}", **roomy))
        held_call = caller(held, method, path, bodies)
        full_call = caller(full, method, path, bodies)
        plain, requests, everything = [], [], []
        for call in (bare, held_call, full_call):
            cpu_of(call, 200, time.thread_time)
        gc.freeze()
        for _ in range(rounds):
            plain.append(cpu_of(bare, calls, time.thread_time))
            requests.append(cpu_of(held_call, calls, time.thread_time))
            held.flush(60)
            memory_sink("held").clear()
            begun = time.process_time()
            cpu_of(full_call, calls, time.thread_time)
            full.flush(60)
            everything.append((time.process_time() - begun) / calls * 1e6)
        held.close()
        full.close()
    base = statistics.median(plain)
    added = statistics.median(request - bare_cpu for request, bare_cpu in zip(requests, plain, strict=True))
    whole = statistics.median(total - bare_cpu for total, bare_cpu in zip(everything, plain, strict=True))
    verdict = "within" if added <= BUDGET_MICROSECONDS else "OVER"
    overall = "within" if whole <= BUDGET_IN_ALL else f"OVER {BUDGET_IN_ALL:.0f}"
    print(
        f"{method:4} {size:5} B  bare {base:6.1f} µs  request thread +{added:5.1f} µs ({(base + added) / base:4.2f}x, "
        f"{verdict} the budget of {BUDGET_MICROSECONDS:.0f})  in all +{whole:6.1f} µs "
        f"({(base + whole) / base:4.2f}x, {overall})"
    )


def measure_tail(size: int, calls: int) -> None:
    """Latency by the clock of single calls, bare and recorded in turn, with the background thread at work."""
    bare = caller(make_app(size).wsgi_app, "GET", "/items/7", repeat(b""))
    with tempfile.TemporaryDirectory() as folder:
        app = RecorderMiddleware(make_app(size).wsgi_app, RecorderConfig(sink=f"file://{folder}", key=KEY))
        recorded = caller(app, "GET", "/items/7", repeat(b""))
        took: dict[Call, list[float]] = {bare: [], recorded: []}
        for number in range(calls + 100):
            for call in (bare, recorded):
                time.sleep(0.002)  # a busy worker, not a saturated one
                begun = time.perf_counter()
                call()
                if number >= 100:
                    took[call].append((time.perf_counter() - begun) * 1e6)
        app.close()
    for share in (50, 99):
        plain, wrapped = (statistics.quantiles(took[call], n=100)[share - 1] for call in (bare, recorded))
        ratio = wrapped / plain
        print(f"GET {size // 1000:3} KB  p{share}  bare {plain:6.0f} µs  recorded {wrapped:6.0f} µs  ({ratio:4.2f}x)")


def measure_memory() -> None:
    """Resident memory that is added while the queue is full to its bounds and nothing drains it but the recorder."""
    page = resource.getpagesize()

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * page

    app = make_app(4096).wsgi_app
    bare = caller(app, "POST", "/items", fresh_bodies(4096))
    with tempfile.TemporaryDirectory() as folder:
        wrapped = RecorderMiddleware(app, RecorderConfig(sink=f"file://{folder}", key=KEY))
        recorded = caller(wrapped, "POST", "/items", fresh_bodies(4096))
        cpu_of(bare, 3000, time.thread_time)
        before = most = resident()
        for _ in range(60):
            cpu_of(recorded, 200, time.thread_time)
            most = max(most, resident())
        wrapped.close()
    verdict = "within" if most - before <= BUDGET_BYTES else "OVER"
    print(f"memory under overload +{(most - before) / 2**20:.1f} MiB ({verdict} the budget of {BUDGET_BYTES >> 20})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=1000)
    options = parser.parse_args()
    print(f"CPython {sys.version.split()[0]}, {os.cpu_count()} cores; microseconds of CPU per request, medians")
    for method in ("GET", "POST"):
        for size in (290, 4096):
            measure(size, method, options.rounds, options.calls)
    measure_tail(100_000, options.calls)
    measure_memory()


if __name__ == "__main__":
    main()
