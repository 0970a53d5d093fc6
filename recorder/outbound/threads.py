"""Threads that a request starts work for the request: they carry its observation, and nothing else of its context.

The whole context is not carried, since that would show an application's threads variables that they did not see
before. A pool's worker outlives the request that it was started for, so that it is started without one; what it is
given to do carries its own.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..observation import Observation, begin, current

_installed: list[bool] = []


def install() -> None:
    """Wraps `Thread.start` and `ThreadPoolExecutor.submit`, once in a process."""
    if _installed:
        return
    _installed.append(True)
    start = threading.Thread.start
    submit: Callable[..., Any] = ThreadPoolExecutor.submit

    @functools.wraps(start)
    def carrying_start(self: threading.Thread) -> None:
        observation = current()
        if observation is not None:
            self.run = _carried(self.run, observation, self)  # type: ignore[method-assign]
        start(self)

    @functools.wraps(submit)
    def carrying_submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        observation = current()
        if observation is None:
            return submit(self, fn, *args, **kwargs)
        begin(None)
        try:
            return submit(self, _Task(fn, observation), *args, **kwargs)
        finally:
            begin(observation)

    threading.Thread.start = carrying_start  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = carrying_submit  # type: ignore[method-assign]


def _carried(run: Callable[[], None], observation: Observation, thread: threading.Thread) -> Callable[[], None]:
    def carried() -> None:
        begin(observation)
        try:
            run()
        finally:
            begin(None)
            thread.__dict__.pop("run", None)  # it refers to its thread

    return carried


class _Task:
    """A function that is called with an observation as the current one."""

    __slots__ = ("_fn", "_observation")

    def __init__(self, fn: Callable[..., Any], observation: Observation) -> None:
        self._fn = fn
        self._observation = observation

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        begin(self._observation)
        try:
            return self._fn(*args, **kwargs)
        finally:
            begin(None)
