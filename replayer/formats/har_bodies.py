"""The bytes that a HAR's texts stand for.

A HAR holds bodies as text: decoded from their charset and content coding, sometimes cut, sometimes left out, and of
uploads sometimes only the form's fields. What cannot be had back for certain is marked as truncated, never made up.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import quote_plus

from recorder.exchange import Body, BodyState, Headers, header

from .har_fields import HarObject

_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
_BOUNDARY = re.compile(r";\s*boundary\s*=\s*(?:\"([^\"]+)\"|([^\s;]+))", re.IGNORECASE)


def response_body(content: HarObject) -> Body:
    """The body that `content` describes, without its content coding."""
    size = max(content.whole("size", 0), 0)
    if not content.has("text"):
        return missing(size) if size else Body()
    text = content.text("text")
    data = _decoded(content, text, content.text("mimeType", ""))
    if "�" in text and content.text("encoding", "") != "base64" and size and len(data) != size:
        return missing(size)  # bytes that are not text have been replaced: which ones, nobody can tell
    if len(data) < size:
        return Body(data, size, BodyState.TRUNCATED)
    return Body.of(data)


def request_body(request: HarObject, headers: Headers) -> Body:
    """The body that `postData` describes, or its absence."""
    declared = declared_length(headers)
    if not request.has("postData"):
        size = max(request.whole("bodySize", 0), 0) or declared or 0
        return missing(size) if size else Body()
    posted = request.object("postData")
    declared = max(posted.whole("_size", 0), 0) or declared
    media_type = posted.text("mimeType", "") or header(headers, "content-type")
    if posted.text("text", ""):
        return _posted_text(posted, media_type, declared)
    fields = posted.objects("params")
    if not fields:
        return missing(declared) if declared else Body()
    data = _multipart(fields, media_type) if "multipart/" in media_type.lower() else _form(fields)
    return missing(declared or 1) if data is None else Body.of(data)


def missing(size: int) -> Body:
    """A body of which nothing was kept."""
    return Body(b"", size, BodyState.TRUNCATED)


def declared_length(headers: Headers) -> int | None:
    """What Content-Length says; None when it says nothing that can be used."""
    text = header(headers, "content-length").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _decoded(holder: HarObject, text: str, media_type: str) -> bytes:
    if (holder.text("encoding", "") or holder.text("_encoding", "")).lower() != "base64":
        return _encoded(text, media_type)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        holder.wrong("text", "base64, as its encoding says")


def _encoded(text: str, media_type: str) -> bytes:
    """The text in the charset that its media type names, or else in UTF-8."""
    match = _CHARSET.search(media_type)
    try:
        return text.encode(match[1] if match else "utf-8")
    except (LookupError, UnicodeError, ValueError):
        return text.encode("utf-8", "surrogatepass")


def _posted_text(posted: HarObject, media_type: str, declared: int | None) -> Body:
    """A request's text; some tools write its bytes as characters: the length that was declared tells."""
    text = posted.text("text")
    data = _decoded(posted, text, media_type)
    if declared is None or len(data) == declared:
        return Body.of(data)
    try:
        as_bytes = text.encode("latin-1")
    except UnicodeError:
        as_bytes = b""
    if len(as_bytes) == declared:
        return Body.of(as_bytes)
    if len(data) < declared:
        return Body(data, declared, BodyState.TRUNCATED)
    return missing(declared) if "�" in text else Body.of(data)


def _form(fields: list[HarObject]) -> bytes:
    pairs = ((field.text("name"), field.text("value", "")) for field in fields)
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs).encode("ascii")


def _quoted(text: str) -> str:
    return quote_plus(text, errors="surrogatepass")


def _multipart(fields: list[HarObject], media_type: str) -> bytes | None:
    """The form as its fields describe it; None when a file's content or the boundary is not there."""
    match = _BOUNDARY.search(media_type)
    if match is None:
        return None
    parts = []
    for field in fields:
        if not field.has("value"):
            return None
        name = field.text("name").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = f'Content-Disposition: form-data; name="{name}"'
        if field.text("fileName", ""):
            return None  # what stands in `value` is at best a preview of the file
        if field.text("contentType", ""):
            head += f"\r\nContent-Type: {field.text('contentType')}"
        parts.append(f"--{match[1] or match[2]}\r\n{head}\r\n\r\n{field.text('value')}\r\n")
    return ("".join(parts) + f"--{match[1] or match[2]}--\r\n").encode("utf-8", "surrogatepass")
