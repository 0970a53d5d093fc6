"""What a request says, value by value, so that two of the same operation can be told apart; and saying it anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..content_coding import decode
from ..exchange import Body, Headers, RecordedRequest, RecordedResponse, header

MAX_VALUES = 2_000
"""Values of one request that are looked at."""
_TELLING = 4  # characters from which a text is hardly anywhere by chance
_INSIDE = 6  # characters from which it is looked for inside of other texts
_KEYED = re.compile(r"idempoten", re.IGNORECASE)


def values_of(request: RecordedRequest) -> dict[str, str]:
    """Place -> value: segments of the path, parameters, fields of a JSON document or a form, the idempotency key."""
    try:
        parts = urlsplit(request.target)
        said = {f"path[{n}]": unquote(segment) for n, segment in enumerate(parts.path.split("/")) if segment}
        asked = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        said, asked = {}, []
    for name, value in asked:
        said[f"query.{name}"] = value
    for name, value in request.headers:
        if _KEYED.search(name):
            said[f"header.{name.lower()}"] = value
    body = request.body.data
    if body and request.body.complete:
        if body[:1] in (b"{", b"["):
            try:
                document = json.loads(body)
            except ValueError:
                document = None
            for place, value in _leaves(document, "$"):
                if len(said) >= MAX_VALUES:
                    break
                said[place] = value
        elif "form-urlencoded" in header(request.headers, "content-type"):
            for name, value in parse_qsl(body.decode("latin-1"), keep_blank_values=True)[:MAX_VALUES]:
                said[f"form.{name}"] = value
        else:
            said["body"] = body.decode("latin-1")
    return said


def _leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    stack = [(value, place)]
    while stack:
        node, where = stack.pop()
        if isinstance(node, dict):
            stack.extend((child, f"{where}.{key}") for key, child in node.items())
        elif isinstance(node, list):
            stack.extend((child, f"{where}[{n}]") for n, child in enumerate(node))
        else:
            yield where, text_of(node)


def text_of(leaf: Any) -> str:
    """A scalar as a text: 17 and "17" are alike, as an id in a path and in a body are."""
    return leaf if isinstance(leaf, str) else json.dumps(leaf)


def distance(recorded: Mapping[str, str], asked: Mapping[str, str], renamed: Mapping[str, str]) -> float:
    """The share of values that differ, those apart that are known to stand for one another."""
    places = recorded.keys() | asked.keys()
    if not places:
        return 0.0
    same = sum(
        1 for place in recorded.keys() & asked.keys() if asked[place] in (recorded[place], renamed.get(recorded[place]))
    )
    return 1.0 - same / len(places)


def answered_anew(response: RecordedResponse, changed: Mapping[str, tuple[str, str]]) -> RecordedResponse:
    """A recorded response with what the request said now in the place of what it said then.

    `changed` is place in the request -> (then, now). A value of the response is an echo when it is the same text, and
    either too long to be that by chance or under the same name.
    """
    headers, data = _decoded(response)
    if not changed:
        return RecordedResponse(response.status, response.reason, headers, Body.of(data))
    inside = [(then, now) for then, now in changed.values() if len(then) >= _INSIDE]
    headers = tuple((name, _inside(value, inside)) for name, value in headers)
    if data[:1] in (b"{", b"["):
        try:
            document = json.loads(data)
            data = json.dumps(_anew(document, "", _named(changed), inside), separators=(",", ":")).encode()
            return RecordedResponse(response.status, response.reason, headers, Body.of(data))
        except (ValueError, RecursionError):  # cut, or none: a text
            pass
    with suppress(UnicodeError):
        data = _inside(data.decode("utf-8"), inside).encode("utf-8")
    return RecordedResponse(response.status, response.reason, headers, Body.of(data))


def _named(changed: Mapping[str, tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(name or "", then) -> now."""
    found: dict[tuple[str, str], str] = {}
    for place, (then, now) in changed.items():
        found[place.rpartition(".")[2], then] = now
        if len(then) >= _TELLING:
            found["", then] = now
    return found


def _anew(value: Any, name: str, named: Mapping[tuple[str, str], str], inside: list[tuple[str, str]]) -> Any:
    if isinstance(value, dict):
        return {key: _anew(child, key, named, inside) for key, child in value.items()}
    if isinstance(value, list):
        return [_anew(child, name, named, inside) for child in value]
    if value is None or isinstance(value, bool):
        return value
    text = text_of(value)
    now = named.get((name, text)) or named.get(("", text))
    if now is None:
        return _inside(value, inside) if isinstance(value, str) else value
    if isinstance(value, str):
        return now
    try:
        number = json.loads(now)
    except ValueError:
        return value
    return number if isinstance(number, int | float) else value


def _inside(text: str, changed: list[tuple[str, str]]) -> str:
    for then, now in changed:
        if then in text:
            text = text.replace(then, now)
    return text


def _decoded(response: RecordedResponse) -> tuple[Headers, bytes]:
    """Fields and body without a content coding, where that can be undone: the client is told that there is none."""
    coding = header(response.headers, "content-encoding")
    if not coding:
        return response.headers, response.body.data
    try:
        data, _ = decode(response.body.data, coding, cut=not response.body.complete)
    except Exception:
        return response.headers, response.body.data
    return tuple(field for field in response.headers if field[0].lower() != "content-encoding"), data
