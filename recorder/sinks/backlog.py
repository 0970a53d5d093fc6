"""What a server did not take waits in a folder, within a cap, and is shipped from there: oldest first.

The folder is shared by the processes of an application. Each writes files of its own, as `FileSink` does, and ships
whatever file nobody holds: its own, and those of processes that are gone. A file is held while it is shipped and
removed afterwards, so that no two processes ship it; one that dies in between leaves it to the next, which ships it
from its beginning: exchanges are told apart by their ids.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..frames import Header
from ..guard import logger
from ..spool import Damage, frames_in, header_in, spool_files
from . import OnLost
from .batching import Batch, batches_of
from .file import Claim, FileSink, claim

_MAX_FILE = 8 << 20  # bytes: what may be shipped twice when a process dies over it
LOOK_EVERY = 15.0
"""Seconds after which the folder is looked at again for files of processes that are gone."""


class Backlog:
    """One process's part in the folder. `pending`: something was kept here that may not have been shipped."""

    def __init__(self, folder: Path, header: Header, cap: int, on_lost: OnLost) -> None:
        self.folder = folder
        self.pending = False
        self._sink = FileSink(folder, header, cap, on_lost, _MAX_FILE)
        self._claim: Claim | None = None
        self._batches: Iterator[Batch] = iter(())
        self._look_at = 0.0

    def keep(self, frames: Sequence[bytes]) -> None:
        """Writes frames to the folder; raises `SinkError` when it can not."""
        self._sink.write(frames)
        self.pending = True

    def due(self) -> float:
        """Seconds until there may be something to ship."""
        return 0.0 if self.pending else max(self._look_at - time.monotonic(), 0.0)

    def next(self) -> Batch | None:
        """The batch to be shipped next; asking for it says that the one before is dealt with. None: there is none."""
        try:
            while True:
                batch = next(self._batches, None)
                if batch is not None:
                    return batch
                self._finish()
                if not self._begin():
                    break
        except OSError as error:
            logger.warning("understudy: %s cannot be read: %s", self.folder, error.strerror)
            self._let_go()
        self.pending = False
        self._look_at = time.monotonic() + LOOK_EVERY
        return None

    def close(self) -> None:
        self._sink.close()
        self._let_go()

    def _begin(self) -> bool:
        """Holds the oldest file that nobody else does; False when there is none."""
        for path in spool_files(self.folder) if self.folder.is_dir() else ():
            if path == self._sink.current:
                self._sink.close()
            held = claim(path)
            if held is not None:
                self._claim = held
                self._batches = _batches_in(path)
                return True
        return False

    def _finish(self) -> None:
        """The file that was shipped is no longer needed."""
        if self._claim is not None:
            self._claim.path.unlink(missing_ok=True)
            self._let_go()

    def _let_go(self) -> None:
        held, self._claim = self._claim, None
        self._batches = iter(())
        if held is not None:
            held.release()


def _batches_in(path: Path) -> Iterator[Batch]:
    """A spool file's frames as batches of the producer that wrote them. What is damaged is said, and left out."""
    with path.open("rb") as file:
        header = header_in(file, path)
        if header is None:
            if os.fstat(file.fileno()).st_size:
                logger.warning("understudy: %s is lost: neither copy of its header can be read", path.name)
            return
        yield from batches_of(header, _whole(frames_in(file, path)))


def _whole(found: Iterator[bytes | Damage]) -> Iterator[bytes]:
    for one in found:
        if isinstance(one, Damage):
            logger.warning("understudy: %d bytes of %s are lost: %s", one.bytes_lost, one.path.name, one.reason)
        else:
            yield one
