"""Where each scalar of a request stands in its raw bytes, so that a value can be replaced and nothing else moves.

The request is cut into *slots*: a slot knows its decoded text, its place in the target, in a header or in the body,
and how a replacement is encoded there. Everything between the slots is sent as it was recorded.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote, quote_plus, unquote_to_bytes

from recorder.exchange import Body, Headers, RecordedRequest, header

MAX_BODY = 4 * 1024 * 1024
"""Bytes: a larger request body is sent as recorded, without looking for values in it."""


class Part(Enum):
    """Which piece of the request a slot is cut from."""

    TARGET = "target"
    HEADER = "header"
    BODY = "body"


class Encoding(Enum):
    """How a slot's text is written."""

    RAW = "raw"
    PERCENT = "percent"  # a path segment
    FORM = "form"  # a query or form value: plus signs are spaces
    JSON_STRING = "json string"
    JSON_NUMBER = "json number"


@dataclass(frozen=True, slots=True)
class Slot:
    """One scalar: its location within the request (`path[2]`, `query.page`, `cookie.sid`, `$.items[0].id`)."""

    part: Part
    index: int  # which header, for a header
    start: int
    end: int
    encoding: Encoding
    location: str
    text: str


_SKIPPED_HEADERS = frozenset(
    "host connection keep-alive user-agent accept accept-encoding accept-language accept-charset content-length"
    " content-type content-encoding transfer-encoding te trailer upgrade date via forwarded x-forwarded-for"
    " x-forwarded-proto x-forwarded-host x-forwarded-port x-real-ip cache-control pragma dnt expect range origin"
    " if-modified-since if-unmodified-since sec-fetch-site sec-fetch-mode sec-fetch-dest sec-fetch-user".split()
)
_JSON_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?P<word>true|false|null)|(?P<mark>[{}\[\],:]))',
    re.S,
)
_INTEGER = re.compile(r"-?\d{1,18}")


def _unquote(text: str, plus: bool) -> str:
    raw = unquote_to_bytes(text.replace("+", " ") if plus else text)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def slots(request: RecordedRequest, route: str) -> tuple[Slot, ...]:
    """Every slot of a request, in the order of the bytes of each part."""
    return (*_target_slots(request.target, route), *_header_slots(request.headers), *_body_slots(request))


def _target_slots(target: str, route: str) -> Iterator[Slot]:
    start = 0
    if "://" in target.partition("?")[0]:
        start = target.index("://") + 3
        slash = target.find("/", start)
        start = slash if slash >= 0 else len(target)
    path_end = target.find("?", start)
    path_end = len(target) if path_end < 0 else path_end
    template = [segment for segment in route.split("/") if segment]
    position, index, rest = start, 0, False
    for segment in target[start:path_end].split("/"):
        if segment:
            literal = template[index] if index < len(template) else None
            rest = rest or (literal is not None and literal.startswith("<path:"))
            if rest or literal != segment:
                first, last = (0, len(segment)) if rest or literal is None else _variable_part(segment, literal)
                text = _unquote(segment[first:last], plus=False)
                where = f"path[{index}]"
                yield Slot(Part.TARGET, 0, position + first, position + last, Encoding.PERCENT, where, text)
            index += 1
        position += len(segment) + 1
    if path_end < len(target):
        yield from _pairs(target, path_end + 1, Part.TARGET, "query")


def _variable_part(segment: str, template: str) -> tuple[int, int]:
    """The span that a placeholder with literal text around it stands for: `17` of `17.pdf` in `<int:id>.pdf`."""
    match = re.fullmatch(r"([^<{]*)(?:<[^>]*>|\{[^}]*\})([^<{]*)", template)
    if match is None:
        return 0, len(segment)
    before, after = match.groups()
    if len(segment) <= len(before) + len(after) or not (segment.startswith(before) and segment.endswith(after)):
        return 0, len(segment)
    return len(before), len(segment) - len(after)


def _pairs(text: str, start: int, part: Part, kind: str) -> Iterator[Slot]:
    position = start
    for pair in text[start:].split("&"):
        name, equals, value = pair.partition("=")
        if equals and value:
            begin = position + len(name) + 1
            location = f"{kind}.{_unquote(name, plus=True)}"
            yield Slot(part, 0, begin, begin + len(value), Encoding.FORM, location, _unquote(value, plus=True))
        position += len(pair) + 1


def _header_slots(headers: Headers) -> Iterator[Slot]:
    for index, (name, value) in enumerate(headers):
        lowered = name.lower()
        if lowered == "cookie":
            position = 0
            for pair in value.split(";"):
                key, equals, text = pair.partition("=")
                stripped = text.strip().strip('"')
                if equals and stripped:
                    begin = position + len(key) + 1 + text.index(stripped)
                    yield Slot(
                        Part.HEADER,
                        index,
                        begin,
                        begin + len(stripped),
                        Encoding.RAW,
                        f"cookie.{key.strip()}",
                        stripped,
                    )
                position += len(pair) + 1
        elif lowered not in _SKIPPED_HEADERS and value:
            yield Slot(Part.HEADER, index, 0, len(value), Encoding.RAW, f"header.{lowered}", value)


def _body_slots(request: RecordedRequest) -> Iterator[Slot]:
    body = request.body
    if not body.data or not body.complete or len(body.data) > MAX_BODY:
        return
    text = body_text(request)
    if text is None:
        return
    media = header(request.headers, "content-type").partition(";")[0].strip().lower()
    if media == "application/x-www-form-urlencoded":
        yield from _pairs(text, 0, Part.BODY, "form")
    elif media == "multipart/form-data":
        yield from _multipart_slots(text, header(request.headers, "content-type"))
    elif text.lstrip()[:1] in ("{", "["):
        yield from json_slots(text)


def body_text(request: RecordedRequest) -> str | None:
    """The decoded text of a request's body, or None when it is no text or its coding is not one we can write again."""
    coding = header(request.headers, "content-encoding").strip().lower()
    data = request.body.data
    media = header(request.headers, "content-type").partition(";")[0].strip().lower()
    try:
        if coding == "gzip":
            inflater = zlib.decompressobj(31)
            data = inflater.decompress(data, MAX_BODY)
            if inflater.unconsumed_tail or not inflater.eof:
                return None
        elif coding not in ("", "identity"):
            return None
        return data.decode("latin-1" if media == "multipart/form-data" else "utf-8")
    except (zlib.error, UnicodeDecodeError):
        return None


def json_slots(text: str) -> Iterator[Slot]:
    """The string and number leaves of a JSON text with their spans; stops where the text stops being JSON."""
    position = 0
    stack: list[tuple[str, str | int]] = []  # (container mark, key or index)
    key: str | None = None
    expect_key = False
    while match := _JSON_TOKEN.match(text, position):
        position = match.end()
        mark = match["mark"]
        if mark is not None:
            if mark in "{[":
                stack.append((mark, 0))
                expect_key = mark == "{"
            elif mark in "}]":
                if not stack:
                    return
                stack.pop()
                expect_key = False
            elif mark == "," and stack:
                container, where = stack[-1]
                if container == "[" and isinstance(where, int):
                    stack[-1] = (container, where + 1)
                expect_key = container == "{"
            continue
        if expect_key:
            if match["string"] is None:
                return
            key = _json_string(match["string"])
            if key is None:
                return
            stack[-1] = ("{", key)
            expect_key = False
            continue
        if match["string"] is not None:
            decoded = _json_string(match["string"])
            if decoded:
                start, end = match.span("string")
                yield Slot(Part.BODY, 0, start, end, Encoding.JSON_STRING, _json_path(stack), decoded)
        elif match["number"] is not None and _INTEGER.fullmatch(match["number"]):
            start, end = match.span("number")
            yield Slot(Part.BODY, 0, start, end, Encoding.JSON_NUMBER, _json_path(stack), match["number"])


def _json_string(token: str) -> str | None:
    if "\\" not in token:
        return token[1:-1]
    try:
        value = json.loads(token, strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def _json_path(stack: list[tuple[str, str | int]]) -> str:
    return "$" + "".join(f".{where}" if mark == "{" else f"[{where}]" for mark, where in stack)


def _multipart_slots(text: str, content_type: str) -> Iterator[Slot]:
    match = re.search(r'boundary="?([^";,]+)"?', content_type, re.I)
    if not match:
        return
    delimiter = "--" + match[1]
    start = text.find(delimiter)
    while start >= 0:
        following = text.find(delimiter, start + len(delimiter))
        if following < 0:
            return
        head_end = text.find("\r\n\r\n", start, following)
        if head_end >= 0:
            head = text[start:head_end]
            name = re.search(r'\bname="([^"]*)"', head)
            value_end = following - 2
            if name and "filename" not in head and value_end > head_end + 4:
                value = text[head_end + 4 : value_end]
                if len(value) <= 4096:
                    yield Slot(Part.BODY, 0, head_end + 4, value_end, Encoding.RAW, f"form.{name[1]}", value)
        start = following


def _encode(slot: Slot, old: str, new: str) -> str:
    if slot.encoding is Encoding.PERCENT:
        return quote(new, safe="-._~!$&'()*+,;=:@")
    if slot.encoding is Encoding.FORM:
        return quote_plus(new, safe="-._~:@,") if "+" in old else quote(new, safe="-._~:@,")
    if slot.encoding is Encoding.JSON_STRING:
        return json.dumps(new, ensure_ascii=old.isascii())
    if slot.encoding is Encoding.JSON_NUMBER:
        return new if _INTEGER.fullmatch(new) else json.dumps(new)
    return new


def _splice(text: str, replacements: list[tuple[Slot, str]]) -> str:
    pieces: list[str] = []
    position = 0
    for slot, new in sorted(replacements, key=lambda item: item[0].start):
        pieces.append(text[position : slot.start])
        pieces.append(_encode(slot, text[slot.start : slot.end], new))
        position = slot.end
    pieces.append(text[position:])
    return "".join(pieces)


def substitute(request: RecordedRequest, replacements: Mapping[Slot, str]) -> RecordedRequest:
    """The request with new texts in the given slots. The body's `Content-Length` is the sender's to recompute."""
    if not replacements:
        return request
    target, headers, body = request.target, request.headers, request.body
    of_target = [(slot, new) for slot, new in replacements.items() if slot.part is Part.TARGET]
    if of_target:
        target = _splice(target, of_target)
    of_headers: dict[int, list[tuple[Slot, str]]] = {}
    for slot, new in replacements.items():
        if slot.part is Part.HEADER:
            of_headers.setdefault(slot.index, []).append((slot, new))
    if of_headers:
        headers = tuple(
            (name, _splice(value, of_headers[index])) if index in of_headers else (name, value)
            for index, (name, value) in enumerate(headers)
        )
    of_body = [(slot, new) for slot, new in replacements.items() if slot.part is Part.BODY]
    if of_body:
        text = body_text(request)
        if text is not None:
            media = header(request.headers, "content-type").partition(";")[0].strip().lower()
            data = _splice(text, of_body).encode("latin-1" if media == "multipart/form-data" else "utf-8", "replace")
            if header(request.headers, "content-encoding").strip().lower() == "gzip":
                data = gzip.compress(data, mtime=0)
            body = Body.of(data)
    return RecordedRequest(
        request.method, target, headers, body, request.scheme, request.protocol, request.target_exact
    )
