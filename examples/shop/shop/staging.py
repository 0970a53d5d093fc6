"""A staging deploy that can be put back: `python -m shop.staging --control-port C --port P …`.

Serves the shop as `shop.serve` does, whose options it takes. `POST /reset` at the control port ends it and starts it
anew on a fresh copy of the snapshot, and is answered with 200 once that answers, with 503 when it does not.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READY_SECONDS = 30.0
END_SECONDS = 10.0


class Deploy:
    """The shop in a process of its own, one at a time."""

    def __init__(self, port: int, arguments: Sequence[str]) -> None:
        self._argv = [sys.executable, "-m", "shop.serve", "--port", str(port), *arguments]
        self._health = f"http://127.0.0.1:{port}/health"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def reset(self) -> bool:
        """End the shop, if there is one, and start another; whether that answers."""
        with self._lock:
            self._end()
            self._process = subprocess.Popen(self._argv)
            deadline = time.monotonic() + READY_SECONDS
            while self._process.poll() is None and time.monotonic() < deadline:
                if answers(self._health):
                    return True
                time.sleep(0.05)
            return False

    def end(self) -> None:
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def answers(url: str) -> bool:
    """Whether a GET is answered with 200 within a second."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


class Control(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, deploy: Deploy) -> None:
        super().__init__((host, port), Handler)
        self.deploy = deploy


class Handler(BaseHTTPRequestHandler):
    server: Control

    def do_POST(self) -> None:
        if self.path != "/reset":
            self.send_error(404)
        elif self.server.deploy.reset():
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_error(503, "the shop does not start")

    def log_message(self, format: str, *args: object) -> None:
        """Whoever asks is told."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop.staging", description="Serve the shop until told to put it back.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--control-port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at, with both ports")
    options, rest = parser.parse_known_args()
    deploy = Deploy(options.port, ["--host", options.host, *rest])
    control = Control(options.host, options.control_port, deploy)
    # shutdown() waits for serve_forever, which runs in this very thread
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=control.shutdown).start())
    try:
        if not deploy.reset():
            raise SystemExit("shop.staging: the shop does not start")
        control.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass
    finally:
        control.server_close()
        deploy.end()


if __name__ == "__main__":
    main()
