"""The assertions on one answer: status, headers, cookies, and the body by what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import orjson

from recorder.exchange import header, header_values

from .copied.checks import page_lines, parsed_cookies
from .expectations import Known, Variation, expected
from .literals import Made
from .script import Seen

_UNSAID = frozenset(
    "content-length date server connection set-cookie transfer-encoding content-encoding keep-alive".split()
)
MAX_ROWS = 10
"""Elements of an array that are written out; of a longer one the first, the last, and what tells all apart."""
MAX_TEXT = 20_000
"""Characters of a text that are written out."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """`assert left == right`."""

    left: str
    right: object


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of the answers to one call: what the test calls it, its place, and its value in each play."""

    left: str
    place: str
    values: tuple[object, ...]


def parts(route: str, seen: Sequence[Seen], ambient: frozenset[str]) -> list[Part]:
    """What of these answers is looked at. `ambient` are headers of nearly all answers, in small letters."""
    own = tuple(_headers(one, lambda name: name not in ambient) for one in seen)
    shared = tuple(_headers(one, lambda name: name in ambient) for one in seen)
    found = [Part(HEADERS, f"{route} {seen[0].status} header", own), Part(AMBIENT, "header", shared)]
    cookies = [parsed_cookies(header_values(one.headers, "set-cookie")) for one in seen]
    if any(cookies):
        found.append(Part("cookies(response)", f"{route} cookie", tuple(cookies)))
    left, values = _body(seen)
    return [*found, Part(left, f"{route} {seen[0].status}", tuple(values))]


def note(route: str, seen: Sequence[Seen], variation: Variation, ambient: frozenset[str]) -> None:
    """Takes in what varies in these answers to one call."""
    for part in parts(route, seen, ambient):
        variation.note(part.place, part.values)


def assertions(
    route: str, seen: Sequence[Seen], known: Known, ambient: frozenset[str], *, all_headers: bool
) -> list[Assertion]:
    """What holds of all these answers to one call, and of no other answer as far as they show."""
    found = [Assertion("response.status_code", seen[0].status)]
    headers: dict[str, object] = {}
    for part in parts(route, seen, ambient):
        value = expected(part.place, part.values, known)
        if part.left in (HEADERS, AMBIENT):
            there = value.arguments[0] if isinstance(value, Made) else value  # without those that come at times
            if isinstance(there, dict) and (all_headers or part.left == HEADERS):
                headers |= there
        elif isinstance(value, dict | list | Made):
            found.append(Assertion(part.left, Made("exactly", (_shortened(value),))))
        else:
            found.append(Assertion(part.left, value))
    if headers:
        found.insert(1, Assertion(HEADERS, Made("including", (headers,))))
    return found


HEADERS = "response.headers"
AMBIENT = "ambient headers"


def media_of(seen: Seen) -> str:
    """The media type of an answer, in small letters and without parameters."""
    return header(seen.headers, "content-type").partition(";")[0].strip().lower()


def is_json(seen: Seen) -> bool:
    """Whether werkzeug's `response.json` reads it."""
    media = media_of(seen)
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


def _headers(seen: Seen, wanted: Callable[[str], bool]) -> dict[str, object]:
    """By name, the first of a name; without those that say what the body says, or what the server adds."""
    found: dict[str, object] = {}
    for name, value in seen.headers:
        lowered = name.lower()
        if lowered in _UNSAID or not wanted(lowered) or (lowered == "content-type" and is_json(seen)):
            continue  # `response.json` is None for any other type
        found.setdefault(name, value)
    return found


def _body(seen: Sequence[Seen]) -> tuple[str, list[object]]:
    """What the test calls the body, and what that is in each play."""
    if all(not one.body for one in seen):
        return "response.data", [one.body for one in seen]
    if all(map(is_json, seen)):
        try:
            return "response.json", [orjson.loads(one.body) for one in seen]
        except orjson.JSONDecodeError:
            pass
    texts = [_decoded(one) for one in seen]
    if all(text is not None for text in texts):
        if media_of(seen[0]) in ("text/html", "application/xhtml+xml"):
            return "page(response)", [page_lines(text or "") for text in texts]
        if max(len(text or "") for text in texts) <= MAX_TEXT:
            return "response.text.splitlines()", [(text or "").splitlines() for text in texts]
    digests = [hashlib.sha256(one.body).hexdigest() for one in seen]
    if len(set(digests)) == 1:
        return "sha256(response.data).hexdigest()", list(digests)
    return "len(response.data)", [len(one.body) for one in seen]


def _decoded(seen: Seen) -> str | None:
    try:
        return seen.body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _shortened(value: object) -> object:
    """The same with long arrays by their ends, their length, and what tells their elements apart."""
    if isinstance(value, dict):
        return {key: _shortened(child) for key, child in value.items()}
    if isinstance(value, Made):
        return replace(
            value,
            arguments=tuple(map(_shortened, value.arguments)),
            named=tuple((name, _shortened(child)) for name, child in value.named),
        )
    if isinstance(value, list):
        rows = [_shortened(row) for row in value]
        if len(rows) > MAX_ROWS and any(isinstance(row, dict | list) for row in rows):
            named = (("first", rows[:3]), ("last", rows[-1:]), ("keys", _keys(rows)))
            return Made("Rows", (len(rows),), tuple(pair for pair in named if pair[1] is not None))
        return rows
    return value


def _keys(rows: Sequence[object]) -> object:
    """(field, its value in each row) for the first field that tells the rows apart."""
    if not all(isinstance(row, dict) for row in rows):
        return None
    tables = [row for row in rows if isinstance(row, dict)]
    for key in tables[0]:
        column = [table.get(key) for table in tables]
        plain = all(isinstance(one, int | str) and not isinstance(one, bool) for one in column)
        if plain and len(set(column)) == len(column):
            return key, column
    return None
