"""What can go wrong at a place of an answer: the closed list of generated faults, and where each of them is a fault.

An edit gets the value that the application gave and a memory of what was at the place before, and gives the wrong
value, or `SAME`. What is no fault is not in the list: another order where the order is chance already, one more where
the number is a duration.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .places import Place

SAME: Any = object()
GONE: Any = object()
Edit = Callable[[Any, list[Any], random.Random], Any]  # value, values seen here before (oldest first), chance

NUMBERS = frozenset({"number", "noise", "identifier"})
TEXTS = frozenset({"text", "enum", "token", "time", "identifier", "noise"})
LEAVES = NUMBERS | TEXTS | {"flag"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to go wrong."""

    name: str
    fits: Callable[[Place], bool]
    edit: Edit
    part: str = "json"
    share: float = 1.0  # of the exchanges that it happens to, by chance


def _at(*kinds: str) -> Callable[[Place], bool]:
    wanted = frozenset(kinds)
    return lambda place: place.part == "json" and place.kind in wanted and bool(place.steps)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _has(test: Callable[[Any], bool], *kinds: str) -> Callable[[Place], bool]:
    at = _at(*kinds)
    return lambda place: at(place) and any(test(value) for value in place.values)


def _of_object(place: Place) -> bool:
    return place.part == "json" and bool(place.steps) and place.steps[-1] != "*"


# -- values ---------------------------------------------------------------------------------------------------------


def _null(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return SAME if value is None else None


def _gone(_value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return GONE


def _to_text(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return str(value) if _number(value) else SAME


def _to_number(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,15}(\.\d+)?", value):
        return SAME
    return float(value) if "." in value else int(value)


def _to_list(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return SAME if value is None else [value]


def _sign(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\d+\.\d+", value):
        return SAME if not float(value) else f"-{value}"
    return -value if _number(value) and value else SAME


def _scaled(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\d+\.\d\d", value):
        return SAME if not float(value) else f"{float(value) * 100:.2f}"
    return value * 100 if _number(value) and value else SAME


def _one_more(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\d+\.\d\d", value):
        return f"{float(value) + 0.01:.2f}"
    return value + 1 if _number(value) else SAME


def _zero(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return type(value)(0) if _number(value) and value else SAME


def _not(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return not value if isinstance(value, bool) else SAME


def _empty(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return "" if isinstance(value, str) and value else SAME


def _cut(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return value[: len(value) // 2] if isinstance(value, str) and len(value) >= 4 else SAME


def _upper(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return value.upper() if isinstance(value, str) and value != value.upper() else SAME


def _renamed(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return f"{value}_new" if isinstance(value, str) and value else SAME


def _mojibake(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    if not isinstance(value, str) or value.isascii():
        return SAME
    return value.encode().decode("latin-1")


def _escaped(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    if not isinstance(value, str):
        return SAME
    wrong = value.replace("&", "&amp;").replace("'", "&#39;").replace('"', "&#34;")
    return SAME if wrong == value else wrong


def _spaced(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return f" {value}" if isinstance(value, str) and value else SAME


def _stale(value: Any, before: list[Any], _chance: random.Random) -> Any:
    """The first value that was ever there."""
    return before[0] if before and value is not None and before[0] != value else SAME


def _others(value: Any, before: list[Any], chance: random.Random) -> Any:
    """Another value that was there before."""
    others = [each for each in before if each is not None and each != value and type(each) is type(value)]
    return chance.choice(others[-20:]) if others and value is not None else SAME


# -- times ----------------------------------------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$")


def _shifted(hours: float) -> Edit:
    def edit(value: Any, _before: list[Any], _chance: random.Random) -> Any:
        found = _ISO.match(value) if isinstance(value, str) else None
        if found is None:
            return SAME
        day, between, clock, fraction, zone = found.groups()
        moved = datetime.fromisoformat(f"{day}T{clock}") + timedelta(hours=hours)
        return f"{moved:%Y-%m-%d}{between}{moved:%H:%M:%S}{fraction or ''}{zone or ''}"

    return edit


def _zone(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    """The right moment's digits with another zone behind them."""
    found = _ISO.match(value) if isinstance(value, str) else None
    if found is None or not found[5]:
        return SAME
    return value[: found.start(5)] + "+02:00"


def _no_zone(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    found = _ISO.match(value) if isinstance(value, str) else None
    return value[: found.start(5)] if found is not None and found[5] else SAME


def _no_fraction(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    found = _ISO.match(value) if isinstance(value, str) else None
    return value[: found.start(4)] + value[found.end(4) :] if found is not None and found[4] else SAME


def _space_for_t(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return value.replace("T", " ", 1) if isinstance(value, str) and _ISO.match(value) and "T" in value else SAME


def _epoch(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    if not isinstance(value, str) or not _ISO.match(value):
        return SAME
    return int(datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp())


# -- lists ----------------------------------------------------------------------------------------------------------


def _rows(least: int, edit: Callable[[list[Any]], list[Any]]) -> Edit:
    def apply(value: Any, _before: list[Any], _chance: random.Random) -> Any:
        if not isinstance(value, list) or len(value) < least:
            return SAME
        wrong = edit(list(value))
        return SAME if wrong == value else wrong

    return apply


def _same_ids(rows: list[Any]) -> list[Any]:
    """Every row bears the identifier of the first one."""
    if not isinstance(rows[0], dict) or "id" not in rows[0]:
        return rows
    return [{**row, "id": rows[0]["id"]} if isinstance(row, dict) else row for row in rows]


def _keyed(rows: list[Any]) -> Any:
    return {"items": rows}


def _wrapped(value: Any, _before: list[Any], _chance: random.Random) -> Any:
    return {"data": value} if isinstance(value, dict | list) else SAME


def _lists(least: int) -> Callable[[Place], bool]:
    at = _at("list", "unordered list")
    return lambda place: at(place) and any(isinstance(value, list) and len(value) >= least for value in place.values)


def _ordered(place: Place) -> bool:
    return place.kind == "list" and _lists(2)(place)


def _stable_numbers(place: Place) -> bool:
    """Not an identifier, of which another one would be: a number that means something."""
    return _has(_number, "number", "noise")(place)


VALUES: tuple[Kind, ...] = (
    Kind("field lost", lambda p: _of_object(p) and p.kind != "null", _gone),
    Kind("null", lambda p: _at(*LEAVES)(p) and p.null_share < 1, _null),
    Kind("object or list null", _at("object", "list", "unordered list"), _null),
    Kind("number as text", _has(_number, *NUMBERS), _to_text),
    Kind("text as number", _has(lambda v: _to_number(v, [], random.Random()) is not SAME, *TEXTS), _to_number),
    Kind("value in a list", _at(*LEAVES), _to_list),
    Kind("sign", _has(lambda v: _sign(v, [], random.Random()) is not SAME, "number", "noise", "text"), _sign),
    Kind("times 100", _has(lambda v: _scaled(v, [], random.Random()) is not SAME, "number", "noise", "text"), _scaled),
    Kind("one more", lambda p: not p.varies and _has(_number, "number")(p), _one_more),
    Kind("zero", _stable_numbers, _zero),
    Kind("flag flipped", _at("flag"), _not),
    Kind("text emptied", _at("text", "enum", "token", "identifier", "noise", "time"), _empty),
    Kind("text cut", _has(lambda v: isinstance(v, str) and len(v) >= 4, *TEXTS), _cut),
    Kind("upper case", _has(lambda v: isinstance(v, str) and v != v.upper(), "text", "enum", "token"), _upper),
    Kind("enum value renamed", _at("enum"), _renamed),
    Kind("encoding", _has(lambda v: isinstance(v, str) and not v.isascii(), "text", "noise"), _mojibake),
    Kind("escaped twice", _has(lambda v: isinstance(v, str) and any(c in v for c in "&'\""), "text"), _escaped),
    Kind("space before", _at("text", "enum"), _spaced),
    Kind("stale", lambda p: _at("text", "number", "enum")(p) and len(p.values) > 1, _stale),
    Kind("of another", lambda p: _at("text", "number", "enum")(p) and len(p.values) > 1, _others),
    Kind("identifier of another", lambda p: _at("identifier")(p) and len(p.values) > 1, _others),
    Kind("token constant", lambda p: _at("token")(p) and len(p.values) > 1, _stale),
    Kind("token of another", lambda p: _at("token")(p) and len(p.values) > 1, _others),
    Kind("time stale", lambda p: _at("time")(p) and len(p.values) > 1, _stale),
    Kind("time of another", lambda p: _at("time")(p) and len(p.values) > 1, _others),
    Kind("time an hour off", _at("time"), _shifted(1)),
    Kind("time two hours back", _at("time"), _shifted(-2)),
    Kind("time half a minute off", _at("time"), _shifted(30 / 3600)),
    Kind("zone replaced", _at("time"), _zone),
    Kind("zone lost", _at("time"), _no_zone),
    Kind("fraction lost", _at("time"), _no_fraction),
    Kind("time with a space", _at("time"), _space_for_t),
    Kind("time as number", _at("time"), _epoch),
    Kind("noise constant", lambda p: _at("noise")(p) and len(p.values) > 3, _stale),
    Kind("last row lost", _lists(1), _rows(1, lambda rows: rows[:-1])),
    Kind("first row lost", _lists(2), _rows(2, lambda rows: rows[1:])),
    Kind("row doubled", _lists(1), _rows(1, lambda rows: [*rows, rows[-1]])),
    Kind("list emptied", _lists(1), _rows(1, lambda _rows: [])),
    Kind("list reversed", _ordered, _rows(2, lambda rows: rows[::-1])),
    Kind("two rows swapped", _ordered, _rows(2, lambda rows: [rows[1], rows[0], *rows[2:]])),
    Kind("identifiers doubled", _lists(2), _rows(2, _same_ids)),
    Kind("list as object", _lists(1), _rows(1, _keyed)),
    Kind("object wrapped", _at("object"), _wrapped),
    Kind("null, one in 3", lambda p: _at(*LEAVES)(p) and p.null_share == 0 and p.responses >= 9, _null, share=1 / 3),
    Kind("null rate raised", lambda p: _at(*LEAVES)(p) and 0 < p.null_share < 0.7, _null, share=0.8),
    Kind("row lost, one in 3", lambda p: _lists(1)(p) and p.responses >= 9, _rows(1, lambda rows: rows[:-1]),
         share=1 / 3),
)  # fmt: skip
"""Faults within JSON."""
