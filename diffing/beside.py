"""What stands beside a word: a job that is `done` has come to 100 %, an order that is `new` has no invoice.

Such a value varies, since the word beside it does, so that neither one answer nor the spread over all of them says
whether it is right. Its spread beside each word does. These spreads have location keys of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from .spreads import ABSENT, FLAG, KINDS, MIN_KNOWN, VALUES, Deviation, Spread, is_closed

_MARK = "\x1f"
"""Between the shape of a place and the word that stands beside it. No key of a JSON object is written so by hand."""
_WORD = re.compile(r"[A-Za-z][A-Za-z_ -]{1,23}", re.ASCII)
_TESTS = frozenset({KINDS, VALUES, FLAG})

MAX_BESIDE = 5000
"""Places beside words that are looked at; names of people are words, too."""
ENOUGH_BESIDE = 300
"""Sightings of one place beside one word that are kept of a pass."""


def beside(shape: str, step: str, word: str) -> str:
    """The shape of a place beside a word that stands under another key of the same object; `step` is `.status`."""
    return f"{shape}{_MARK}{step}={word}"


def is_beside(key: str) -> bool:
    """Whether a location key is that of a place beside a word."""
    return _MARK in key


def place_and_holder(shape: str) -> tuple[str, str]:
    """The place, and the one that holds the word ("" where there is none), of a shape or a location key."""
    place, mark, condition = shape.partition(_MARK)
    return place, _parent(place) + condition.partition("=")[0] if mark else ""


def _parent(place: str) -> str:
    return place[: max(place.rfind("."), place.rfind("["))]


def words_of(values: Mapping[str, object], steps: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(step, word) of those of the chosen keys of an object that hold a word."""
    for step in steps:
        value = values.get(step)
        if isinstance(value, str) and _WORD.fullmatch(value):
            yield step, value


def telling(spreads: Mapping[str, Spread]) -> dict[str, Spread]:
    """The spreads without those beside words that say no more than what is known of the place anyway."""
    found: dict[str, Spread] = {}
    for key, spread in spreads.items():
        place, holder = place_and_holder(key)
        if not holder:
            found[key] = spread
            continue
        words, whole = spreads.get(holder), spreads.get(place)
        if words is None or VALUES not in words.tests or not is_closed(words) or whole is None:
            continue
        tests = spread.tests & _TESTS
        if tests and spread.total >= MIN_KNOWN and _is_constant(spread) and not _is_constant(whole):
            found[key] = replace(spread, tests=tests)
    return found


def _is_constant(spread: Spread) -> bool:
    """Whether the place holds one value, or always or never nothing."""
    kinds = spread.kinds.keys()
    return len(spread.values) == 1 == len(kinds) or (len(kinds) == 1 and bool(kinds & {"null", ABSENT}))


def without_repetitions(found: Sequence[Deviation]) -> list[Deviation]:
    """The deviations without those beside a word at places that deviate whatever stands beside; they say which."""
    plain = {each.key for each in found if not is_beside(each.key)}
    return [
        each if not is_beside(each.key) else replace(each, before=f"{each.before} beside {_said(each.key)}")
        for each in found
        if not is_beside(each.key) or place_and_holder(each.key)[0] not in plain
    ]


def _said(key: str) -> str:
    step, _, word = key.partition(_MARK)[2].partition("=")
    return f"{step.removeprefix('.')} {word}"
