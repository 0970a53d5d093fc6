"""The shape of a body: which fields it has, of which JSON type, and which of them are null.

A shape is a set of *facts* such as `(".items[*].price", "number")`. Equal values are shaped once: objects are known by
their keys and the shapes of what they hold, so that a body of a hundred rows costs little more than parsing it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

import orjson

from diffing.routes import segment_kind

Facts = frozenset[tuple[str, str]]
"""(generalised path, JSON type) of everything in a body; rows of an array are one."""

MAX_KNOWN = 30_000
"""Objects and arrays that are remembered to be known again; then they are forgotten, and looked at anew."""

MAX_SHAPES = 60_000
"""Shapes that are told apart, parts of bodies included; further ones are one shape."""

MAX_DEPTH = 24
"""Levels that are looked at."""

MAX_KEYS = 100
"""An object with more keys is a map."""

SIZE_CLASSES = ("0", "1", "2", "3-9", "10+")

MAP_KEY = "{*}"
"""What stands for the keys of an object that is a map: each of them is a value."""

_EMPTY: Facts = frozenset()
_SCALARS: Mapping[type, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_NAME = re.compile(r"\w+")


class Shapes:
    """Gives every body the number of its shape; the same shape has the same number."""

    def __init__(self) -> None:
        self.facts: list[Facts] = [_EMPTY]
        self._numbers: dict[Facts, int] = {_EMPTY: 0}
        self._scalars = {kind: self._number(frozenset({("", name)})) for kind, name in _SCALARS.items()}
        self._other = self._number(frozenset({("", "other")}))
        self._objects: dict[tuple[tuple[str, ...], tuple[int, ...]], int] = {}
        self._arrays: dict[frozenset[int], int] = {}

    def of_json(self, value: object) -> int:
        """The shape of a JSON value."""
        return self._shape(value, 0)

    def of_names(self, kind: str, names: Iterable[str]) -> int:
        """The shape of what has names alone: a query, a form."""
        return self._number(frozenset((f"{kind}.{generalised(name)}", "text") for name in names))

    def of_text(self, media: str) -> int:
        """The shape of what is not looked into: its media type."""
        return self._number(frozenset({("", media)}))

    def joined(self, one: int, other: int) -> int:
        """The shape of both together."""
        return self._number(self.facts[one] | self.facts[other]) if one and other else one or other

    def _number(self, facts: Facts) -> int:
        number = self._numbers.get(facts)
        if number is None:
            if len(self.facts) >= MAX_SHAPES:
                return self._other
            number = self._numbers[facts] = len(self.facts)
            self.facts.append(facts)
        return number

    def _shape(self, value: object, depth: int) -> int:
        scalars = self._scalars
        found = scalars.get(type(value))
        if found is not None:
            return found
        if depth >= MAX_DEPTH:
            return self._other
        if isinstance(value, dict):
            numbers = tuple([scalars.get(type(child)) or self._shape(child, depth + 1) for child in value.values()])
            known = (tuple(value), numbers)
            number = self._objects.get(known)
            if number is None:
                if len(self._objects) >= MAX_KNOWN:
                    self._objects.clear()
                number = self._objects[known] = self._object(*known)
            return number
        if isinstance(value, list):
            rows = frozenset([scalars.get(type(child)) or self._shape(child, depth + 1) for child in value])
            number = self._arrays.get(rows)
            if number is None:
                if len(self._arrays) >= MAX_KNOWN:
                    self._arrays.clear()
                number = self._arrays[rows] = self._array(rows)
            return number
        return self._other

    def _object(self, keys: tuple[str, ...], numbers: tuple[int, ...]) -> int:
        facts = {("", "object")}
        wide = len(keys) > MAX_KEYS
        for key, number in zip(keys, numbers, strict=True):
            name = MAP_KEY if wide else generalised(key)
            facts.update((f".{name}{path}", kind) for path, kind in self.facts[number])
        return self._number(frozenset(facts))

    def _array(self, rows: frozenset[int]) -> int:
        facts = {("", "array")}
        for number in rows:
            facts.update((f"[*]{path}", kind) for path, kind in self.facts[number])
        return self._number(frozenset(facts))


def generalised(key: str) -> str:
    """A key's name in a shape: one that is a value by its form (a number, a date, a token) stands for all such."""
    if _NAME.fullmatch(key) and not key[0].isdigit() and len(key) < 12:
        return key
    return MAP_KEY if segment_kind(key) != key or "@" in key else key[:80]


def size_class(value: object) -> int:
    """The class of the longest array near the root (see SIZE_CLASSES), counted from 1; 0 without any."""
    longest = -1
    stack = [(value, 0)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, list):
            longest = max(longest, len(node))
        elif isinstance(node, dict) and depth < 2:
            stack.extend((child, depth + 1) for child in node.values() if isinstance(child, list | dict))
    if longest < 0:
        return 0
    return longest + 1 if longest < 3 else 4 if longest < 10 else 5


def parsed(data: bytes) -> object:
    """A body's JSON value; None for what is none."""
    if data[:64].lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        value: object = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value


def form_names(data: bytes) -> list[str]:
    """The names in a URL-encoded query or form."""
    text = data.decode("latin-1")
    if len(text) > 1_000_000:
        return []
    return sorted({name for name, _ in parse_qsl(text, keep_blank_values=True)})
