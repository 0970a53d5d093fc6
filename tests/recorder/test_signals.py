"""SIGTERM ends a process that records no later than one that does not, but for a bounded moment to write."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

DEFAULT = """
import ctypes, signal, sys, threading, time
from recorder import signals

class Writer:
    def flush(self, timeout):
        sys.stdout.write("flushing\\n")
        sys.stdout.flush()
        {flush}

signals._LIMIT = {limit}
writer = Writer()
signals.flush_on_sigterm(writer.flush)
sys.stdout.write("ready\\n")
sys.stdout.flush()
time.sleep(30)
"""
HANGS = {
    "a lock": "lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "code that keeps the interpreter's lock": "ctypes.PyDLL(None).pause()",
}


def ends(code: str, *, terms: int) -> tuple[int, float]:
    """The exit code of a process that got so many SIGTERMs, one per line that it wrote, and the seconds it took."""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        started = 0.0
        for _ in range(terms):
            process.stdout.readline()
            started = started or time.monotonic()
            process.send_signal(signal.SIGTERM)
        return process.wait(20), time.monotonic() - started


def test_the_exit_status_is_that_of_a_process_without_a_recorder() -> None:
    assert ends(DEFAULT.format(flush="pass", limit=10), terms=1)[0] == -signal.SIGTERM


def test_a_flush_that_raises_changes_nothing() -> None:
    assert ends(DEFAULT.format(flush="raise SystemExit(3)", limit=10), terms=1)[0] == -signal.SIGTERM


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_a_flush_that_hangs_dies_by_the_kernels_alarm(hang: str) -> None:
    code, seconds = ends(DEFAULT.format(flush=hang, limit=0.2), terms=1)
    assert code == -signal.SIGALRM
    assert seconds < 5


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_a_second_sigterm_kills_at_once(hang: str) -> None:
    code, seconds = ends(DEFAULT.format(flush=hang, limit=10), terms=2)
    assert code == -signal.SIGTERM
    assert seconds < 5


HANDLED = """
import signal, sys
from recorder import RecorderConfig, RecorderMiddleware

def own(number, frame):
    pass

signal.signal(signal.SIGTERM, {handler})
middleware = RecorderMiddleware(lambda *_: [], RecorderConfig(sink="memory:signals", key="k" * 40))
sys.exit(0 if signal.getsignal(signal.SIGTERM) is {handler} else 1)
"""


@pytest.mark.parametrize("handler", ["own", "signal.SIG_IGN"])
def test_whoever_handles_sigterm_is_left_alone(handler: str) -> None:
    assert ends(HANDLED.format(handler=handler), terms=0)[0] == 0
