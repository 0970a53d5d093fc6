"""Content codings (RFC 9110 §8.4): a body taken out of them within bounds, and put back the same way.

`gzip` and `deflate` always; `br` and `zstd` when a library for them is importable. Decoding stops at
`MAXIMUM_DECODED` bytes, so that a bomb costs no more than that.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from .atoms import Unreadable

MAXIMUM_DECODED = 8 * 1024 * 1024  # bytes; a body's default cap is 1 MiB, and JSON compresses to an eighth
_MAXIMUM_CODINGS = 4  # applied one over the other; no honest server goes beyond two
_ZSTD_WINDOW = 8 * 1024 * 1024  # bytes a decoder must support, RFC 8878 §3.1.1.1.2
_BROTLI_STEP = 64  # bytes fed at once where the library cannot bound its output
_PLAIN = ("", "identity", "utf-8", "utf8", "aws-chunked")  # the last three are said by mistake, and code nothing


@dataclass(frozen=True, slots=True)
class Coding:
    """One coding as this body used it."""

    encode: Callable[[bytes], bytes]


def decode(data: bytes, content_encoding: str, *, cut: bool) -> tuple[bytes, tuple[Coding, ...]]:
    """The content and the codings to put it back into, innermost first.

    With `cut`, `data` is the beginning of a body, and what is there is decoded. Raises `Unreadable` for an unknown
    coding, one whose library is missing, damaged data, and content beyond `MAXIMUM_DECODED`.
    """
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in _PLAIN]
    if not data or not names:
        return data, ()
    if len(names) > _MAXIMUM_CODINGS:
        raise Unreadable("too many content codings, one over the other")
    codings = []
    for name in reversed(names):
        decoder = _DECODERS.get(name)
        if decoder is None:
            raise Unreadable("an unknown content coding")
        data, coding = decoder(data, cut)
        codings.append(coding)
    return data, tuple(reversed(codings))


def encode(data: bytes, codings: tuple[Coding, ...]) -> bytes:
    """The content put back into the codings that `decode` took it out of."""
    for coding in codings:
        data = coding.encode(data)
    return data


def _gunzip(data: bytes, cut: bool) -> tuple[bytes, Coding]:
    content, rest = b"", data
    while rest[:2] == b"\x1f\x8b" or not content:
        piece, rest, ended = _inflate(rest, zlib.MAX_WBITS | 16, MAXIMUM_DECODED - len(content))
        content += piece
        if not ended:
            _expect(cut, "a gzip body without its end")
            return content, _GZIP
        if not rest:
            break
    _expect(not rest.strip(b"\0"), "bytes after the end of a gzip body")
    return content, _GZIP


def _undeflate(data: bytes, cut: bool) -> tuple[bytes, Coding]:
    """zlib's format as the RFC says, or the raw stream that some send instead."""
    for wbits, coding in ((zlib.MAX_WBITS, _ZLIB), (-zlib.MAX_WBITS, _RAW_DEFLATE)):
        try:
            content, rest, ended = _inflate(data, wbits, MAXIMUM_DECODED)
        except Unreadable:
            continue
        if (ended or cut) and not rest:
            return content, coding
    raise Unreadable("a deflate body that is not one")


def _inflate(data: bytes, wbits: int, limit: int) -> tuple[bytes, bytes, bool]:
    """Content, what follows the stream's end, and whether that end was there."""
    stream = zlib.decompressobj(wbits)
    try:
        content = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise Unreadable("damaged compressed data") from error
    _expect(len(content) <= limit, "content beyond the bound")
    return content, stream.unused_data, stream.eof


def _unbrotli(data: bytes, cut: bool) -> tuple[bytes, Coding]:
    library = _library("brotli", "brotlicffi")
    try:
        content, ended = _brotli_content(library, data)
    except library.error as error:
        raise Unreadable("damaged brotli data") from error
    _expect(ended or cut, "a brotli body without its end")
    return content, Coding(lambda content: bytes(library.compress(content, quality=5)))


def _brotli_content(library: ModuleType, data: bytes) -> tuple[bytes, bool]:
    stream, content = library.Decompressor(), bytearray()
    for at in range(0, len(data), _BROTLI_STEP):
        if stream.is_finished():
            raise Unreadable("bytes after the end of a brotli body")
        try:
            content += stream.process(data[at : at + _BROTLI_STEP], output_buffer_limit=MAXIMUM_DECODED + 1)
            while hasattr(stream, "can_accept_more_data") and not stream.can_accept_more_data():
                _expect(len(content) <= MAXIMUM_DECODED, "content beyond the bound")
                content += stream.process(b"", output_buffer_limit=MAXIMUM_DECODED + 1)
        except TypeError:  # a version that knows no limit
            content += stream.process(data[at : at + _BROTLI_STEP])
        _expect(len(content) <= MAXIMUM_DECODED, "content beyond the bound")
    return bytes(content), bool(stream.is_finished())


def _unzstd(data: bytes, cut: bool) -> tuple[bytes, Coding]:
    library = _library("zstandard")
    try:
        reader = library.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).stream_reader(
            io.BytesIO(data), read_across_frames=True
        )
        content = bytes(reader.read(MAXIMUM_DECODED + 1))
    except library.ZstdError as error:
        raise Unreadable("damaged zstd data") from error
    _expect(len(content) <= MAXIMUM_DECODED, "content beyond the bound")
    return content, Coding(lambda content: bytes(library.ZstdCompressor(level=3).compress(content)))


def _library(*names: str) -> ModuleType:
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise Unreadable(f"no library for this content coding: {' or '.join(names)}")


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Unreadable(otherwise)


def _deflate_raw(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()


_GZIP = Coding(lambda content: gzip.compress(content, compresslevel=6, mtime=0))
_ZLIB = Coding(zlib.compress)
_RAW_DEFLATE = Coding(_deflate_raw)

_DECODERS: dict[str, Callable[[bytes, bool], tuple[bytes, Coding]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
