"""Ending servers as a supervisor would."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path


def ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code after SIGTERM.

    Workers that are still there after a while get one of their own: between its fork and its own handlers a worker of
    gunicorn has the arbiter's, which notes the signal where nobody looks (docs/decisions/0002-sigterm.md).
    """
    process.send_signal(signal.SIGTERM)
    for _ in range(5):
        with suppress(subprocess.TimeoutExpired):
            return process.wait(4)
        for worker in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(worker), signal.SIGTERM)
    process.kill()
    raise AssertionError("gunicorn did not end")
