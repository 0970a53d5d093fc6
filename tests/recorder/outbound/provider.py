"""A server that other systems are played by: it answers what it was sent, and counts who connects."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Provider(ThreadingHTTPServer):
    """`connections` counts every connection that was accepted, `paths` what was asked for."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Handler)
        self.connections = 0
        self.paths: list[str] = []
        self.failures = 0  # how many of the next requests are answered 503

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]}:{self.server_port}"

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.connections += 1
        return True


class _Handler(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(size).decode("latin-1")
        self.server.paths.append(self.path)
        status, extra = 200, {}
        if self.server.failures:
            self.server.failures -= 1
            status = 503
        elif self.path.startswith("/moved"):
            status, extra = 307, {"Location": "/here"}
        large = "x" * 200_000 if self.path.startswith("/large") else ""
        body = json.dumps({"path": self.path, "sent": sent, "large": large}).encode()
        if self.path.startswith("/gzip"):
            body, extra = gzip.compress(body), {"Content-Encoding": "gzip"}
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in extra.items():
            self.send_header(name, value)
        if self.path.startswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (body[:7], body[7:]):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def provider(host: str = "127.0.0.1") -> Iterator[Provider]:
    server = Provider(host)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
