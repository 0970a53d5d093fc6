"""Fails open: an error of ours is counted, logged at a bounded rate, and never reaches the application."""

from __future__ import annotations

import logging
import os
import time
from types import TracebackType

logger = logging.getLogger("understudy.recorder")

_LOG_EVERY = 60.0  # seconds between two messages about the same step: a failing step fails at every request


def raising() -> bool:
    """Whether errors of ours are to be raised, as tests want it: `UNDERSTUDY_RAISE=1`."""
    return os.environ.get("UNDERSTUDY_RAISE") == "1"


class Guard:
    """Counts and logs what failed, by the step in which it did.

    Used either as `with guard.step("…"):` or, where a context manager would cost too much, as
    `except Exception as error: guard.failed("…", error)`.
    """

    def __init__(self) -> None:
        self.failures: dict[str, int] = {}
        self._logged: dict[str, float] = {}
        self._raise = raising()

    def failed(self, step: str, error: BaseException) -> None:
        """Records that a step failed. Call it from the `except` block."""
        if self._raise:
            raise error
        self.failures[step] = self.failures.get(step, 0) + 1
        self.say(step, f"{step} failed; the application is not affected, the recording may have a gap", error)

    def say(self, topic: str, message: str, error: BaseException | None = None) -> None:
        """Logs a warning, unless one on the same topic was logged within the last minute."""
        now = time.monotonic()
        last = self._logged.get(topic)
        if last is not None and now - last < _LOG_EVERY:
            return
        self._logged[topic] = now
        try:
            logger.warning("understudy: %s", message, exc_info=error)
        except Exception:  # a logging handler of the application that raises must not break it through us
            self.failures["logging"] = self.failures.get("logging", 0) + 1

    def step(self, name: str) -> _Step:
        return _Step(self, name)


class _Step:
    __slots__ = ("_guard", "_name")

    def __init__(self, guard: Guard, name: str) -> None:
        self._guard = guard
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self._guard.failed(self._name, error)
        return True
