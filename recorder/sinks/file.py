"""A folder of spool files: each process appends to one of its own, files are rotated, and the folder is capped."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..counters import RouteKey
from ..exchange import Exchange, ProducerReport
from ..frames import FrameKind, Header, file_head, frame
from ..guard import Guard
from ..payload import encode_report
from ..spool import SUFFIX, read_spool_file, spool_files
from . import OnLost, Sink, SinkError

fcntl: Any
try:
    import fcntl
except ImportError:  # not a POSIX system: whether a file is still being written cannot be told
    fcntl = None

_MAX_FILE = 64 << 20  # bytes of one file before the next is begun
_FILES_PER_SPOOL = 16  # a file is at most this part of the cap, so that dropping one drops little
_MARGIN = 16  # this part of the cap is left for what other processes write between two looks at the folder
_RETRY_AFTER = 1.0  # seconds for which a folder that refused a file is not asked again
_EVICTION_PASSES = 64  # files dropped at one look
_MADE_A_MOMENT_AGO = 60.0  # seconds for which an empty file may belong to a process that has not locked it yet


class FileSink(Sink):
    """Writes one process's frames. The current file is held locked, by which others see that it is in use."""

    def __init__(self, folder: Path, header: Header, cap: int, on_lost: OnLost, max_file: int = _MAX_FILE) -> None:
        self._folder = folder
        self._header = header
        self._cap = cap
        self._max_file = min(max_file, max(cap // _FILES_PER_SPOOL, 1 << 16))
        self._look_every = max(cap // 256, 1 << 16)
        self._on_lost = on_lost
        self._path: Path | None = None
        self._descriptor = -1
        self._pid = os.getpid()
        self._size = 0
        self._number = 0
        self._unchecked = 0  # bytes written since the folder's size was last looked at
        self._retry_at = 0.0
        self._said = Guard()
        self._carried: list[bytes] = []  # reports out of dropped files, to be written again

    def write(self, frames: Sequence[bytes]) -> None:
        data = b"".join(frames)
        try:
            self._ready(len(data))
            if self._carried:
                self._append(b"".join(self._carried))
                self._carried = []
            self._append(data)
        except OSError as error:
            self._retry_at = time.monotonic() + _RETRY_AFTER
            raise SinkError(_reason(error), f"{self._folder}: {error.strerror}") from error
        self._unchecked += len(data)
        if self._unchecked >= self._look_every:
            self._make_room(0)

    @property
    def current(self) -> Path | None:
        """The file that is written to."""
        return self._path

    def close(self) -> None:
        if self._descriptor >= 0:
            _let_go(self._descriptor, self._pid)
        self._descriptor = -1
        self._path = None

    def _ready(self, size: int) -> None:
        """A current file that exists and has room, and a folder that will not grow over its cap."""
        if self._path is not None and not self._is_in_place(self._path):
            self.close()
        if self._path is not None and self._size + size > self._max_file:
            self.close()
        if self._path is None:
            if time.monotonic() < self._retry_at:
                raise OSError(errno.EAGAIN, "waiting before the folder is tried again")
            self._open()

    def _is_in_place(self, path: Path) -> bool:
        try:
            there = path.stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_room(self._look_every)
        self._number += 1
        name = f"{int(time.time() * 1000):013d}-{self._header.producer[:12]}-{self._number:06d}{SUFFIX}"
        path = self._folder / name
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._descriptor, self._path, self._size = descriptor, path, 0
        _lock(descriptor)
        self._append(file_head(self._header))

    def _append(self, data: bytes) -> None:
        """All of the bytes, or none: half a frame would stand between the reader and what follows."""
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:] if written else data)
        except OSError:
            try:
                os.ftruncate(self._descriptor, self._size)
            finally:
                if self._size == 0 and self._path is not None:
                    self._path.unlink(missing_ok=True)
                    self.close()
            raise
        self._size += len(data)

    def _make_room(self, wanted: int) -> None:
        """Drops the oldest files until the folder, `wanted` more bytes included, is below its cap."""
        self._unchecked = 0
        limit = self._cap - self._cap // _MARGIN - wanted
        for _ in range(_EVICTION_PASSES):
            sizes = _sizes(self._folder)
            if sum(sizes.values()) <= limit or not self._drop_oldest(list(sizes)):
                return

    def _drop_oldest(self, paths: Sequence[Path]) -> bool:
        for path in paths:
            if path != self._path and self._drop(path):
                return True
        if self._path is None:
            return False
        ours = self._path  # only files in use are left: what can be given up is our own
        self.close()
        return self._drop(ours)

    def _drop(self, path: Path) -> bool:
        """Evicts a file that nobody holds; False when somebody does."""
        try:
            held = claim(path)
        except OSError:
            return False
        if held is None:
            return False
        try:
            self._evict(path)
        finally:
            held.release()
        return True

    def _evict(self, path: Path) -> None:
        """Removes a file and counts what was in it. Of several processes only the one that removed it counts."""
        lost: dict[RouteKey, int] = {}
        reports: dict[str, ProducerReport] = {}
        for number, item in enumerate(read_spool_file(path)):
            if isinstance(item, Exchange):
                key = (item.request.method, item.route)
                lost[key] = lost.get(key, 0) + 1
            elif isinstance(item, ProducerReport):
                reports[item.producer] = item
            if number % 64 == 0:
                time.sleep(0)  # let the application's threads run
        try:
            path.unlink()
        except FileNotFoundError:
            return
        self._said.say("full", f"the spool is full: dropped {path.name} with {sum(lost.values())} exchanges")
        self._on_lost(lost, "spool_full")
        # The ledger balances only with the counters of producers that may be gone; ours are written anyway.
        self._carried += [
            frame(FrameKind.REPORT, encode_report(report), self._header.stamp)
            for report in reports.values()
            if report.producer != self._header.producer
        ]


def _sizes(folder: Path) -> dict[Path, int]:
    """Every spool file and its size, oldest first."""
    sizes = {}
    for path in spool_files(folder):
        try:
            sizes[path] = path.stat().st_size
        except FileNotFoundError:
            continue
    return sizes


def _lock(descriptor: int) -> None:
    """Marks a file as in use. Waits for no longer than another process takes to ask whether it is."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):  # a network file system without locks: the file is then dropped like any other
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _let_go(descriptor: int, pid: int) -> None:
    """Closes a descriptor and, in the process that locked it, unlocks it.

    A lock belongs to all copies of a descriptor. A child that was forked a moment ago, and has not yet become another
    program, has one: to close ours would not be enough. In that child, the lock is the parent's.
    """
    if fcntl is not None and pid == os.getpid():
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Claim:
    """A spool file that this process holds, so that no other writes to it, drops it or ships it."""

    path: Path
    descriptor: int  # -1 where files cannot be held
    pid: int = field(default_factory=os.getpid)

    def release(self) -> None:
        if self.descriptor >= 0:
            _let_go(self.descriptor, self.pid)


def claim(path: Path) -> Claim | None:
    """Holds a spool file; None when a living process does, or when it is gone or was made a moment ago."""
    if fcntl is None:
        return Claim(path, -1)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours, there = os.fstat(descriptor), path.stat()
        in_place = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
        if in_place and (ours.st_size or time.time() - ours.st_mtime > _MADE_A_MOMENT_AGO):
            return Claim(path, descriptor)
    except OSError:
        pass
    os.close(descriptor)
    return None


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "disk_full"
    return "sink_unavailable"
