"""JSON text to values without losing what the fast parser loses: repeated keys, big integers, NaN, broken UTF-8."""

from __future__ import annotations

import json
import re

import orjson

_BIG = float(2**63)
_MAX_DIGITS = 4000
"""Python refuses to convert longer integers (its default limit is 4,300 digits)."""


class NotJson(ValueError):
    """The bytes are not JSON, also not to a forgiving parser."""


class TooDeep(ValueError):
    """JSON by its look, but nested more deeply than can be parsed."""


def parse_json(data: bytes) -> tuple[object, str]:
    """The value, and what is odd about the text ("" for none: "repeated key", "NaN", "invalid UTF-8").

    Objects that repeat a key keep the last value under it, as clients do, and each earlier one as `key (repeated)`.
    Raises NotJson and TooDeep.
    """
    try:
        value: object = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _patient(data)
    if _is_exact(value, data):
        return value, ""
    return _patient(data)


def _is_exact(value: object, data: bytes) -> bool:
    """Whether orjson kept everything: every colon of the text is in the value, and no integer became a float."""
    colons = 0
    stack = [value]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is dict:
            colons += len(node)  # type: ignore[arg-type]
            for key, child in node.items():  # type: ignore[attr-defined]
                if ":" in key:
                    colons += key.count(":")
                kind = type(child)
                if kind is str:
                    if ":" in child:
                        colons += child.count(":")
                elif kind is dict or kind is list or kind is float:
                    stack.append(child)
        elif kind is list:
            stack.extend(node)  # type: ignore[arg-type]
        elif kind is str:
            colons += node.count(":")  # type: ignore[attr-defined]
        elif kind is float and not -_BIG < node < _BIG:  # type: ignore[operator]
            return False
    return colons == data.count(b":") and b"\\u003" not in data


def _patient(data: bytes) -> tuple[object, str]:
    oddities: set[str] = set()

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, child in items:
            if key in found:
                oddities.add("repeated key")
                earlier = f"{key} (repeated)"
                while earlier in found:
                    earlier += "'"
                found[earlier] = found[key]
            found[key] = child
        return found

    def constant(name: str) -> float:
        oddities.add("NaN")
        return float(name.replace("Infinity", "inf"))

    def integer(digits: str) -> object:
        return int(digits) if len(digits) <= _MAX_DIGITS else digits

    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        oddities.add("invalid UTF-8")
        text = data.decode("utf-8", "surrogateescape")
    if text.startswith("\ufeff"):
        oddities.add("byte order mark")
        text = text[1:]
    try:
        value: object = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_int=integer)
    except RecursionError:
        raise TooDeep("nested too deeply") from None
    except ValueError as error:
        raise NotJson(re.sub(r"\s+", " ", str(error))) from None
    return value, ", ".join(sorted(oddities))
