"""Ships what is queued when SIGTERM ends the process, and lets it end as it would have.

Only where SIGTERM does what it does by default: kill the process on the spot. Whoever handles it (a server, the
application) is left alone, since nothing of ours may stand between a supervisor and a worker that is to end; such a
process ends through the interpreter's exit, where `atexit` flushes.

Death is the kernel's business from the handler's first steps on: a second SIGTERM kills at once, and an alarm does
after `_LIMIT`, whatever flushing waits for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

_PATIENCE = 2.0  # seconds for flushing; whoever sent SIGTERM sends SIGKILL before long
_LIMIT = 3.0  # seconds until the alarm, should flushing not keep to its time

_flushes: list[weakref.WeakMethod[Callable[[float], bool]]] = []


def flush_on_sigterm(flush: Callable[[float], bool]) -> None:
    """Has a bound method called when SIGTERM is about to kill the process, as long as its object lives."""
    _flushes.append(weakref.WeakMethod(flush))
    if (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()  # no other may set handlers
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, _flush_before_death)


def _flush_before_death(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _LIMIT)
    if _in_gevent_hub():
        sys.modules["gevent"].spawn(_flush_and_die, number)
    else:
        _flush_and_die(number)


def _flush_and_die(number: int) -> None:
    """Dies of the signal, so that the parent process sees the same exit status as without us."""
    try:
        for reference in _flushes:
            flush = reference()
            if flush is not None:
                with suppress(Exception):  # the process is about to end, as it was told
                    flush(_PATIENCE)
    finally:
        os.kill(os.getpid(), number)


def _in_gevent_hub() -> bool:
    """Whether the handler runs inside gevent's event loop, where nothing may wait."""
    gevent = sys.modules.get("gevent")
    return gevent is not None and isinstance(gevent.getcurrent(), gevent.hub.Hub)
