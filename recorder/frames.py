"""The frames of wire format version 1: a spool file is a header and frames, each of which stands for itself.

    file    MAGIC (8 bytes), version u16, then frames; the first two are one header, written twice
    frame   FRAME_MAGIC (4), stamp u32, kind u8, length u32, crc u32, payload

`stamp` belongs to one producer, so that a recorded body that happens to be a spool file itself is never taken for
frames of the file that holds it. `crc` is the CRC-32 of stamp, kind, length and payload. The header stands there
twice because without it no frame of the file could be trusted. A reader skips frames of a kind it does not know.
Integers are little-endian.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import asdict, dataclass
from enum import IntEnum

from .payload import WireError

FORMAT_VERSION = 1
MAGIC = b"\x89UNDSTY\n"
FRAME_MAGIC = b"\xf7US\x1a"
FILE_START = struct.Struct("<8sH")
FRAME_HEAD = struct.Struct("<4sIBII")
_CHECKED = struct.Struct("<IBI")


class FrameKind(IntEnum):
    """What a frame's payload is."""

    HEADER = 1
    EXCHANGE = 2
    REPORT = 3


@dataclass(frozen=True, slots=True)
class Header:
    """Who wrote a spool file, and with which key its pseudonyms were made."""

    key_id: str
    service: str
    release: str
    producer: str
    pid: int
    started: float  # seconds since the epoch

    @property
    def stamp(self) -> int:
        """What every frame of this producer carries."""
        return zlib.crc32(self.producer.encode("utf-8", "surrogatepass"))

    def encode(self) -> bytes:
        """The header as the payload of a frame."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Header:
        """The header that `encode` wrote; names that a later writer added are passed over."""
        try:
            found = json.loads(payload)
            return cls(
                key_id=str(found["key_id"]),
                service=str(found["service"]),
                release=str(found["release"]),
                producer=str(found["producer"]),
                pid=int(found["pid"]),
                started=float(found["started"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise WireError(f"not a header: {error}") from error


def checksum(stamp: int, kind: int, payload: bytes) -> int:
    """The CRC-32 that a frame carries."""
    return zlib.crc32(payload, zlib.crc32(_CHECKED.pack(stamp, kind, len(payload))))


def frame(kind: FrameKind, payload: bytes, stamp: int) -> bytes:
    """A payload as it stands in a file or a stream."""
    head = FRAME_HEAD.pack(FRAME_MAGIC, stamp, kind, len(payload), checksum(stamp, kind, payload))
    return head + payload


def file_head(header: Header) -> bytes:
    """What every spool file begins with."""
    once = frame(FrameKind.HEADER, header.encode(), header.stamp)
    return FILE_START.pack(MAGIC, FORMAT_VERSION) + once + once
