"""What an exchange shows, as values: two that show the same have the same, and one of them is enough to tell.

Which fields are there, and of which types; what an error says; and where an answer is at an edge: nothing, zero, less
than zero, yes or no. Amounts are told several times, since what is wrong with one is seldom wrong with all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from urllib.parse import parse_qsl, unquote_plus

import orjson

from ..flow import Step
from ..selection.shapes import parsed

AMOUNTS = 4
"""Different amounts at one place that are told: one that is rounded the wrong way shows in every other."""
MAX_DEPTH = 6
"""Levels of a body that are looked into."""

_TELLING_TEXT = re.compile(r"[^\x00-\x7f]|[+%&<>'\"\\]")
_AMOUNT = re.compile(r"-?\d+\.\d+")
_DIGITS = re.compile(r"\d+")


def kinds_of(step: Step) -> set[Hashable]:
    """What an exchange shows, as values: two that show the same have the same."""
    request = step.exchange.request
    response = step.exchange.response
    assert response is not None or step.status == 0
    base = (request.method, step.route, step.status)
    kinds: set[Hashable] = {(*base, bool(step.principal)), (*base, *_asked(step))}
    if response is not None:
        value = parsed(response.body.data)
        kinds.add((*base, "shape", _shape(value)))
        if step.status >= 400:
            kinds.add((*base, "error", _code(value)))
        else:
            kinds |= {(*base, "edge", path, edge) for path, leaf in _leaves(value) if (edge := _edge(leaf))}
    return kinds


def amounts_of(step: Step) -> Mapping[Hashable, set[str]]:
    """The sums of an answer, by their place: numbers with a fraction, as numbers or as texts."""
    found: dict[Hashable, set[str]] = defaultdict(set)
    response = step.exchange.response
    if response is not None and 200 <= response.status < 300:
        for path, leaf in _leaves(parsed(response.body.data)):
            if isinstance(leaf, float) or (isinstance(leaf, str) and _AMOUNT.fullmatch(leaf)):
                found[step.exchange.request.method, step.route, path].add(str(leaf))
    return found


def _leaves(value: object, path: str = "$", depth: int = 0) -> Iterator[tuple[str, object]]:
    """(place, leaf) of a body, and arrays themselves; rows share a place."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, f"{path}.{key}", depth + 1)
    elif isinstance(value, list):
        yield path, value
        for child in value:
            yield from _leaves(child, f"{path}[*]", depth + 1)
    else:
        yield path, value


def _edge(leaf: object) -> str:
    """At which edge a value is; nothing for one that is at none."""
    if isinstance(leaf, bool):
        return "yes" if leaf else "no"
    if isinstance(leaf, list | str) and not leaf:
        return "nothing"
    if isinstance(leaf, str) and not _AMOUNT.fullmatch(leaf):
        return ""
    if isinstance(leaf, int | float | str):
        number = float(leaf)
        return "zero" if number == 0 else "less than zero" if number < 0 else ""
    return ""


def _asked(step: Step) -> tuple[Hashable, ...]:
    request = step.exchange.request
    query = parse_qsl(request.query, keep_blank_values=True)
    names = tuple(sorted({name for name, _ in query}))
    odd = bool(_TELLING_TEXT.search(unquote_plus(request.query.replace("&", "").replace("=", ""))))
    value = parsed(request.body.data)
    if value is None and request.body.data:
        form = parse_qsl(request.body.data[:4096].decode("latin-1"), keep_blank_values=True)
        odd = odd or any("+" in text or "%" in text for _, text in form)
        return (names, odd, tuple(sorted({name for name, _ in form})) if len(form) < 40 else ())
    conditional = tuple(sorted(n.lower() for n, _ in request.headers if n.lower().startswith(("if-", "range"))))
    return (names, odd, _shape(value), conditional)


def look_of(data: bytes) -> Hashable:
    """Which fields a body has, and which of its arrays are empty; None for what is no JSON."""
    return _look(parsed(data))


def _look(value: object) -> Hashable:
    if isinstance(value, dict):
        return tuple((key, _look(child)) for key, child in sorted(value.items()))
    return ("rows", bool(value)) if isinstance(value, list) else "value"


def _shape(value: object, depth: int = 0) -> Hashable:
    if isinstance(value, dict):
        if depth > 4 or len(value) > 60:
            return "object"
        return tuple((key, _shape(child, depth + 1)) for key, child in sorted(value.items()))
    if isinstance(value, list):
        return ("list", frozenset(_shape(child, depth + 1) for child in value))
    return type(value).__name__


def _code(value: object) -> Hashable:
    """What an error says it is: its short texts, whatever numbers are in them, and without tokens."""
    texts = {
        _DIGITS.sub("#", leaf)
        for _, leaf in _leaves(value)
        if isinstance(leaf, str) and len(leaf) < 80 and (" " in leaf or not _DIGITS.search(leaf))
    }
    return orjson.dumps(sorted(texts))
