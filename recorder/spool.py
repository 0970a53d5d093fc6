"""Reads spool files back: every frame that is whole, and for everything else where it was and what was wrong.

Nothing in a spool makes this raise: files are written by processes that are killed, on disks that fill up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .exchange import Exchange, ProducerReport
from .frames import (
    FILE_START,
    FORMAT_VERSION,
    FRAME_HEAD,
    FRAME_MAGIC,
    MAGIC,
    FrameKind,
    Header,
    checksum,
)
from .payload import WireError, decode_exchange, decode_report

SUFFIX = ".spool"
_STEP = 1 << 20  # bytes read at a time while looking for the next whole frame


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a spool file that could not be read."""

    path: Path
    offset: int
    bytes_lost: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Frame:
    kind: int
    payload: bytes
    stamp: int
    end: int  # offset of the first byte after it


def spool_files(path: Path) -> list[Path]:
    """The spool files below a folder, oldest first (their names begin with the time), or the one file that it is."""
    if path.is_dir():
        return sorted(found for found in path.iterdir() if found.suffix == SUFFIX and found.is_file())
    return [path]


def read_spool(path: Path) -> Iterator[Exchange | ProducerReport | Damage]:
    """What a spool folder or file holds, file by file, in the order in which each was written."""
    for found in spool_files(path):
        yield from read_spool_file(found)


def read_header(path: Path) -> Header | None:
    """Who wrote a spool file; None when neither copy of its header can be read."""
    try:
        with path.open("rb") as file:
            return header_in(file, path)
    except OSError:
        return None


def header_in(file: BinaryIO, path: Path) -> Header | None:
    """The header of an open spool file, or of bytes that are laid out as one; `path` names it in what is reported."""
    return _Scanner(path, file).header


def read_spool_file(path: Path) -> Iterator[Exchange | ProducerReport | Damage]:
    """What one spool file holds, in the order in which it was written."""
    try:
        file = path.open("rb")
    except OSError as error:
        yield Damage(path, 0, 0, f"cannot be opened: {error.strerror}")
        return
    with file:
        try:
            yield from items_in(file, path)
        except OSError as error:
            yield Damage(path, file.tell(), 0, f"cannot be read: {error.strerror}")


def items_in(file: BinaryIO, path: Path) -> Iterator[Exchange | ProducerReport | Damage]:
    """What an open spool file holds, or bytes that are laid out as one; `path` names it in what is reported."""
    yield from _Scanner(path, file).items()


def frames_in(file: BinaryIO, path: Path) -> Iterator[bytes | Damage]:
    """The whole frames of an open spool file as they stand there, of kinds that are not known here, too; no header."""
    yield from _Scanner(path, file).raw()


class _Scanner:
    """One pass over one open file. `stamp` is None until a frame that can be trusted has named it."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._size = file.seek(0, 2)
        self._stamp: int | None = None
        self._refused = self._check_start()
        self.header = None if self._refused else self._find_header()

    def _check_start(self) -> str:
        """Why nothing in this file can be read, or an empty string."""
        start = self._read(0, FILE_START.size)
        if len(start) < FILE_START.size:
            return "too short to be a spool file" if start else "empty"
        magic, version = FILE_START.unpack(start)
        if magic == MAGIC and version > FORMAT_VERSION:
            return f"format version {version}, written by a newer release; this one reads up to {FORMAT_VERSION}"
        # A damaged start alone loses nothing: the frames behind it vouch for themselves.
        known = magic == MAGIC or FRAME_MAGIC in self._read(0, _STEP)
        return "" if known else "not a spool file"

    def _find_header(self) -> Header | None:
        at = FILE_START.size
        for _ in range(2):  # both copies
            found = self._frame_at(at)
            if isinstance(found, _Frame) and found.kind == FrameKind.HEADER:
                try:
                    header = Header.decode(found.payload)
                except WireError:
                    return None
                self._stamp = header.stamp
                return header
            at = self._next_magic(at + 1)
        return None

    def items(self) -> Iterator[Exchange | ProducerReport | Damage]:
        for at, found in self._frames():
            if isinstance(found, Damage):
                yield found
            elif (item := self._decode(found, at)) is not None:
                yield item

    def raw(self) -> Iterator[bytes | Damage]:
        for at, found in self._frames():
            if isinstance(found, Damage):
                yield found
            elif found.kind != FrameKind.HEADER:
                yield self._read(at, found.end - at)

    def _frames(self) -> Iterator[tuple[int, _Frame | Damage]]:
        """Every whole frame with its offset, and what lies between."""
        if self._refused:
            yield 0, Damage(self._path, 0, self._size, self._refused)
            return
        at = FILE_START.size
        if self._read(0, at) != FILE_START.pack(MAGIC, FORMAT_VERSION):
            yield 0, Damage(self._path, 0, at, "the start of the file is damaged")
        while at < self._size:
            found = self._frame_at(at)
            if isinstance(found, str):
                resumed = self._resynchronise(at + 1)
                yield at, Damage(self._path, at, resumed - at, found)
                at = resumed
                continue
            if self._stamp is None:
                self._stamp = found.stamp
            yield at, found
            at = found.end

    def _decode(self, found: _Frame, at: int) -> Exchange | ProducerReport | Damage | None:
        try:
            if found.kind == FrameKind.EXCHANGE:
                return decode_exchange(found.payload)
            if found.kind == FrameKind.REPORT:
                return decode_report(found.payload)
        except WireError as error:
            return Damage(self._path, at, found.end - at, str(error))
        return None

    def _frame_at(self, at: int) -> _Frame | str:
        """The frame that begins at an offset, or why there is none."""
        head = self._read(at, FRAME_HEAD.size)
        if len(head) < FRAME_HEAD.size:
            return "torn: the file ends inside a frame"
        magic, stamp, kind, length, crc = FRAME_HEAD.unpack(head)
        if magic != FRAME_MAGIC:
            return "corrupt: no frame begins here"
        if self._stamp is not None and stamp != self._stamp:
            return "corrupt: a frame of another producer"
        end = at + FRAME_HEAD.size + length
        if end > self._size:
            return "torn: the file ends inside a frame"
        payload = self._read(at + FRAME_HEAD.size, length)
        if checksum(stamp, kind, payload) != crc:
            return "corrupt: the checksum does not match"
        return _Frame(kind, payload, stamp, end)

    def _resynchronise(self, at: int) -> int:
        """The offset of the next whole frame, or the size of the file."""
        while (at := self._next_magic(at)) < self._size:
            if isinstance(self._frame_at(at), _Frame):
                return at
            at += 1
        return self._size

    def _next_magic(self, at: int) -> int:
        while at < self._size:
            window = self._read(at, _STEP)
            if (found := window.find(FRAME_MAGIC)) >= 0:
                return at + found
            if len(window) < _STEP:
                break
            at += len(window) - len(FRAME_MAGIC) + 1
        return self._size

    def _read(self, at: int, length: int) -> bytes:
        self._file.seek(at)
        return self._file.read(length)
