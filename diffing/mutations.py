"""The catalogue of synthetic faults: what can be wrong with one value of an answer, and the value that has it.

A fault is what a release gets wrong in one place. `variant` chooses among the ways in which a fault can show (which
row, which factor), so that one number makes the same fault everywhere.
"""

from __future__ import annotations

import copy
import re
from enum import Enum
from typing import Final

from .atoms import is_integer, is_jwt, is_uuid
from .faulty_times import reformatted, shifted
from .times import moment


class Mutation(Enum):
    """What is done to an answer: a closed set, each with a sentence in the reports."""

    DROP = "drop"
    NULL = "null"
    TYPE = "type"
    NEGATE = "negate"
    SCALE = "scale"
    STEP = "step"
    TEXT = "text"
    TRUNCATE = "truncate"
    EMPTY = "empty text"
    FLIP = "flip"
    UNSEEN = "unseen value"
    SWAP = "swap identifiers"
    OTHER_ID = "other identifier"
    TIME_FORMAT = "time format"
    TIME_ZONE = "time zone"
    STALE = "stale time"
    DROP_ELEMENT = "drop element"
    DUPLICATE = "duplicate element"
    REVERSE = "reverse"
    ADD_ELEMENT = "add element"
    STATUS = "status"
    DROP_HEADER = "drop header"
    HEADER = "header"
    HTML = "html"
    EMPTY_BODY = "empty body"


NOTHING: Final = object()
"""The fault does not apply to this value."""
GONE: Final = object()
"""In the place of the value there is none."""

ON_VALUES = (
    Mutation.DROP,
    Mutation.NULL,
    Mutation.TYPE,
    Mutation.NEGATE,
    Mutation.SCALE,
    Mutation.STEP,
    Mutation.TEXT,
    Mutation.TRUNCATE,
    Mutation.EMPTY,
    Mutation.FLIP,
    Mutation.TIME_FORMAT,
    Mutation.TIME_ZONE,
    Mutation.STALE,
    Mutation.DROP_ELEMENT,
    Mutation.DUPLICATE,
    Mutation.REVERSE,
    Mutation.ADD_ELEMENT,
)
"""What `changed` knows; the others need more than the value."""

WHOLE = frozenset([Mutation.STATUS, Mutation.HTML, Mutation.EMPTY_BODY])
"""What is done to an answer as a whole."""

_DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,6}", re.ASCII)
_FACTORS = (100, 10)
_TRUNCATED = 4  # characters from which half of a text is a truncated text rather than another one
_HOUR, _DAY = 3600, 86_400
_ZONES = (2 * _HOUR, -5 * _HOUR)


def changed(mutation: Mutation, value: object, variant: int) -> object:
    """The value with the fault, NOTHING where it does not apply; GONE to take the key away. `value` is not touched."""
    match mutation:
        case Mutation.DROP:
            return GONE
        case Mutation.NULL:
            return None if value is not None else "unexpected"
        case Mutation.TYPE:
            return _other_type(value)
        case Mutation.FLIP:
            return not value if isinstance(value, bool) else NOTHING
        case Mutation.NEGATE | Mutation.SCALE | Mutation.STEP:
            return _other_number(mutation, value, variant)
        case Mutation.TIME_FORMAT:
            return _or_nothing(reformatted(value, variant))
        case Mutation.TIME_ZONE:
            return _or_nothing(shifted(value, _ZONES[variant % 2]))
        case Mutation.STALE:
            return _or_nothing(shifted(value, (-_HOUR, -_DAY)[variant % 2]))
    if isinstance(value, str):
        return _other_text(mutation, value, variant)
    if isinstance(value, list):
        return _other_rows(mutation, value, variant)
    return NOTHING


def _or_nothing(value: object) -> object:
    return NOTHING if value is None else value


def _other_type(value: object) -> object:
    match value:
        case None:
            return NOTHING
        case bool():
            return int(value)
        case int() | float():
            return str(value)
        case str():
            return int(value) if is_integer(value) else [value]
        case list():
            return {"items": value}
    return [value]


def _other_number(mutation: Mutation, value: object, variant: int) -> object:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        decimals = len(value.partition(".")[2])
        number = _other_number(mutation, float(value), variant)
        return f"{number:.{decimals}f}" if isinstance(number, float) else NOTHING
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 1e15:
        return NOTHING
    if mutation is Mutation.STEP:
        return value + 1
    if not value:
        return NOTHING
    return -value if mutation is Mutation.NEGATE else value * _FACTORS[variant % len(_FACTORS)]


def _other_text(mutation: Mutation, text: str, variant: int) -> object:
    if mutation is Mutation.EMPTY:
        return "" if text else NOTHING
    if mutation is Mutation.TRUNCATE:
        return text[: len(text) // 2] if len(text) >= _TRUNCATED else NOTHING
    if mutation is Mutation.TEXT and moment(text) is None:
        other = alike(text, variant)
        return other if other != text else NOTHING
    return NOTHING


def _other_rows(mutation: Mutation, rows: list[object], variant: int) -> object:
    if not rows:
        return NOTHING
    at = variant % len(rows)
    match mutation:
        case Mutation.DROP_ELEMENT:
            return rows[:at] + rows[at + 1 :]
        case Mutation.DUPLICATE:
            return [*rows[: at + 1], copy.deepcopy(rows[at]), *rows[at + 1 :]]
        case Mutation.REVERSE:
            return rows[::-1] if len(rows) > 1 else NOTHING
        case Mutation.ADD_ELEMENT:
            return [*rows, _another(rows[at], variant)]
    return NOTHING


def _another(row: object, variant: int) -> object:
    """A row like the given one, that is none of the others."""
    if isinstance(row, dict):
        return {key: _another(child, variant) for key, child in row.items()}
    if isinstance(row, bool) or not isinstance(row, str | int):
        return copy.deepcopy(row)
    return row + 7919 if isinstance(row, int) else row if moment(row) is not None else alike(row, variant)


def unseen(seen: set[str]) -> str:
    """A word that is written as those of a closed set are, and is none of them."""
    example = min(seen)
    word = "UNFORESEEN" if example.isupper() else "Unforeseen" if example.istitle() else "unforeseen"
    while word in seen:
        word += "x"
    return word


def alike(text: str, variant: int) -> str:
    """Another text of the same format: digits stay digits, letters letters of their case, leading zeros zeros."""
    by = 1 + variant % 8
    if is_uuid(text):
        return "".join(c if i in (14, 19) else _hex(c, by) for i, c in enumerate(text))
    if is_jwt(text):
        head, _, signature = text.rpartition(".")
        return f"{head}.{_shifted_text(signature, by)}"
    if len(text) >= 8 and re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", text):
        return "".join(_hex(c, by) for c in text)
    if text.startswith(("/", "http://", "https://")):
        head, slash, last = text.rpartition("/")
        name, mark, rest = last.partition("?")
        return head + slash + _shifted_text(name, by) + mark + (rest if name else _shifted_text(rest, by))
    return _shifted_text(text, by)


def _hex(character: str, by: int) -> str:
    if character not in "0123456789abcdefABCDEF":
        return character
    new = "0123456789abcdef"[(int(character, 16) + by) % 16]
    return new.upper() if character.isupper() else new


def _shifted_text(text: str, by: int) -> str:
    return re.sub(r"0*([0-9]+)|[A-Za-z]", lambda found: _shifted_run(found[0], by), text)


def _shifted_run(run: str, by: int) -> str:
    if run[0].isalpha():
        first = ord("a" if run.islower() else "A")
        return chr(first + (ord(run) - first + by) % 26)
    digits = run.lstrip("0")
    # 1 to 9 only: no run of digits becomes shorter, or gets a leading zero
    return "0" * (len(run) - len(digits)) + "".join(str((int(d) - 1 + by) % 9 + 1) if d != "0" else d for d in digits)
