"""Ships what is queued when SIGTERM ends the process, and lets it end as it would have.

A server that handles SIGTERM itself (gunicorn's workers install their handlers before they load the application, or
after) ends through the interpreter's exit, where `atexit` flushes. This is for the others: by default SIGTERM kills
a process on the spot, and a handler of the application's own may call `os._exit`.
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

_PATIENCE = 2.0  # seconds; whoever sent SIGTERM sends SIGKILL before long

_flushes: list[weakref.WeakMethod[Callable[[float], bool]]] = []
_installed = False


def flush_on_sigterm(flush: Callable[[float], bool]) -> None:
    """Has a bound method called when SIGTERM arrives, as long as its object lives. Only the main thread may ask."""
    global _installed
    _flushes.append(weakref.WeakMethod(flush))
    if _installed or threading.current_thread() is not threading.main_thread():
        return
    previous = signal.getsignal(signal.SIGTERM)
    if previous is None or previous is signal.SIG_IGN:
        return  # handled outside Python, or not at all: not ours to change
    _installed = True

    def handle(number: int, frame: FrameType | None) -> None:
        if callable(previous):
            if not _in_gevent_hub():
                _flush_all()
            previous(number, frame)
        elif _in_gevent_hub():
            sys.modules["gevent"].spawn(_flush_and_die, number)
        else:
            _flush_and_die(number)

    signal.signal(signal.SIGTERM, handle)
    if callable(previous):
        # What gunicorn and others set for their handler, and `signal.signal` has just undone.
        signal.siginterrupt(signal.SIGTERM, False)


def _flush_and_die(number: int) -> None:
    """Dies of the signal, so that the parent process sees the same exit status as without us."""
    _flush_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _in_gevent_hub() -> bool:
    """Whether the handler runs inside gevent's event loop, where nothing may wait."""
    gevent = sys.modules.get("gevent")
    return gevent is not None and isinstance(gevent.getcurrent(), gevent.hub.Hub)


def _flush_all() -> None:
    for reference in _flushes:
        flush = reference()
        if flush is not None:
            with suppress(Exception):  # the process is about to end, as it was told
                flush(_PATIENCE)
