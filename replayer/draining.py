"""Drains a stream of batches into the store, through whatever happens to either of them meanwhile.

An entry is acknowledged when what it holds is committed. So a death of this process, of Redis or of the database at any
moment loses nothing: the entry comes again, and what of it is there already is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import TypeVar

from .errors import InconclusiveError, UnderstudyError
from .intake import Batch, Intake, Taken
from .store import Unstorable
from .stream import Entry, Stream

T = TypeVar("T")

READ_SECONDS = 1.0
"""How long a read waits for an entry, and so how long a signal may wait to be noticed."""

CLAIM_EVERY = 5.0
"""Seconds between two looks at what other members have had for too long, unless that is shorter."""

LAG_EVERY = 2.0
"""Seconds between two counts of what is waiting."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
"""Seconds between two tries, doubled each time, while Redis or the database cannot be used."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. `waiting` are entries that nobody has settled; `trouble` is what is being waited for, or ""."""

    taken: Taken
    waiting: int
    seconds: float
    trouble: str = ""


class _Stopped(Exception):
    """It was to stop, while something could not be used."""


@dataclass(slots=True)
class Drain:
    """One run of `understudy ingest`.

    `once` ends when nothing is waiting, and gives up after `patience` seconds of trouble. `stop` ends it after the
    entries in hand. `keep` leaves entries in the stream for other readers.
    """

    stream: Stream
    opened: Callable[[], Intake]
    watch: Callable[[Progress], None]
    stop: Event
    once: bool = False
    keep: bool = False
    patience: float = 60.0
    taken: Taken = field(default_factory=Taken)
    _intake: Intake | None = None
    _began: float = 0.0
    _waiting: int = 0
    _counted: float = 0.0

    def run(self) -> Taken:
        """Drain, and say what was taken. Errors as in `replayer.errors`; what is in hand then stays in the stream."""
        self._began = time.monotonic()
        claim_at = 0.0
        try:
            while not self.stop.is_set():
                entries: list[Entry] = []
                if time.monotonic() >= claim_at:
                    entries = self._again(self.stream.claim)
                    claim_at = 0.0 if entries else time.monotonic() + min(CLAIM_EVERY, self.stream.claim_after)
                if not entries:
                    entries = self._again(lambda: self.stream.read(READ_SECONDS))
                if entries:
                    self._keep(entries)
                elif self.once and self._again(self.stream.waiting) == 0:
                    break
                self._tell()
        except _Stopped:
            pass
        finally:
            self.stream.leave()
        return self.taken

    def _keep(self, entries: Sequence[Entry]) -> None:
        """Commit what the entries hold, then acknowledge them."""
        taken = self._again(lambda: self._take(entries))
        self._again(lambda: self.stream.settle([entry.id for entry in entries], keep=self.keep))
        self.taken += taken

    def _take(self, entries: Sequence[Entry]) -> Taken:
        if self._intake is None:
            self._intake = self.opened()
        try:
            return self._intake.take(entry.batch for entry in entries)
        except Unstorable as error:
            failure: Exception = error
        except UnderstudyError:
            raise
        except Exception as error:
            failure = error
        if len(entries) == 1:  # an entry that makes us fail must not come again for ever
            return self._intake.take([_faulty(entries[0].batch, failure)])
        taken = Taken()
        for entry in entries:
            taken += self._take([entry])
        return taken

    def _again(self, work: Callable[[], T]) -> T:
        """Do it, as often as it takes: while the database or Redis cannot be used, nothing is read and nothing lost."""
        since, pause = time.monotonic(), FIRST_PAUSE
        while True:
            try:
                return work()
            except InconclusiveError as error:
                if self.once and time.monotonic() - since + pause > self.patience:
                    raise
                self._tell(error.message)
                if self.stop.wait(pause):
                    raise _Stopped from None
                pause = min(pause * 2, LONGEST_PAUSE)

    def _tell(self, trouble: str = "") -> None:
        now = time.monotonic()
        if not trouble and now - self._counted >= LAG_EVERY:
            self._waiting, self._counted = self._again(self.stream.waiting), now
        self.watch(Progress(self.taken, self._waiting, now - self._began, trouble))


def _faulty(batch: Batch, failure: Exception) -> Batch:
    """A batch that is known to be none, so that it is noted as damage, with the reason."""
    why = f"it cannot be kept: {type(failure).__name__}: {failure}"
    return Batch(batch.name, "", b"", why[:300], batch.size)
