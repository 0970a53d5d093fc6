"""What kind of value a leaf is: its JSON type, and for text the format that it is written in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .atoms import is_jwt, is_opaque, is_uuid
from .times import moment

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+|/\S*", re.I)
_HEX = re.compile(r"[0-9a-f]{8,}", re.I)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)

_TYPES = {bool: "bool", int: "int", float: "float", str: "str", dict: "object", list: "array", type(None): "null"}
MAX_SHOWN = 400
"""Characters of a value that a difference keeps."""


def json_type(value: object) -> str:
    """bool, int, float, str, object, array, null; `nan` for what no strict JSON parser reads."""
    if isinstance(value, float) and value - value != 0.0:
        return "nan"
    return _TYPES.get(type(value), "str")


def kind_of(value: object) -> str:
    """The most special kind: a JSON type, or for text uuid, jwt, timestamp, email, url, number, hex, token, str."""
    name = json_type(value)
    if name != "str" or not isinstance(value, str):
        return name
    if is_uuid(value):
        return "uuid"
    if is_jwt(value):
        return "jwt"
    if moment(value) is not None and not value.isdigit():
        return "timestamp"
    if _NUMBER.fullmatch(value):
        return "number"
    if _EMAIL.fullmatch(value):
        return "email"
    if _URL.fullmatch(value):
        return "url"
    if _HEX.fullmatch(value):
        return "hex"
    return "token" if is_opaque(value) else "str"


def is_of_kind(value: object, kind: str) -> bool:
    """Whether a value is of the kind that a noise rule names. `number` is any number, `timestamp` also an epoch."""
    if kind in ("any", ""):
        return True
    if kind == json_type(value) or kind == kind_of(value):
        return True
    if kind in ("string", "text"):
        return isinstance(value, str)
    if kind == "number":
        return json_type(value) in ("int", "float")
    if kind in ("timestamp", "time", "date"):
        return moment(value) is not None
    if kind in ("token", "opaque", "id"):
        return (isinstance(value, str) and bool(value)) or (kind == "id" and json_type(value) == "int")
    return False


KINDS = frozenset(
    "any bool int float str object array null string text number timestamp time date token opaque id uuid jwt email url"
    " hex".split()
)
"""Every word that a noise rule may name as a kind."""


_TEXTS = frozenset("str string text".split())
_FILLED = frozenset("token opaque uuid jwt email url hex".split())
_NARROWER = {
    **dict.fromkeys(_TEXTS, _TEXTS | {"uuid", "jwt", "email", "url", "hex"}),
    **dict.fromkeys(("token", "opaque"), _FILLED),
    "id": _FILLED | {"int", "id"},
    "number": frozenset({"number", "int", "float"}),
    **dict.fromkeys(("timestamp", "time", "date"), frozenset({"timestamp", "time", "date"})),
}


def covers_kind(wider: str, narrower: str) -> bool:
    """Whether a rule of one kind hides all that a rule of another hides; no kind is a kind of its own."""
    return wider in ("any", narrower) or narrower in _NARROWER.get(wider, ())


def narrowest_kind(values: Iterable[object]) -> str:
    """The most special word among `KINDS` that fits every value; "" when only `any` does, or there is none."""
    seen = list(values)
    return next((kind for kind in _NARROW_FIRST if seen and all(is_of_kind(value, kind) for value in seen)), "")


_NARROW_FIRST = "uuid jwt timestamp email url hex bool int float null object array number token str".split()


def shown(value: object) -> object:
    """A value as a difference keeps it: JSON-able and bounded; containers only by their size when they are large."""
    if isinstance(value, str):
        text = value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
        return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}… ({len(text)} characters)"
    if isinstance(value, float) and value - value != 0.0:
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        return _big(value)
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return [shown(child) for child in value] if _is_small(value) else f"array of {len(value)}"
    return value


def _big(value: int) -> str:
    digits = value.bit_length() * 3 // 10
    return str(value) if digits < MAX_SHOWN else f"an integer of about {digits} digits"


def _object(value: dict[str, object]) -> object:
    if _is_small(value):
        return {str(shown(key)): shown(child) for key, child in value.items()}
    keys = ", ".join(str(shown(key)) for key in list(value)[:12])
    return f"object with {len(value)} keys: {keys}"[:MAX_SHOWN]


def _is_small(value: object) -> bool:
    """At most 24 leaves and three levels: what fits on a few lines."""
    count = 0
    stack = [(value, 0)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > 24 or depth > 3:
            return False
        if isinstance(node, dict):
            stack.extend((child, depth + 1) for child in list(node.values())[:25])
        elif isinstance(node, list):
            stack.extend((child, depth + 1) for child in node[:25])
    return True
