"""The wire format, in one place for those who read or write it.

`payload.py` lays out one exchange or report, `frames.py` makes it a frame of a file, `spool.py` reads files back. A
change that an older reader cannot follow raises `FORMAT_VERSION` and brings a converter from the version before it;
one saved file of each version is kept with the tests.
"""

from __future__ import annotations

from .frames import FORMAT_VERSION, FrameKind, Header, file_head, frame
from .payload import WireError, decode_exchange, decode_report, encode_exchange, encode_report
from .spool import SUFFIX, Damage, read_header, read_spool, read_spool_file, spool_files

__all__ = [
    "FORMAT_VERSION",
    "SUFFIX",
    "Damage",
    "FrameKind",
    "Header",
    "WireError",
    "decode_exchange",
    "decode_report",
    "encode_exchange",
    "encode_report",
    "file_head",
    "frame",
    "read_header",
    "read_spool",
    "read_spool_file",
    "spool_files",
]
