"""Real servers for the end-to-end tests: gunicorn, a tap that keeps what goes over the wire, and the command line."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import ended

ROOT = Path(__file__).parents[2]
KEY = "a key of at least thirty-two bytes"
UNDERSTUDY = Path(sys.executable).with_name("understudy")


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what would configure the product, plus `more`; our packages and tests importable."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("UNDERSTUDY_")}
    return {**environ, "PYTHONPATH": str(ROOT), **(more or {})}


def recording_to(spool: Path) -> dict[str, str]:
    """What turns the recorder on, and makes it raise whatever it would swallow in production."""
    return {"UNDERSTUDY_SINK": f"file://{spool}", "UNDERSTUDY_KEY": KEY, "UNDERSTUDY_RAISE": "1"}


@contextlib.contextmanager
def gunicorn(app: str, folder: Path, *options: str, environ: Mapping[str, str] | None = None) -> Iterator[int]:
    """The port of a running gunicorn; it is ended by SIGTERM and has to exit with 0.

    Connections made before a worker is there wait in the listener's backlog.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port: int = listener.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "-b", f"fd://{listener.fileno()}"]
        command += ["--log-file", str(folder / "gunicorn.log"), *options, app]
        process = subprocess.Popen(command, cwd=ROOT, env=clean_environment(environ), pass_fds=[listener.fileno()])
        with process:
            try:
                yield port
            finally:
                code = ended(process)
    assert code == 0


def understudy(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """The command line as a user runs it: a process of its own, in `cwd`."""
    return subprocess.run(
        [str(UNDERSTUDY), *arguments],
        cwd=cwd,
        env=clean_environment(environ),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@dataclass
class Tap:
    """A relay on a port of its own before a server; it changes nothing and keeps every byte.

    `conversations` holds one pair of what the client sent and what it got for each connection, in the order in which
    the connections were opened.
    """

    server_port: int
    port: int = 0
    conversations: list[tuple[bytearray, bytearray]] = field(default_factory=list)

    @contextlib.contextmanager
    def listening(self) -> Iterator[Tap]:
        """Relays until the block ends, then waits until every connection has said all it had to say."""
        threads: list[threading.Thread] = []
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            self.port = listener.getsockname()[1]
            accepting = threading.Thread(target=self._accept, args=(listener, threads))
            accepting.start()
            try:
                yield self
            finally:
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
                accepting.join()
                for thread in threads:
                    thread.join(20)

    def _accept(self, listener: socket.socket, threads: list[threading.Thread]) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            sent, got = bytearray(), bytearray()
            self.conversations.append((sent, got))
            thread = threading.Thread(target=self._relay, args=(client, sent, got))
            thread.start()
            threads.append(thread)

    def _relay(self, client: socket.socket, sent: bytearray, got: bytearray) -> None:
        with client, socket.create_connection(("127.0.0.1", self.server_port), 20) as server:
            upward = threading.Thread(target=_pump, args=(client, server, sent))
            upward.start()
            _pump(server, client, got)
            upward.join(20)


def _pump(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    """Passes bytes on until the source ends, and the end too."""
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            kept += piece
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
