"""Ending servers as a supervisor would."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
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


def end_of_owner(code: str) -> Path:
    """Runs code that starts a server and prints its process id and folder; kills it, and waits for the server to end.

    Returns the folder, which nobody removes any more.
    """
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().split()
        owner.send_signal(signal.SIGKILL)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.02)
    return Path(folder)
