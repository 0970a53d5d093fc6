"""A response's body as something that can be compared: by what it is, not by what it says it is."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, replace
from enum import Enum
from urllib.parse import parse_qsl

from recorder.exchange import BodyState, RecordedResponse, header

from .json_text import NotJson, TooDeep, parse_json
from .markup import card_value, xml_value
from .media import Undecodable, charset, decode_body, media_type
from .page import page_tree


class Form(Enum):
    """What a body turned out to be."""

    EMPTY = "empty"
    JSON = "json"
    LINES = "json lines"
    FORM = "form"
    TABLE = "csv"
    PAGE = "html"
    MARKUP = "markup"
    TEXT = "text"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A body as a JSON-like value below `root`.

    Binary bodies are {"size", "digest"}. `problem` says why a body is not what its content type says; `oddities` are
    what clients may trip over (repeated keys, another charset than is said); `columns` are a table's, in order.
    """

    form: Form
    value: object = None
    root: str = "$"
    problem: str = ""
    oddities: str = ""
    columns: tuple[str, ...] = ()


MAX_ROWS = 200_000
"""Rows of a table or lines of a text that are taken apart; a longer one is compared as a digest."""

_LAST_RESORT = "latin-1"
"""A charset in which everything can be read, if not what was meant."""

_EMPTY = Parsed(Form.EMPTY)
_LINES_TYPES = frozenset(
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/json-seq",
    ]
)
_CARDS = frozenset(["text/calendar", "text/vcard", "text/x-vcard", "text/x-vcalendar"])


def comparable(response: RecordedResponse) -> Parsed:
    """The response's body, decoded and parsed within bounds. Never raises on what a server may send."""
    content_type = header(response.headers, "content-type")
    try:
        data = decode_body(response)
    except Undecodable as error:
        problem = "" if not response.body.complete else f"content coding: {error}"
        return _binary(response.body.data, response, problem=problem)
    if not data:
        if response.body.state is BodyState.OPAQUE:
            return _binary(data, response)
        return _EMPTY
    return _parse(data, media_type(content_type), charset(content_type), response)


def _parse(data: bytes, media: str, coding: str, response: RecordedResponse) -> Parsed:
    if media in _LINES_TYPES:
        return _json_lines(data, response)
    says_json = media == "application/json" or media.endswith("+json") or media == "text/json"
    head = data[:256].lstrip()[:1]
    if says_json or head in (b"{", b"["):
        try:
            value, oddities = parse_json(data)
        except TooDeep as error:
            return _binary(data, response, form=Form.JSON, oddities=str(error))
        except NotJson:
            if says_json and response.body.complete:
                lines = _json_lines(data, response)
                # Streams of documents are often served as plain JSON. Where the parser stopped is no change by itself.
                if not lines.problem:
                    return lines
                return _not_what_it_says(data, coding, response, f"says {media}, is not JSON")
        else:
            return Parsed(Form.JSON, value, oddities=oddities)
    return _by_type(data, media, coding, response)


def _not_what_it_says(data: bytes, coding: str, response: RecordedResponse, problem: str) -> Parsed:
    looks_like_page = data[:512].lstrip()[:1] == b"<"
    actual = _by_type(data, "text/html" if looks_like_page else "text/plain", coding, response)
    return Parsed(actual.form, actual.value, actual.root, problem)


def _by_type(data: bytes, media: str, coding: str, response: RecordedResponse) -> Parsed:
    if media == "application/x-www-form-urlencoded":
        return _form(data)
    textual = media.startswith("text/") or media.endswith(("xml", "javascript")) or not media
    if not textual:
        return _binary(data, response)
    text, spelled = _text(data, coding)
    if text is None:
        problem = "" if not media else f"says {media}, is not text"
        return _binary(data, response, problem=problem)
    parsed = _of_text(text, media, data, response)
    expected = coding or "utf-8"
    if media and response.body.complete and spelled == _LAST_RESORT != expected and not parsed.oddities:
        return replace(parsed, oddities=f"not {expected}")
    return parsed


def _of_text(text: str, media: str, data: bytes, response: RecordedResponse) -> Parsed:
    if media == "text/html" or media == "application/xhtml+xml":
        try:
            return Parsed(Form.PAGE, page_tree(text), root="$html")
        except ValueError as error:
            return replace(_plain(text), problem=str(error))
    if media in _CARDS or media.endswith("xml"):
        try:
            return Parsed(Form.MARKUP, card_value(text) if media in _CARDS else xml_value(text))
        except ValueError:
            pass  # where it is broken, its lines can still be compared
    if media in ("text/csv", "text/tab-separated-values"):
        return _table(text, "\t" if media.endswith("values") else "")
    if text.count("\n") > MAX_ROWS:
        return _binary(data, response, form=Form.TEXT)
    return _plain(text)


def _plain(text: str) -> Parsed:
    return Parsed(Form.TEXT, [*text.split("\n")] if "\n" in text else text, root="$text")


def _text(data: bytes, coding: str) -> tuple[str | None, str]:
    """The text, and the charset that it could be read in; no text where it is none."""
    if b"\0" in data[:4096]:
        return None, ""
    for candidate in (coding, "utf-8", _LAST_RESORT):
        try:
            if candidate:
                return data.decode(candidate), candidate
        except (LookupError, ValueError):
            continue
    return None, ""


def _binary(
    data: bytes, response: RecordedResponse, *, form: Form = Form.BINARY, problem: str = "", oddities: str = ""
) -> Parsed:
    body = response.body
    digest = body.digest or hashlib.sha256(data).hexdigest()[:16]
    return Parsed(form, {"size": body.size, "digest": digest}, problem=problem, oddities=oddities)


def _json_lines(data: bytes, response: RecordedResponse) -> Parsed:
    rows: list[object] = []
    lines = [line for line in data.split(b"\n") if line.strip(b" \t\r\x1e")]
    if len(lines) > MAX_ROWS:
        return _binary(data, response, form=Form.LINES)
    for line in lines:
        try:
            rows.append(parse_json(line.strip(b" \t\r\x1e"))[0])
        except (NotJson, TooDeep) as error:
            if response.body.complete:
                return _not_what_it_says(data, "", response, f"says JSON lines, line {len(rows) + 1} is not ({error})")
    return Parsed(Form.LINES, rows)


def _form(data: bytes) -> Parsed:
    try:
        pairs = parse_qsl(data.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="surrogateescape")
    except ValueError:
        return _plain(data.decode("latin-1"))
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return Parsed(Form.FORM, {name: values[0] if len(values) == 1 else values for name, values in fields.items()})


def _table(text: str, delimiter: str) -> Parsed:
    """Rows as objects by column name; a row longer than the header keeps its cells under `column <n>`."""
    first = text.partition("\n")[0]
    delimiter = delimiter or (";" if first.count(";") > first.count(",") else ",")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return _plain(text)
    if not rows or len(rows) > MAX_ROWS:
        return _plain(text)
    columns = _unique(rows[0])
    table: list[object] = []
    for row in rows[1:]:
        if row:
            names = (
                columns
                if len(row) <= len(columns)
                else [*columns, *(f"column {n}" for n in range(len(columns) + 1, len(row) + 1))]
            )
            table.append(dict(zip(names, row, strict=False)))
    return Parsed(Form.TABLE, table, columns=tuple(columns))


def _unique(names: list[str]) -> list[str]:
    """Column names, each once: a second `price` is `price 2`."""
    taken: set[str] = set()
    counts: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        unique = name
        while unique in taken:
            counts[name] = counts.get(name, 1) + 1
            unique = f"{name} {counts[name]}"
        taken.add(unique)
        found.append(unique)
    return found
