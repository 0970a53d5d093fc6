"""The small stateful API behind a real port, with what can be wrong with a release: `python -m …tiny_server PORT`."""

from __future__ import annotations

import argparse
import os
import random
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from recorder.exchange import Body, Headers, RecordedRequest

from .tiny import TinyApp

FOREVER = 3600.0


class Release(TinyApp):
    """The application with the faults that the options name."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(offset=options.offset, seed=options.offset)
        self.options = options
        self.lock = threading.Lock()
        self.count = 0
        self.amiss = options.once is None or not options.once.exists()
        if options.once is not None:
            options.once.touch()

    def answer(self, request: RecordedRequest) -> tuple[int, object, Headers]:
        self.count += 1
        if self.amiss and self.options.die_after and self.count > self.options.die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        status, body, headers = super().answer(request)
        if isinstance(body, dict) and "number" in body:
            body = {**body, **({"nonce": random.randrange(10**6)} if self.options.vary else {})}
            if self.amiss and self.options.wrong:
                body["quantity"] = str(body["quantity"])
        return status, body, headers


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for each response, or the client's delayed acknowledgements cost 40 ms each
    app: Release

    def handle_one(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.app.options.hang and self.path.startswith(self.app.options.hang):
            threading.Event().wait(FOREVER)
        request = RecordedRequest(self.command, self.path, tuple(self.headers.items()), Body.of(data))
        with self.app.lock:
            response = self.app.handle(request)
        self.send_response_only(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(response.body.size))
        self.end_headers()
        if response.status != 204:
            self.wfile.write(response.body.data)

    do_GET = do_POST = do_DELETE = handle_one

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--offset", type=int, default=41, help="of the ids that are given out")
    parser.add_argument("--wrong", action="store_true", help="quantities are texts")
    parser.add_argument("--once", type=Path, help="wrong, or killed, only if this file is not there; it is made")
    parser.add_argument("--vary", action="store_true", help="orders carry a number of chance")
    parser.add_argument("--hang", default="", help="requests for paths that begin so are never answered")
    parser.add_argument("--die-after", type=int, default=0, help="so many requests; 0: never")
    Handler.app = Release(parser.parse_args())
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", Handler.app.options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
