"""An address at which a process without a web server of its own is scraped: `GET /metrics`."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .errors import UsageError
from .metrics import Samples, exposition

POLL_SECONDS = 0.5


class MetricsServer(ThreadingHTTPServer):
    """Listens from the moment that it is made. Raises UsageError for an address that cannot be had."""

    daemon_threads = True

    def __init__(self, host: str, port: int, samples: Callable[[], Samples]) -> None:
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise UsageError(
                f"Metrics cannot be served at {host} port {port}: {error.strerror}.", "Choose another --metrics-port."
            ) from None
        self.samples = samples
        self._parent = 0

    def in_thread(self) -> None:
        """Serve beside what this process does, until it ends."""
        threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,), daemon=True, name="metrics").start()

    def in_child(self) -> Callable[[], None]:
        """Serve in a process of its own, for a process that is going to fork; what ends it.

        It ends by itself when its parent is gone.
        """
        self._parent = os.getpid()
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
            with suppress(BaseException):
                self.serve_forever(POLL_SECONDS)
            os._exit(0)
        self.socket.close()

        def end() -> None:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(child, signal.SIGTERM)
                os.waitpid(child, 0)

        return end

    def service_actions(self) -> None:
        if self._parent and os.getppid() != self._parent:
            os._exit(0)


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        body, media_type = exposition(self.server.samples(), self.headers.get("Accept", ""))
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a line each."""
