"""What the processes of one worker count together: memory that they share, so that any of them may be killed.

Made before they are forked. A lock on a file guards each change, which the kernel lets go of when its holder dies.
"""

from __future__ import annotations

import fcntl
import mmap
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from diffing.difference import Answer

BATCHES = ("sent", "lost", "failed")
REQUESTS = ("answered", "failed", "not_sent")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds; what took longer is counted beyond."""

_SLOTS = len(BATCHES) + len(REQUESTS) + len(BUCKETS) + 2  # beyond the last bucket; the sum of seconds


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted until now."""

    batches: dict[str, int]
    requests: dict[str, int]
    durations: tuple[int, ...]  # by bucket, the last one beyond all
    seconds: float  # of all durations

    def cumulated(self) -> Iterator[tuple[str, float]]:
        """How many took at most so long, for each bound."""
        total = 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.durations, strict=True):
            total += count
            yield bound, float(total)


class Tally:
    """Counters of a worker and of all processes that it forks."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SLOTS * 8)  # shared with children, backed by nothing
        self._values = memoryview(self._memory).cast("d")
        self._lock = tempfile.TemporaryFile()  # noqa: SIM115 - held as long as we are

    def close(self) -> None:
        """Let go of the memory; other processes keep theirs."""
        self._values.release()
        self._memory.close()
        self._lock.close()

    def batch(self, outcome: str) -> None:
        """One batch is over: sent, lost to another worker, or failed."""
        with self._locked():
            self._values[BATCHES.index(outcome)] += 1

    def answered(self, answers: Sequence[Answer]) -> None:
        """What came of some exchanges."""
        if not answers:
            return
        first = len(BATCHES)
        durations = first + len(REQUESTS)
        with self._locked():
            for answer in answers:
                outcome = "answered" if answer.response is not None else "not_sent" if answer.reason else "failed"
                self._values[first + REQUESTS.index(outcome)] += 1
                if outcome == "answered":
                    took = max(answer.ended - answer.started, 0.0)
                    self._values[durations + bisect_left(BUCKETS, took)] += 1
                    self._values[_SLOTS - 1] += took

    def read(self) -> Counts:
        """All counters at one moment."""
        with self._locked():
            values = list(self._values)
        requests = values[len(BATCHES) :]
        return Counts(
            {name: int(value) for name, value in zip(BATCHES, values, strict=False)},
            {name: int(value) for name, value in zip(REQUESTS, requests, strict=False)},
            tuple(int(value) for value in requests[len(REQUESTS) : -1]),
            values[-1],
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)
