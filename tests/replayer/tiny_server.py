"""The small stateful API behind a real port, with what can be wrong with a release: `python -m …tiny_server PORT`."""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import struct
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path

from recorder.exchange import Headers, RecordedRequest, header

from .tiny import TinyApp
from .tiny_http import TinyHandler

FOREVER = 3600.0
SLOW = 0.2
"""Seconds that slow requests take longer: many times what any of the others does."""


class Release(TinyApp):
    """The application with the faults that the options name."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(offset=options.offset, seed=options.offset, users=options.users)
        self.options = options
        self.lock = threading.Lock()
        self.count = 0
        self.recent: list[float] = []
        self.amiss = options.once is None or not options.once.exists()
        if options.once is not None:
            options.once.touch()

    def answer(self, request: RecordedRequest) -> tuple[int, object, Headers]:
        self.count += 1
        state = self.options.state
        if state is not None and self.options.spoils:
            state.touch()
        fault = self._fault(request) if state is None or state.exists() else None
        if fault is not None:
            return fault
        if self.amiss and self.options.die_after and self.count > self.options.die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        status, body, headers = super().answer(request)
        if isinstance(body, dict) and "number" in body:
            body = {**body, **({"nonce": random.randrange(10**6)} if self.options.vary else {})}
            if self.amiss and self.options.wrong:
                body["quantity"] = str(body["quantity"])
        return status, body, headers

    def _fault(self, request: RecordedRequest) -> tuple[int, object, Headers] | None:
        """What stands in for the answer, where the options say so."""
        options = self.options
        if self.count <= options.after or request.path == "/ready":
            return None
        if options.refuse and (options.refuse_all or header(request.headers, "authorization")):
            where = (("Location", "/login?next=" + request.path),) if options.refuse == 302 else ()
            return options.refuse, {"error": "no"}, where
        if options.fail and f"{request.method} {request.path}".startswith(options.fail):
            return options.status, {"error": "no"}, ()
        if options.limit:
            now = time.monotonic()
            self.recent = [each for each in self.recent if each > now - 1.0]
            if len(self.recent) >= options.limit:
                return 429, {"error": "slowly"}, (("Retry-After", "1"),)
            self.recent.append(now)
        if options.busy and request.method == "GET":
            options.busy -= 1
            return 503, {"error": "busy"}, (("Retry-After", "1"),)
        return None


class Handler(TinyHandler):
    app: Release

    def handle_one(self) -> None:
        request = self.received()
        options = self.app.options
        if options.log is not None:
            with options.log.open("a") as log:
                log.write(f"{self.command} {self.path}\n")
        if options.hang and f"{self.command} {self.path}".startswith(options.hang) and self.app.count >= options.after:
            threading.Event().wait(FOREVER)
        if options.reset_after and self.app.count >= options.reset_after:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        if options.slow and f"{self.command} {self.path}".startswith(options.slow):
            time.sleep(SLOW)
        with self.app.lock:
            response = self.app.handle(request)
        self.respond(response)

    do_GET = do_POST = do_DELETE = handle_one


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--offset", type=int, default=41, help="of the ids that are given out")
    parser.add_argument("--users", type=int, default=12, help="how many may log in")
    parser.add_argument("--wrong", action="store_true", help="quantities are texts")
    parser.add_argument("--once", type=Path, help="wrong, or killed, only if this file is not there; it is made")
    parser.add_argument("--vary", action="store_true", help="orders carry a number of chance")
    parser.add_argument("--hang", nargs="+", default=(), help="requests that begin so (GET /stats) are never answered")
    parser.add_argument("--slow", nargs="+", default=(), help="requests that begin so take longer")
    parser.add_argument("--after", type=int, default=0, help="what is amiss begins after so many requests")
    parser.add_argument("--reset-after", type=int, default=0, help="every connection is reset after so many requests")
    parser.add_argument("--refuse", type=int, default=0, help="the status for requests with a bearer token")
    parser.add_argument("--refuse-all", action="store_true", help="the same for requests without")
    parser.add_argument("--fail", nargs="+", default=(), help="requests that begin so (POST /) get --status")
    parser.add_argument("--status", type=int, default=500)
    parser.add_argument("--limit", type=int, default=0, help="requests a second; all others get 429")
    parser.add_argument("--busy", type=int, default=0, help="so many reads get 503")
    parser.add_argument("--log", type=Path, help="every request that arrives is written there")
    parser.add_argument("--state", type=Path, help="what is amiss is so only while this file is there")
    parser.add_argument("--spoils", action="store_true", help="makes that file with the first request")
    parser.add_argument("--die-after", type=int, default=0, help="so many requests; 0: never")
    options = parser.parse_args()
    options.hang, options.fail, options.slow = tuple(options.hang), tuple(options.fail), tuple(options.slow)
    Handler.app = Release(options)
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
