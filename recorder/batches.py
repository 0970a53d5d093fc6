"""A batch: a spool file of one producer's frames that travels by itself, compressed.

Its bytes are `file_head(header) + frames`, so that it stands for itself and everything that holds for spool files holds
for it: key, service and release are told, frames are checked, what is torn or unknown is passed over and reported.

    Redis   one stream entry: `v` = VERSION, `e` = encoding, `d` = data, `n` = exchanges in it
    HTTP    POST, Content-Type MEDIA_TYPE, Content-Encoding = encoding, body = data, Authorization: Bearer <token>
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from .exchange import Exchange, ProducerReport
from .frames import FRAME_HEAD, FrameKind, Header, file_head
from .payload import WireError
from .spool import Damage, header_in, items_in

VERSION = "1"
MEDIA_TYPE = "application/x-understudy-batch"
ENCODINGS = ("identity", "zlib", "zstd")
_LEVEL = 1  # of zlib and zstd alike: what is left to gain costs several times the CPU
_WORTH_IT = 0.95  # of its size: bodies that came compressed gain nothing, and the head of the file always does


class BatchTooLarge(WireError):
    """A batch that is larger than whoever reads it takes; its halves may not be."""


def pack_batch(header: Header, frames: Sequence[bytes]) -> tuple[str, bytes]:
    """(encoding, data): "zstd" where its library is, else "zlib", and "identity" where that gains next to nothing."""
    plain = b"".join((file_head(header), *frames))
    library = _zstandard()
    if library is not None:
        encoding, data = "zstd", bytes(library.ZstdCompressor(level=_LEVEL).compress(plain))
    else:
        encoding, data = "zlib", zlib.compress(plain, _LEVEL)
    return (encoding, data) if len(data) < len(plain) * _WORTH_IT else ("identity", plain)


def unpack_batch(encoding: str, data: bytes, limit: int) -> bytes:
    """The bytes of the spool file that a batch is.

    Raises `WireError` for an encoding that is unknown or needs a library that is missing and for damaged data, and
    `BatchTooLarge` for what is larger than `limit` bytes: no more than that is ever unpacked.
    """
    if encoding == "identity":
        plain = data
    elif encoding == "zlib":
        plain = _inflated(data, limit)
    elif encoding == "zstd":
        plain = _unzstd(data, limit)
    else:
        raise WireError(f"a batch in an unknown encoding: {encoding[:40]!r}; expected one of {', '.join(ENCODINGS)}")
    if len(plain) > limit:
        raise BatchTooLarge(_too_large(limit))
    return plain


def read_batch(data: bytes, name: str) -> Iterator[Exchange | ProducerReport | Damage]:
    """What an unpacked batch holds, in the order in which it was written; `name` is the path in reported damage."""
    yield from items_in(io.BytesIO(data), Path(name))


def read_batch_header(data: bytes) -> Header | None:
    """Who wrote an unpacked batch; None when neither copy of its header can be read."""
    return header_in(io.BytesIO(data), Path())


def exchanges_among(frames: Sequence[bytes]) -> int:
    """How many of these whole frames are exchanges: the `n` of a stream entry."""
    return sum(FRAME_HEAD.unpack_from(frame)[2] == FrameKind.EXCHANGE for frame in frames)


def _zstandard() -> ModuleType | None:
    try:
        return import_module("zstandard")
    except ImportError:
        return None


def _inflated(data: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise WireError(f"a damaged batch: {error}") from error
    if len(plain) <= limit and (not stream.eof or stream.unused_data):
        raise WireError("a damaged batch: its compressed data does not end where it should")
    return plain


def _unzstd(data: bytes, limit: int) -> bytes:
    library = _zstandard()
    if library is None:
        raise WireError("a batch in zstd, and the library zstandard is not installed")
    try:
        declared = library.frame_content_size(data)  # -1: not told
        if declared > limit:
            raise BatchTooLarge(_too_large(limit))
        decompressor = library.ZstdDecompressor()
        return bytes(decompressor.decompress(data, max_output_size=limit, allow_extra_data=False))
    except library.ZstdError as error:
        raise WireError(f"a damaged batch, or one that is larger than {limit} bytes: {error}") from error


def _too_large(limit: int) -> str:
    return f"a batch of more than {limit} bytes"
