"""Ending servers as a supervisor would."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
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


_PR_SET_PDEATHSIG = 1
_MAIN_THREAD = threading.main_thread()


def end_with_parent() -> None:
    """As `preexec_fn`: asks Linux to kill a server when the tests are killed.

    Linux means the end of the thread that started it, so that servers started by other threads are left out.
    """
    if sys.platform.startswith("linux") and threading.get_ident() == _MAIN_THREAD.ident:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
