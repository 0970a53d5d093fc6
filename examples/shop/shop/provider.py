"""The payment provider, played by a small server: `python -m shop.provider --port P [--host A] [--log FILE]`.

It knows nothing of any shop, so that any number of them can share one. It takes each charge but those on a declined
instrument and of amounts that end in .13, answers with random references, and logs each call as a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MAX_BODY = 64 * 1024
STEP = re.compile(r"/charges/ch_[0-9a-f]+/(capture|void|refunds)")


class Provider(ThreadingHTTPServer):
    """`calls` holds what was received, newest last; with a log file they are appended to it as well."""

    daemon_threads = True

    def __init__(self, port: int, log: Path | None = None, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), Handler)
        self.calls: list[dict[str, Any]] = []
        self.log = log
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def note(self, call: dict[str, Any]) -> None:
        with self.lock:
            self.calls.append(call)
            if self.log is not None:
                with self.log.open("a") as out:
                    out.write(json.dumps(call) + "\n")


class Handler(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(200, {"status": "ok"})

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > MAX_BODY:
            self.close_connection = True
            self._answer(413, {"reason": "too large"})
            return
        try:
            data = json.loads(self.rfile.read(size) or b"{}")
        except ValueError:
            self._answer(400, {"reason": "not JSON"})
            return
        status, answer = decide(self.path, data)
        self.server.note({"path": self.path, "request": data, "status": status})
        self._answer(status, answer)

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The log of calls is enough."""


def decide(path: str, data: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body for one call."""
    if path == "/charges":
        if data.get("instrument") == "declined":
            return 402, {"reason": "card refused"}
        if str(data.get("amount", "")).endswith(".13"):
            return 402, {"reason": "insufficient funds"}
        return 201, {"id": f"ch_{secrets.token_hex(10)}", "status": "authorised"}
    if found := STEP.fullmatch(path):
        return 201, {"id": f"{found[1][:2]}_{secrets.token_hex(10)}", "status": "done"}
    return 404, {"reason": "no such call"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop.provider", description="A payment provider to rehearse with.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--log", type=Path, help="append each received call to this file as a line of JSON")
    options = parser.parse_args()
    server = Provider(options.port, options.log, options.host)
    # shutdown() waits for serve_forever, which runs in this very thread
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
