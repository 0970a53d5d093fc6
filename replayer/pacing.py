"""How fast a pass sends: requests per second, how many at once, how both rise at the start, the recorded timing.

Pure: every question takes the time as seconds of one monotonic clock; nothing here waits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

CONCURRENCY = 4
"""Requests under way at once where nothing else is said."""

FIRST_SHARE = 0.1
"""The share of the rate with which a ramp begins."""

BURST_SECONDS = 0.1
"""What a pass did not send in the time before may follow at once, for this long."""

NOTEWORTHY_SECONDS = 0.5
"""Behind the recorded timing by less than this is the jitter of a busy machine, and not told."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one target is asked."""

    concurrency: int = CONCURRENCY  # requests under way at once
    rate: float = 0.0  # requests per second; 0: as many as it answers
    ramp_up: float = 0.0  # seconds in which rate and concurrency rise to what they may be
    speed: float = 0.0  # how many times as fast as recorded the requests start; 0: as fast as they can

    def share(self, parts: int) -> Pace:
        """The pace of each of some processes that send parts of one pass side by side."""
        return Pace(max(1, self.concurrency // parts), self.rate / parts, self.ramp_up, self.speed)


@dataclass(slots=True)
class Pacer:
    """Says for one pass when the next request may start. `began` is the time at which the pass began to send."""

    pace: Pace
    began: float = 0.0
    first: float = 0.0  # when the first of the requests was recorded, seconds since the epoch
    most: int = 0  # requests under way at once that are still allowed; 0: what the pace says
    behind: float = 0.0  # seconds by which a request started late, at most
    behind_last: float = 0.0  # seconds by which the latest request started late
    _free: float = field(default=-math.inf)  # when the bucket holds the next token

    def limit(self, now: float) -> int:
        """How many requests may be under way at once."""
        most = min(self.pace.concurrency, self.most or self.pace.concurrency)
        return max(1, min(most, math.ceil(most * self._risen(now))))

    def rises_in(self, now: float) -> float:
        """Seconds until `limit` may be higher; infinite when it will not be."""
        if self._risen(now) >= 1.0:
            return math.inf
        return self.pace.ramp_up / max(1, self.pace.concurrency)

    def reserve(self, now: float) -> float:
        """Takes a token; seconds until the request that it is for may start."""
        if not self.pace.rate:
            return 0.0
        start = max(self._free, now - BURST_SECONDS, self.began)
        share = FIRST_SHARE + (1.0 - FIRST_SHARE) * self._risen(max(start, now))
        self._free = start + 1.0 / (self.pace.rate * share)
        return max(0.0, start - now)

    def due_in(self, recorded: float, now: float) -> float:
        """Seconds until a request that was recorded at `recorded` is to start; 0 where timing is not kept."""
        return max(0.0, self._due(recorded) - now) if self.pace.speed else 0.0

    def started(self, recorded: float, now: float) -> None:
        """Notes that a request started, for `notes`."""
        if self.pace.speed:
            self.behind_last = max(0.0, now - self._due(recorded))
            self.behind = max(self.behind, self.behind_last)

    def notes(self) -> tuple[str, ...]:
        """What the report is to say of the pace that was kept; a sentence, or nothing."""
        if self.behind < NOTEWORTHY_SECONDS:
            return ()
        end = f"by {self.behind_last:.1f} s at its end" if self.behind_last >= NOTEWORTHY_SECONDS else "caught up again"
        return (
            f"it fell behind the recorded timing at {self.pace.speed:g} times its speed: by {self.behind:.1f} s at"
            f" most, {end}; a lower --speed, or a higher --concurrency, keeps it",
        )

    def _due(self, recorded: float) -> float:
        return self.began + max(0.0, recorded - self.first) / self.pace.speed

    def _risen(self, now: float) -> float:
        """How much of the ramp is behind us, 0 to 1."""
        return min(1.0, max(0.0, now - self.began) / self.pace.ramp_up) if self.pace.ramp_up else 1.0
