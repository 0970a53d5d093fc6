"""What a body is: its content coding undone within bounds, and its media type read."""

from __future__ import annotations

import zlib

from recorder.exchange import RecordedResponse, header

MAX_DECODED = 16 * 1024 * 1024
"""Bytes after decoding: 16 times the recorder's default cap; what is larger is compared by its coded bytes."""


class Undecodable(ValueError):
    """The body can not be decoded within bounds: broken, a bomb, or a coding that is not known here."""


def media_type(content_type: str) -> str:
    """`application/json` of `Application/JSON; charset=utf-8`; "" when there is none."""
    return content_type.partition(";")[0].strip().lower()


def charset(content_type: str) -> str:
    """The charset parameter in lower case, or ""."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


def decode_body(response: RecordedResponse) -> bytes:
    """The body with every content coding undone. Raises Undecodable."""
    data = response.body.data
    codings = [c.strip().lower() for c in header(response.headers, "content-encoding").split(",") if c.strip()]
    if not data or len(codings) > 3:
        if data:
            raise Undecodable("more than three content codings")
        return data
    for coding in reversed(codings):
        data = _decode(coding, data)
    return data


def _decode(coding: str, data: bytes) -> bytes:
    if coding == "identity":
        return data
    if coding in ("gzip", "x-gzip"):
        return _inflate(data, 31)
    if coding == "deflate":
        try:
            return _inflate(data, 15)
        except Undecodable:
            return _inflate(data, -15)
    if coding == "br":
        return _brotli(data)
    if coding == "zstd":
        return _zstd(data)
    raise Undecodable(f"unknown content coding {coding[:20]!r}")


def _inflate(data: bytes, window: int) -> bytes:
    plain = b""
    while data:  # a gzip body may have several members
        inflater = zlib.decompressobj(window)
        try:
            plain += inflater.decompress(data, MAX_DECODED + 1 - len(plain))
        except zlib.error as error:
            raise Undecodable(str(error)) from None
        if len(plain) > MAX_DECODED:
            raise Undecodable(f"more than {MAX_DECODED} bytes after decoding")
        if not inflater.eof:
            raise Undecodable("ends before its end mark")
        data = inflater.unused_data if window == 31 else b""
    return plain


def _brotli(data: bytes) -> bytes:
    try:
        import brotli
    except ImportError:
        raise Undecodable("brotli is not installed") from None
    decoder = brotli.Decompressor()
    pieces: list[bytes] = []
    size = 0
    try:
        for start in range(0, len(data), 1024):  # in steps: one step of a bomb stays within megabytes
            piece = decoder.process(data[start : start + 1024])
            size += len(piece)
            if size > MAX_DECODED:
                raise Undecodable(f"more than {MAX_DECODED} bytes after decoding")
            pieces.append(piece)
        if not decoder.is_finished():
            raise Undecodable("ends before its end mark")
    except brotli.error as error:
        raise Undecodable(str(error) or "broken brotli") from None
    return b"".join(pieces)


def _zstd(data: bytes) -> bytes:
    try:
        import zstandard
    except ImportError:
        raise Undecodable("zstandard is not installed") from None
    try:
        with zstandard.ZstdDecompressor(max_window_size=MAX_DECODED).stream_reader(data) as reader:
            plain: bytes = reader.read(MAX_DECODED + 1)
    except zstandard.ZstdError as error:
        raise Undecodable(str(error)) from None
    if len(plain) > MAX_DECODED:
        raise Undecodable(f"more than {MAX_DECODED} bytes after decoding")
    return plain
