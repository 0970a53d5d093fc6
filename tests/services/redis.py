"""Redis for tests: `redis_url` gives a server, `redis_server` one of this test alone, to be killed and started again.

`TEST_REDIS_URL` names a server for `redis_url`. It is never emptied: use keys that no other test uses.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.processes import end_with_parent

MISSING = (
    "A Redis server is needed, and no redis-server was found on the PATH. Install it (on Debian and Ubuntu: "
    "apt-get install --no-install-recommends redis-server), or set TEST_REDIS_URL to a server that tests may write to."
)

START_SECONDS = 30.0
"""How long a server may take to answer; it takes a twentieth of a second."""


class RedisServer:
    """One server on a port of 127.0.0.1 with a folder of its own. A context manager.

    With `persistent`, what it answered for is on the disk before it answers, and outlives `kill`; without, a server
    that is started again is empty. `options` are further lines of its configuration: `maxmemory="4mb"`.
    """

    def __init__(self, *, persistent: bool = False, **options: str) -> None:
        found = shutil.which("redis-server")
        if found is None:
            raise RuntimeError(MISSING)
        self._program = found
        self._persistent = persistent
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.folder = Path(tempfile.mkdtemp(prefix="us-redis-"))  # 0700
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def url(self) -> str:
        password = self._options.get("requirepass", "")
        return f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server on the port that it had before, if any, and return when it answers."""
        deadline = time.monotonic() + START_SECONDS
        keep_port = self.port != 0
        while True:
            self.port = self.port if keep_port else free_port()
            with (self.folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent
                )
            if self._answers(deadline):
                return
            if time.monotonic() > deadline:
                log_text = (self.folder / "log").read_text("utf-8", "replace")
                raise RuntimeError(f"redis-server does not start: {log_text[-2000:]}")
            time.sleep(0.05)  # another process took the port

    def _command(self) -> list[str]:
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes" if self._persistent else "no",
            "appendfsync": "always",
            "daemonize": "no",
            **{name.replace("_", "-"): value for name, value in self._options.items()},
        }
        return [self._program, *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def _answers(self, deadline: float) -> bool:
        assert self._process is not None
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                with self.client() as client:
                    client.ping()
                return self._process.poll() is None  # and not another server that has the port
            except (redis.ConnectionError, redis.TimeoutError):
                time.sleep(0.01)
        return False

    def client(self) -> redis.Redis:
        """A client for the test's own questions; answers are bytes."""
        return redis.Redis.from_url(self.url, socket_timeout=10, protocol=2)

    def stop(self) -> None:
        """End the server as a supervisor would."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: connections are reset, what was not on the disk is gone."""
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Stop the process where it is: connections are accepted by the kernel, and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Remove what a server that is not running kept on the disk."""
        assert not self.running
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_SECONDS)
            self._process = None

    def close(self) -> None:
        """End the server at once, and remove all that it wrote."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, for now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def started(**options: Any) -> RedisServer:
    """A server, or the failure of the test that asked for it, with what to install."""
    try:
        return RedisServer(**options)
    except RuntimeError as failure:
        pytest.fail(str(failure), pytrace=False)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a server that others use, too: `TEST_REDIS_URL`, or one of this session."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    with started() as server:
        yield server.url


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A server of this test alone, empty, to be killed and started again."""
    with started() as server:
        yield server
