"""What the recorder adds to a request of a bare Flask application, in the request thread and in all.

    python benchmarks/recorder_overhead.py [--rounds 15] [--calls 2000]

The bare and the recorded application are called in process, in turn and in many short rounds, so that a noisy
machine disturbs both alike: once counting the CPU of the request thread alone, once that of the whole process until
everything is in the spool. Medians over the rounds; microseconds of CPU per request.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response

from recorder import RecorderConfig, RecorderMiddleware
from recorder.sinks.memory import memory_sink

KEY = "benchmark-key-benchmark-key-benchmark"
BUDGET_MICROSECONDS = 15.0

Call = Callable[[], None]


def make_app(size: int) -> Flask:
    app = Flask("benchmark")
    body = (b'{"name": "value", "number": 12345},' * (size // 35 + 1))[:size]

    @app.get("/items/<int:item>")
    def item(item: int) -> Response:
        return Response(body, mimetype="application/json")

    @app.post("/items")
    def create() -> Response:
        from flask import request

        request.get_data()
        return Response(body, mimetype="application/json")

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


def caller(app: Any, method: str, path: str, body: bytes) -> Call:
    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        return lambda data: None

    def call() -> None:
        result = app(environ(method, path, body), start_response)
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
    body = b"x" * size if method == "POST" else b""
    bare = caller(make_app(size).wsgi_app, method, path, body)
    with tempfile.TemporaryDirectory() as folder:
        roomy = {"key": KEY, "queue_count": calls * 4, "queue_bytes": 1 << 30}
        held = RecorderMiddleware(make_app(size).wsgi_app, RecorderConfig(sink="memory:held", **roomy))
        full = RecorderMiddleware(make_app(size).wsgi_app, RecorderConfig(sink=f"file://{folder}", **roomy))
        held_call = caller(held, method, path, body)
        full_call = caller(full, method, path, body)
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
    print(
        f"{method:4} {size:5} B  bare {base:6.1f} µs  request thread +{added:5.1f} µs ({(base + added) / base:4.2f}x, "
        f"{verdict} the budget of {BUDGET_MICROSECONDS:.0f})  in all +{whole:6.1f} µs ({(base + whole) / base:4.2f}x)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=1000)
    options = parser.parse_args()
    print(f"CPython {sys.version.split()[0]}, {os.cpu_count()} cores; microseconds of CPU per request, medians")
    for method in ("GET", "POST"):
        for size in (290, 4096):
            measure(size, method, options.rounds, options.calls)


if __name__ == "__main__":
    main()
