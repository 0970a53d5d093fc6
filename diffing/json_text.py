"""JSON text to values without losing what the fast parser loses: repeated keys, big integers, NaN, broken UTF-8."""

from __future__ import annotations

import json
import re

import orjson

_DIGITS = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else byte for byte in range(256))
_LONG_NUMBER = b"0" * 19
"""Digits from which on an integer may not fit into 64 bits: orjson would make a float of it."""
_MAX_DIGITS = 4000
"""Python refuses to convert longer integers (its default limit is 4,300 digits)."""


class NotJson(ValueError):
    """The bytes are not JSON, also not to a forgiving parser."""


class TooDeep(ValueError):
    """JSON by its look, but nested more deeply than can be parsed."""


def parse_json(data: bytes) -> tuple[object, str]:
    """The value, and what is odd about the text ("" for none: "repeated key", "NaN", "invalid UTF-8").

    Objects that repeat a key keep the last value under it, as clients do, and each earlier one as `key (repeated)`,
    `key (repeated 2)` and so on.
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
    """Whether orjson kept everything: every colon of the text is in the value, and no integer became a float.

    A key that was given twice takes its colon, and those of its value, with it.
    """
    if _LONG_NUMBER in data.translate(_DIGITS) or b"\\u003" in data:
        return False
    try:
        return orjson.dumps(value).count(b":") == data.count(b":")
    except TypeError:  # nested more deeply than it can write
        return False


def _patient(data: bytes) -> tuple[object, str]:
    oddities: set[str] = set()

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        repeats: dict[str, int] = {}
        for key, child in items:
            if key in found:
                oddities.add("repeated key")
                earlier = ""
                while not earlier or earlier in found:
                    number = repeats[key] = repeats.get(key, 0) + 1
                    earlier = f"{key} (repeated)" if number == 1 else f"{key} (repeated {number})"
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
