"""What a test asserts about a value of an answer: itself where it was the same each time, a matcher where it varies.

Each script was played several times, each time on a fresh database. What varied in one script is known to vary at
that place of the route in all of them, and patterns are made of all values that were seen there. Nothing else is
guessed, but for times: one that is near to now will be another one tomorrow.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from diffing.times import moment

from .literals import Code, Made
from .patterns import pattern_of

DAY = 86400.0
NEAR_PAST = 3 * DAY
NEAR_FUTURE = 3653 * DAY
"""A time that lies this close to now moves with it, as far as anybody can tell; what lies further off stands still."""
MAX_KNOWN = 200
"""Values of one place that a pattern is made of."""

_DATED = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.\d{4}|\d{1,2}/\d{1,2}/\d{4}")


@dataclass(slots=True)
class Variation:
    """What is known to vary, over all scripts: place -> values that were seen there, and arrays without an order."""

    places: dict[str, dict[object, None]] = field(default_factory=lambda: defaultdict(dict))
    unordered: set[str] = field(default_factory=set)

    def note(self, place: str, values: Sequence[object]) -> None:
        """Takes in what the plays of one script had at a place."""
        for where, leaves in _columns(place, values):
            if isinstance(leaves[0], list):
                self.unordered.add(where)
                continue
            if any(type(leaf) is not type(leaves[0]) or leaf != leaves[0] for leaf in leaves):
                known = self.places[where]
                if len(known) < MAX_KNOWN:
                    known.update(dict.fromkeys(leaves))

    def at(self, place: str) -> tuple[object, ...]:
        """Values of a place that varies; none of one that does not."""
        return tuple(self.places.get(place, ()))


def _columns(place: str, values: Sequence[object]) -> Iterator[tuple[str, list[object]]]:
    """Each place below with what all values have there; rows are told apart by their number alone."""
    first = values[0]
    if all(isinstance(value, dict) for value in values):
        tables = [value for value in values if isinstance(value, dict)]
        for key in tables[0]:
            if all(key in table for table in tables):
                yield from _columns(f"{place}.{key}", [table[key] for table in tables])
    elif all(isinstance(value, list) for value in values):
        arrays = [value for value in values if isinstance(value, list)]
        if shuffled(arrays):
            yield place, list(values)
        else:
            for number, rows in enumerate(zip(*arrays, strict=False)):
                yield from _columns(element_of(place, arrays, number), list(rows))
    elif not isinstance(first, dict | list):
        yield place, list(values)


@dataclass(frozen=True, slots=True)
class Known:
    """What may be written for a value: the variables of the script, and how values vary."""

    variables: Mapping[str, object] = field(default_factory=dict)
    variation: Variation = field(default_factory=Variation)


def expected(place: str, values: Sequence[object], known: Known) -> object:
    """What all of these values are: a literal, or what holds matchers where they differ."""
    if all(isinstance(value, dict) for value in values):
        return _object(place, [value for value in values if isinstance(value, dict)], known)
    if all(isinstance(value, list) for value in values):
        return _array(place, [value for value in values if isinstance(value, list)], known)
    first = values[0]
    name = next((n for n, v in known.variables.items() if type(v) is type(first) and v == first), "")
    same = all(type(value) is type(first) and value == first for value in values)
    if same and name:
        return Code(name)
    told = [_told(value) for value in values]
    if isinstance(told[0], Made) and all(each == told[0] for each in told):
        return told[0]  # the time of day, which moves on whether or not it was seen to, and whatever others show there
    varied = [v for v in known.variation.at(place) if not (isinstance(v, dict | list) or (same and _is_of_now(v)))]
    if same and not varied:
        return told[0]
    return _matcher([*values, *(value for value in varied if same or type(value) in set(map(type, values)))])


def _object(place: str, values: Sequence[dict[str, object]], known: Known) -> object:
    keys = list(dict.fromkeys(key for value in values for key in value))
    always: dict[str, object] = {}
    at_times: dict[str, object] = {}
    for key in keys:
        found = expected(f"{place}.{key}", [value[key] for value in values if key in value], known)
        (always if all(key in value for value in values) else at_times)[key] = found
    return Made("Fields", (always,), (("at_times", at_times),)) if at_times else always


def _array(place: str, values: Sequence[list[object]], known: Known) -> object:
    where = f"{place}[*]"
    if shuffled(values) or (place in known.variation.unordered and len(values[0]) > 1 and are_alike(values)):
        return Made("AnyOrder", ([expected(where, [row], known) for row in values[0]],))
    if len({len(value) for value in values}) == 1:
        return [
            expected(element_of(place, values, number), list(rows), known)
            for number, rows in enumerate(zip(*values, strict=True))
        ]
    every = [row for value in values for row in value]
    least = min(map(len, values))
    return Made("Each", (expected(where, every, known),), (("least", least),) if least else ())


def element_of(place: str, values: Sequence[list[object]], number: int) -> str:
    """The place of an element: all rows share one, while each line of a text is a place of its own."""
    lines = all(isinstance(row, str) for value in values for row in value)
    return f"{place}[{number}]" if lines else f"{place}[*]"


def shuffled(values: Sequence[list[object]]) -> bool:
    """Whether the same elements come in another order."""
    return are_alike(values) and any(value != values[0] for value in values)


def are_alike(values: Sequence[list[object]]) -> bool:
    """Whether all have the same elements, in whatever order."""
    texts = [sorted(map(repr, value)) for value in values]
    return all(text == texts[0] for text in texts)


def _matcher(values: Sequence[object]) -> Made:
    if all(isinstance(value, str) for value in values):
        return _like(pattern_of(list(dict.fromkeys(map(str, values)))))
    names = {"None" if value is None else _type_name(value) for value in values}
    return Made("Some", tuple(Code(name) for name in sorted(names, key=lambda name: (name == "None", name))))


def _type_name(value: object) -> str:
    return type(value).__name__


def _told(value: object) -> object:
    """A value that was the same each time."""
    return _text(value) if isinstance(value, str) else _number(value)


def _is_of_now(value: object) -> bool:
    return isinstance(_told(value), Made)


def _number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        scales = (1.0, 1000.0) if isinstance(value, int) else (1.0,)
        if any(_is_near(value / scale) for scale in scales):
            return Made("Some", (Code(_type_name(value)),))
    return value


def _text(text: str) -> object:
    at = moment(text) if not text.isdigit() and len(text) < 40 else None
    if at is not None:
        return _like(pattern_of([text])) if _is_near(at.at) else text
    if any(_tells_a_near_date(found) for found in _DATED.findall(text)):
        pieces = _DATED.split(text)
        dates = [pattern_of([found]) for found in _DATED.findall(text)]
        return _like("".join(a + b for a, b in zip(map(_escaped, pieces), [*dates, ""], strict=True)))
    return text


def _escaped(text: str) -> str:
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


def _is_near(seconds: float) -> bool:
    now = time.time()
    return now - NEAR_PAST < seconds < now + NEAR_FUTURE


def _tells_a_near_date(text: str) -> bool:
    at = moment(text)
    return at is None or _is_near(at.at)


def _like(pattern: str) -> Made:
    if '"' in pattern and "'" not in pattern and "\n" not in pattern:
        return Made("Like", (Code(f"r'{pattern}'"),))
    pattern = pattern.replace('"', r"\x22").replace("\n", r"\n").replace("\r", r"\r")
    return Made("Like", (Code(f'r"{pattern}"'),))
