"""Batches that recorders send to a server, one by one and from many sides at once, into the store."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from threading import BoundedSemaphore, Lock

from recorder.batches import read_batch_header, unpack_batch
from recorder.wire import WireError

from .errors import InconclusiveError
from .intake import LARGEST_BATCH, Batch, Intake, Taken
from .store import Store

WAITING = 8
"""Batches that may be in memory at once, the one that is being kept among them."""

PATIENCE = 5.0
"""Seconds that a batch waits for those before it."""


class Busy(InconclusiveError):
    """More batches arrive than can be kept; the same one may be sent again later."""


class Receiver:
    """Takes batches in any thread. The store is opened when it is needed first, and tried again while it cannot be."""

    def __init__(self, opened: Callable[[], Store]) -> None:
        self._opened = opened
        self._store: Store | None = None
        self._intake: Intake | None = None
        self._lock = Lock()
        self._places = BoundedSemaphore(WAITING)

    def take(self, encoding: str, data: bytes) -> Taken:
        """Keep a batch; when this returns, it is committed.

        Raises BatchTooLarge, another WireError for what is no batch, Busy, and what `replayer.errors` has for a
        database that cannot be used.
        """
        if not self._places.acquire(blocking=False):
            raise Busy("More batches arrive than can be kept.")
        try:
            batch = self._checked(encoding, data)
            if not self._lock.acquire(timeout=PATIENCE):
                raise Busy("The database takes its time.")
            try:
                if self._intake is None:
                    self._intake = Intake(self._open(), "sent by recorders")
                return self._intake.take([batch])
            finally:
                self._lock.release()
        finally:
            self._places.release()

    def check(self) -> None:
        """Return when the database can be used; otherwise errors as in `replayer.errors`."""
        if not self._lock.acquire(timeout=PATIENCE):
            raise Busy("The database takes its time.")
        try:
            store = self._open()
        finally:
            self._lock.release()
        store.check()

    def close(self) -> None:
        """Let go of the database."""
        if self._store is not None:
            self._store.close()

    def _open(self) -> Store:
        if self._store is None:
            self._store = self._opened()
        return self._store

    def _checked(self, encoding: str, data: bytes) -> Batch:
        """The batch unpacked, named by its content. Who sends one that is none is told, and has it still."""
        plain = unpack_batch(encoding, data, LARGEST_BATCH)
        if read_batch_header(plain) is None:
            raise WireError("no batch: its header cannot be read")
        return Batch(f"sent batch {sha256(data).hexdigest()[:16]}", "identity", plain)
