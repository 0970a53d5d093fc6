"""Waiting for news that another process writes to the store."""

from __future__ import annotations

from ..store.bell import Bell

HEARD_FIRST_SECONDS, HEARD_LAST_SECONDS = 0.25, 1.0
"""Between looks where the bell says when there is something to see: it may have been missed."""


class Lookout:
    """Waits between looks at the store: for the bell, and where that is not heard ever longer, from `first` to `last`
    seconds.

    Made before the first look; `found` comes after a look that showed something, and `wait` before the next.
    """

    def __init__(self, bell: Bell, first: float, last: float) -> None:
        self._bell = bell
        self._first, self._last = first, last
        self._pause = 0.0  # the latest; 0: something was found since
        self._since = bell.rings  # when the latest look began
        self._rung = True  # whatever the first look shows has come before anybody listened

    def found(self) -> None:
        """There was something, and more is likely to come soon."""
        if not self._rung:
            self._bell.missed()
        self._pause = 0.0

    async def wait(self) -> None:
        first, last = (HEARD_FIRST_SECONDS, HEARD_LAST_SECONDS) if self._bell.live else (self._first, self._last)
        self._pause = min(last, max(first, 2 * self._pause))
        self._rung = await self._bell.wait(self._pause, self._since)
        self._since = self._bell.rings
