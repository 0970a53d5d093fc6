"""An ingest endpoint that speaks the contract of `recorder/batches.py`, and misbehaves when it is told to."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from recorder.batches import MEDIA_TYPE

from .streams import Arrived

TOKEN = "t0ken+/="


@dataclass
class Saying:
    """One answer: a status with fields and a body, before the request was read or after; or a reset instead of it."""

    status: int
    body: bytes = b"{}"
    fields: dict[str, str] = field(default_factory=dict)
    keeps: bool = False  # the batch is kept, whatever is answered
    early: bool = False
    reset: bool = False


class Endpoint(ThreadingHTTPServer):
    """Takes batches into `arrived`, unless `sayings` holds what is to be answered next, or `always` what ever after."""

    daemon_threads = True

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrived = Arrived()
        self.sayings: deque[Saying | None] = deque()  # None: as it should
        self.always: Saying | None = None
        self.largest = 1 << 30  # bytes of a body
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        self.lock = threading.Lock()
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        return None  # clients that hang up are part of the tests


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version = "HTTP/1.1"
    timeout = 30

    def setup(self) -> None:
        with self.server.lock:
            self.server.connections += 1
        super().setup()

    def do_POST(self) -> None:
        server = self.server
        with server.lock:
            server.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            saying = server.sayings.popleft() if server.sayings else server.always
        length = int(self.headers["Content-Length"])
        if saying is None and length > server.largest:
            saying = Saying(413, early=True)
        data = b"" if saying is not None and saying.early else self.rfile.read(length)
        if saying is None and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            saying = Saying(401)
        if saying is None or saying.keeps:
            assert self.headers["Content-Type"] == MEDIA_TYPE
            with server.lock:
                count = self._take(self.headers["Content-Encoding"], data)
            if saying is None:
                saying = Saying(202, json.dumps({"exchanges": count, "added": count, "duplicates": 0}).encode())
        if saying.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.send_response(saying.status)
        for name, value in saying.fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(saying.body)))
        if saying.early:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(saying.body)

    def _take(self, encoding: str, data: bytes) -> int:
        from recorder import Exchange
        from recorder.batches import read_batch, unpack_batch

        count = sum(isinstance(item, Exchange) for item in read_batch(unpack_batch(encoding, data, 64 << 20), "batch"))
        self.server.arrived.add(encoding, data, count)
        return count

    def log_message(self, *_: Any) -> None:
        return None


@contextmanager
def endpoint(certificate: tuple[Path, Path] | None = None) -> Iterator[Endpoint]:
    with Endpoint(certificate) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
