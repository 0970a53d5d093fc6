"""How often somebody may try to log in: passwords are not to be guessed, nor is hashing them to fill the machine."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

ATTEMPTS = 5
"""That may fail in a row, for one name and for one address, before there is a pause."""

PAUSE_SECONDS = 30.0
"""After which one more is let through; it doubles with each that fails, up to LONGEST_PAUSE."""

LONGEST_PAUSE = 900.0
REMEMBERED = 10_000


class Throttle:
    """Failures by key, in this process. A key is forgotten once it succeeds, or when many others came after it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, *keys: str) -> float:
        """Seconds until an attempt is let through for all of these keys; 0.0: now."""
        return max((self._wait(key) for key in keys), default=0.0)

    def failed(self, *keys: str) -> None:
        for key in keys:
            count, _ = self._failed.pop(key, (0, 0.0))
            self._failed[key] = count + 1, self._clock()
        while len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)

    def succeeded(self, *keys: str) -> None:
        for key in keys:
            self._failed.pop(key, None)

    def _wait(self, key: str) -> float:
        count, at = self._failed.get(key, (0, 0.0))
        if count < ATTEMPTS:
            return 0.0
        pause = min(LONGEST_PAUSE, PAUSE_SECONDS * 2.0 ** min(count - ATTEMPTS, 10))
        return max(0.0, at + pause - self._clock())
