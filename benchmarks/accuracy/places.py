"""The places of an application's answers at which something can go wrong, as its traffic shows them.

A place is a route, a part of the response, and the way to it: `("items", "*", "price")`. What kind of place it is, is
judged here by name and values alone, without the product: a benchmark that asked the product would find what it finds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from diffing.difference import Answer
from recorder.exchange import RecordedResponse

ROW = "*"
NOT_THE_APPLICATIONS = frozenset({"date", "server", "connection", "content-length", "transfer-encoding"})
MAX_VALUES = 400
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d$")
_OPAQUE = re.compile(r"(?=.*\d)[A-Za-z0-9_.=-]{16,}$")
_WORD = re.compile(r"[a-z][a-z_]{2,24}$")
_NAMES = re.compile(r"(^|_)(id|uuid|number|reference|token|csrf_token|sku|code|order|cursor)$")
FEW = 8
"""Distinct words at a place of at least twice as many observations: an enumeration."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault can be put. `kind` is the stratum it is counted in."""

    route: str  # "GET /api/orders/<int:order_id>"
    part: str  # status, header, cookie, body (not JSON), json
    steps: tuple[str, ...]
    kind: str
    responses: int  # in which it was seen in one pass
    varies: bool = False
    null_share: float = 0.0
    values: tuple[Any, ...] = field(default=(), compare=False, repr=False)  # some, distinct

    @property
    def path(self) -> str:
        """As the product writes it."""
        if self.part == "json":
            return "$" + "".join("[*]" if step == ROW else f".{step}" for step in self.steps)
        return ".".join(self.steps)


@dataclass(slots=True)
class _Seen:
    responses: int = 0
    nulls: int = 0
    observations: int = 0
    varies: bool = False
    reordered: bool = False
    values: list[Any] = field(default_factory=list)

    def add(self, value: Any) -> None:
        self.observations += 1
        self.nulls += value is None
        if len(self.values) < MAX_VALUES:
            self.values.append(value)


def find_places(asked: Iterable[tuple[str, Sequence[Answer]]]) -> list[Place]:
    """All places of the answers, in a fixed order. `asked`: route, and what each pass got; the first one is read."""
    seen: dict[tuple[str, str, tuple[str, ...]], _Seen] = {}
    for route, answers in asked:
        first = answers[0].response
        if first is None:
            continue
        others = [answer.response for answer in answers[1:] if answer.response is not None]
        here = _look(first)
        there = [_look(other) for other in others]
        for key, values in here.items():
            one = seen.setdefault((route, *key), _Seen())
            one.responses += 1
            for value in values:
                one.add(value)
            for other in there:
                if key in other and other[key] != values:
                    one.varies = True
                    if _lists(values) and sorted(map(_text, values)) == sorted(map(_text, other[key])):
                        one.reordered = True
    places = [_place(*key, one) for key, one in seen.items()]
    return sorted(places, key=lambda place: (place.route, place.part, place.steps))


def _text(value: Any) -> str:
    return json.dumps(sorted(json.dumps(each) for each in value) if isinstance(value, list) else value)


def _lists(values: Sequence[Any]) -> bool:
    return any(isinstance(value, list) for value in values)


def _look(response: RecordedResponse) -> dict[tuple[str, tuple[str, ...]], list[Any]]:
    found: dict[tuple[str, tuple[str, ...]], list[Any]] = {("status", ()): [response.status]}
    for name, value in response.headers:
        lower = name.lower()
        if lower == "set-cookie":
            cookie, *flags = value.split("; ")
            found[("cookie", (cookie.partition("=")[0],))] = [cookie.partition("=")[2]]
            for flag in flags:
                found[("cookie", (cookie.partition("=")[0], flag.partition("=")[0].lower()))] = [flag]
        elif lower not in NOT_THE_APPLICATIONS:
            found[("header", (lower,))] = [value]
    tree = tree_of(response.headers, response.body.data)
    if tree is not None:
        for steps, value in walk(tree.value, ()):
            found.setdefault(("json", steps), []).append(value)
    if response.body.data:
        found[("body", ())] = [None if tree is not None else response.body.data]
    return found


@dataclass(frozen=True, slots=True)
class Tree:
    """A body that is JSON."""

    value: Any


def tree_of(headers: Iterable[tuple[str, str]], data: bytes) -> Tree | None:
    """The body, when it says that it is JSON and is."""
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    if "json" not in kind:
        return None
    try:
        return Tree(json.loads(data))
    except ValueError:
        return None


def walk(value: Any, steps: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value with the way to it; rows of an array share theirs."""
    yield steps, value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from walk(child, (*steps, key))
    elif isinstance(value, list):
        for child in value:
            yield from walk(child, (*steps, ROW))


def _place(route: str, part: str, steps: tuple[str, ...], seen: _Seen) -> Place:
    told = [value for value in seen.values if value is not None]
    distinct = tuple({json.dumps(v, default=repr): v for v in seen.values}.values())[:40]
    kind = _kind(part, steps, told, seen)
    return Place(
        route, part, steps, kind, seen.responses, seen.varies, seen.nulls / max(1, seen.observations), distinct
    )


def _kind(part: str, steps: tuple[str, ...], told: list[Any], seen: _Seen) -> str:
    if part != "json":
        return part
    if not told:
        return "null"
    first = told[0]
    if isinstance(first, dict):
        return "object"
    if isinstance(first, list):
        return "unordered list" if seen.reordered else "list"
    if isinstance(first, bool):
        return "flag"
    name = next((step for step in reversed(steps) if step != ROW), "")
    if isinstance(first, str):
        if all(isinstance(v, str) and _TIME.match(v) for v in told):
            return "time"
        if all(isinstance(v, str) and _OPAQUE.match(v) for v in told) and seen.varies:
            return "token"
    if _NAMES.search(name) and seen.varies:
        return "identifier"
    if seen.varies:
        return "noise"
    if isinstance(first, int | float):
        return "identifier" if _NAMES.search(name) and isinstance(first, int) else "number"
    if all(isinstance(v, str) and _WORD.match(v) for v in told):
        names = len(set(told))
        if names <= FEW and len(told) >= 2 * names:
            return "enum"
    return "text"
