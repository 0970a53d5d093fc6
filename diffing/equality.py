"""Type-strict equality of JSON-like values, at any depth: in Python `1 == True == 1.0`, for a client it is not."""

from __future__ import annotations

import orjson

_SORTED = orjson.OPT_SORT_KEYS


def equal_leaves(a: object, b: object) -> bool:
    """Same type and same value; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    return a == b or (a != a and b != b)


def strictly_equal(a: object, b: object) -> bool:
    """Whether two JSON-like values are the same, types included, whatever their depth."""
    try:
        if a != b:
            return False if not _may_hold_nan(a) else _equal_by_steps(a, b)
        return orjson.dumps(a, option=_SORTED) == orjson.dumps(b, option=_SORTED)
    except (RecursionError, TypeError):  # too deep, or what orjson can not write: big integers, lone surrogates
        return _equal_by_steps(a, b)


def canonical_text(value: object) -> bytes | str:
    """A text that equal values share and others do not, for use as a key."""
    try:
        return orjson.dumps(value, option=_SORTED)
    except TypeError:
        try:
            return repr(value)
        except RecursionError:
            return f"nested too deeply: {id(value)}"


def _may_hold_nan(value: object) -> bool:
    """orjson never gives NaN; the patient parser, which does, gives no array or object without a reason to look."""
    stack = [value]
    while stack:
        node = stack.pop()
        if type(node) is float:
            if node != node:
                return True
        elif type(node) is dict:
            stack.extend(node.values())
        elif type(node) is list:
            stack.extend(node)
    return False


def _equal_by_steps(a: object, b: object) -> bool:
    stack = [(a, b)]
    while stack:
        x, y = stack.pop()
        if type(x) is not type(y):
            return False
        if isinstance(x, dict) and isinstance(y, dict):
            if x.keys() != y.keys():
                return False
            stack.extend((child, y[key]) for key, child in x.items())
        elif isinstance(x, list) and isinstance(y, list):
            if len(x) != len(y):
                return False
            stack.extend(zip(x, y, strict=True))
        elif not equal_leaves(x, y):
            return False
    return True
