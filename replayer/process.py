"""Processes that end with us: every one runs below a guard (`instances/guard.py`) in a group of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from .errors import UsageError
from .target_settings import TargetSettings

GRACE_SECONDS = 5.0
"""Between SIGTERM and SIGKILL."""

LOG_BYTES = 1024 * 1024
TAIL_LINES = 30
TAIL_BYTES = 8192
POLL_SECONDS = 0.01

_GUARD = Path(__file__).with_name("instances") / "guard.py"


class GuardedProcess:
    """A command that runs until it is closed. Its output is kept, bounded, for `tail`."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str, pass_fds: Sequence[int] = ()) -> None:
        """Start it. Raises UsageError when the folder or the command does not exist."""
        check_command(argv, env, cwd)
        self.argv = tuple(argv)
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by `aclose`
        guard = [sys.executable, "-I", "-S", str(_GUARD), str(GRACE_SECONDS), str(LOG_BYTES), *argv]
        try:
            self._process = subprocess.Popen(
                guard,
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd or None,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        except BaseException:
            self._log.close()
            raise

    @property
    def exit_status(self) -> int | None:
        """None while it runs; 128 + n when signal n ended it."""
        return self._process.poll()

    def tail(self) -> str:
        """The last lines that it printed."""
        if self._log.closed:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        data = os.pread(self._log.fileno(), TAIL_BYTES, max(0, size - TAIL_BYTES))
        return "\n".join(data.decode("utf-8", "replace").strip().splitlines()[-TAIL_LINES:])

    async def wait(self, timeout: float) -> int:
        """The exit status. Raises TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while self.exit_status is None:
                await asyncio.sleep(POLL_SECONDS)
        return self._process.returncode

    async def aclose(self) -> None:
        """End it and everything that it started. When cancelled, the guard finishes the work without us."""
        self._close_lifeline()
        try:
            if self.exit_status is None:
                await self.wait(GRACE_SECONDS + 2.0)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        finally:
            self._log.close()
            if self._process.returncode is None:
                _abandoned.append(self._process)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _close_lifeline(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()


_abandoned: list[subprocess.Popen[bytes]] = []
"""Guards that were still at work when we were cancelled; kept so that their end is collected."""


def environment(target: TargetSettings) -> dict[str, str]:
    """Our environment, the target's on top; its interpreter's folder is found first and ours last on PATH.

    A sink of ours is not handed on: a replay is no traffic of production, and does not belong into its spool.
    """
    env = {name: value for name, value in os.environ.items() if name != "UNDERSTUDY_SINK"}
    env.update(target.env)
    folders = [env.get("PATH", os.defpath), str(Path(sys.executable).parent)]
    if target.python:
        folders.insert(0, str(Path(target.cwd or ".", target.python).absolute().parent))
    env["PATH"] = os.pathsep.join(folders)
    return env


def interpreter(target: TargetSettings) -> str:
    """The Python that runs the target's own code."""
    return target.python or sys.executable


def check_command(argv: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
    """Raises UsageError when it could not be started in any case."""
    if not argv:
        raise UsageError("a command is empty", "Give the program and its arguments as a list.")
    if cwd and not Path(cwd).is_dir():
        raise UsageError(f"the target's folder {cwd} does not exist", "Correct `cwd`.")
    if os.sep in argv[0]:
        found = shutil.which(str(Path(cwd or ".", argv[0]).absolute()))
    else:
        found = shutil.which(argv[0], path=env.get("PATH"))
    if found is None:
        raise UsageError(f"the command {argv[0]!r} was not found, or is not executable", "Correct the target.")
