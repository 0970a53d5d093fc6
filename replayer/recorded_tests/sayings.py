"""What a request says, with variables in it, as a test says it: texts, JSON, forms, files, raw bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl

import orjson

from recorder.exchange import Body, Exchange, header

from .script import Joined, OutsideAnswer, Ref, Secret, Text, Upload

_MARK = re.compile(r"zqVAR(\d{4})qz")
MAX_RAW = 16 * 1024
"""Bytes of a request body that is not taken apart; a longer one makes no readable test."""


class Unwritable(Exception):
    """A request that no test can make as it was; the message says why."""


def mark_of(number: int) -> str:
    """What stands in a request for the variable of this number, until `text_of` puts it there."""
    return f"zqVAR{number:04d}qz"


def text_of(text: str, texts: Mapping[int, Ref | Secret]) -> Text:
    parts: list[str | Ref | Secret] = []
    position = 0
    for match in _MARK.finditer(text):
        if match.start() > position:
            parts.append(text[position : match.start()])
        parts.append(texts[int(match[1])])
        position = match.end()
    if not parts:
        return text
    if position < len(text):
        parts.append(text[position:])
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], str) else Joined(tuple(parts))


def _value(value: object, texts: Mapping[int, Ref | Secret]) -> object:
    if isinstance(value, str):
        return text_of(value, texts)
    if isinstance(value, dict):
        return {key: _value(child, texts) for key, child in value.items()}
    if isinstance(value, list):
        return [_value(child, texts) for child in value]
    return value


def body_of(
    body: Body, headers: Sequence[tuple[str, str]], texts: Mapping[int, Ref | Secret], exchange: Exchange
) -> tuple[str, object, str]:
    """(kind, body, media type)."""
    if not body.data:
        return "", None, ""
    content_type = header(tuple(headers), "content-type")
    media = content_type.partition(";")[0].strip().lower()
    if header(tuple(headers), "content-encoding"):
        raise Unwritable("the request's body has a content coding")
    if media == "application/json":
        try:
            return "json", _value(orjson.loads(body.data), texts), ""
        except orjson.JSONDecodeError:
            pass
    elif media == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.data.decode("latin-1"), keep_blank_values=True)
        if len({name for name, _ in pairs}) == len(pairs) > 0:
            return "form", {name: text_of(value, texts) for name, value in pairs}, ""
    elif media == "multipart/form-data":
        parts = _multipart(body.data, content_type, texts)
        if parts is not None:
            return "multipart", parts, "multipart/form-data"
    if len(body.data) > MAX_RAW:
        raise Unwritable(f"the request's body is {media or 'of no type'} and has {len(body.data)} bytes")
    if _MARK.search(body.data.decode("latin-1")):
        raise Unwritable(f"the request's body is {media or 'of no type'} and holds a value of an earlier answer")
    return "raw", body.data, content_type


def _multipart(data: bytes, content_type: str, texts: Mapping[int, Ref | Secret]) -> dict[str, object] | None:
    match = re.search(r'boundary="?([^";,]+)"?', content_type, re.I)
    if match is None:
        return None
    found: dict[str, object] = {}
    for piece in data.split(b"--" + match[1].encode("latin-1"))[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace")
        name = re.search(r'\bname="([^"]*)"', lines)
        filename = re.search(r'\bfilename="([^"]*)"', lines)
        kind = re.search(r"content-type:\s*(\S+)", lines, re.I)
        content = content.removesuffix(b"\r\n")
        if name is None or name[1] in found or len(content) > MAX_RAW:
            return None
        if filename is not None:
            found[name[1]] = Upload(content, filename[1], kind[1] if kind else "application/octet-stream")
        else:
            found[name[1]] = text_of(content.decode("utf-8", "replace"), texts)
    return found


def outside_answers(exchange: Exchange) -> Iterator[OutsideAnswer]:
    for call in exchange.outbound or ():
        response = call.response
        if response is None:
            yield OutsideAnswer(call.request.method, call.request.target, 0, "", b"")
            continue
        try:
            response.body.data.decode()
        except UnicodeDecodeError:
            raise Unwritable("another system answered with bytes that are no text") from None
        media = header(response.headers, "content-type")
        yield OutsideAnswer(call.request.method, call.request.target, response.status, media, response.body.data)
