"""How values at a place that varies are spread: how often null or absent, which ones of a few, between which bounds.

A single value at such a place says little; many do. What the baseline's passes showed is compared with what the
candidate shows over all exchanges of a route. Each test asks how probable the candidate's count is if nothing changed;
and it is left out at places where a pass of the baseline would not have passed it: a host's name is the same within a
pass and another one in the next, so that passes, not exchanges, would have to be counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from .difference import DifferenceKind
from .fisher import more_often
from .kinds import json_type
from .tails import at_least
from .times import DAY, moment

ABSENT = "absent"
EMPTY = "empty"
"""A list or object without anything in it; with something in it, it is an `array` or `object`."""

MIN_KNOWN = 12
"""Sightings in the baseline's passes below which shares and bands say nothing of a place."""
FEW_KNOWN = 6
"""The same for orders of magnitude."""
MIN_SEEN = 2
"""Sightings of the candidate below which nothing is said of a place."""
FAR = 30.0
"""How many times as large, or as small, a number has to be to be of another order, however few are known."""
MAX_VALUES = 24
"""Distinct values up to which a place counts as holding one of a few."""
MAX_UNSEEN = 0.02
"""Largest share of values still to come that a closed set may have, estimated by those seen once (Good 1953)."""
MIN_PER_VALUE = 4
"""Sightings per distinct value, on average, from which a set may be closed."""
CHANCE = 1e-3
"""Probability that one of all tests of a run reports a place where nothing changed; confirmation comes on top."""
LENIENT = 1e-3
"""The same for one test of one pass of the baseline against the others. More lenient than what reports a candidate."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One value at one place. `kind` is a JSON type, `empty` or `absent`; `path` is concrete."""

    kind: str
    value: object
    path: str
    shape: str


@dataclass(frozen=True, slots=True)
class Spread:
    """What the passes of a baseline showed at one place, and which tests hold between them."""

    kinds: Mapping[str, int]  # JSON type, "empty" or "absent" -> sightings
    values: Mapping[str, int]  # texts of scalars -> sightings; empty when there are too many
    singles: int = 0  # of the values, seen once
    low: float = 0.0  # of the numbers
    high: float = 0.0
    numbers: int = 0
    tests: frozenset[str] = frozenset()

    @property
    def total(self) -> int:
        return sum(self.kinds.values())

    def bounds(self) -> tuple[float, float]:
        """The band of the numbers, wider by half its width on either side; of positive ones, by the root of its ratio.

        Durations and amounts are skewed: by its width alone the band of 1 to 100 would hold 0 and -40.
        """
        margin = (self.high - self.low) / 2
        low, high = self.low - margin, self.high + margin
        if self.low >= 0:
            ratio = sqrt(self.high / self.low) if self.low else 1.0
            return max(low, self.low / ratio), max(high, self.high * ratio)
        return low, high

    def to_json(self) -> list[Any]:
        kinds, values = dict(sorted(self.kinds.items())), dict(sorted(self.values.items()))
        return [kinds, values, self.singles, self.low, self.high, self.numbers, sorted(self.tests)]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Spread:
        kinds, values, singles, low, high, numbers, tests = data
        return cls(kinds, values, singles, low, high, numbers, frozenset(tests))


@dataclass(frozen=True, slots=True)
class Deviation:
    """A change of the spread at one place: which sightings show it, and in what words."""

    key: str
    test: str  # KINDS, VALUES, BAND, FLAG or ORDER
    value: str  # the kind, or the flag, that became more frequent; "" where any new value shows it
    kind: DifferenceKind
    transition: str
    before: str  # what the baseline showed, in words
    detail: str

    def shows(self, sighting: Sighting, spread: Spread) -> bool:
        """Whether this sighting is one of those that are new, or that became more frequent."""
        match self.test:
            case "kinds":
                return sighting.kind == self.value
            case "flag":
                return sighting.kind == "bool" and _text(sighting.value) == self.value
            case "values":
                text = _text(sighting.value)
                return text is not None and text not in spread.values
            case "order":
                return sighting.kind in ("int", "float") and _is_far(sighting.value, spread)
            case _:
                return _outside(sighting.value, spread)


KINDS, VALUES, BAND, FLAG, ORDER = "kinds", "values", "band", "flag", "order"


def learn_spread(passes: Sequence[Sequence[Sighting]]) -> Spread | None:
    """The spread over some passes; None when there is too little to say anything of it."""
    if len(passes) < 2 or sum(map(len, passes)) < FEW_KNOWN:
        return None
    tests = {KINDS, VALUES, BAND, FLAG, ORDER}
    for i, one in enumerate(passes):
        others = _pooled([*passes[:i], *passes[i + 1 :]], frozenset(tests))
        tests -= {test for test, *_ in _grown(others, one, LENIENT)}
    if not _share_values(passes):
        tests.discard(VALUES)
    if not _share_bands(passes):
        tests.discard(BAND)
    if _are_no_words(passes):
        tests -= {VALUES, BAND, ORDER}
    return _pooled(passes, frozenset(tests))


def _share_values(passes: Sequence[Sequence[Sighting]]) -> bool:
    """Whether each pass shows mostly words that others show as well: a host's own name is another one in each."""
    words = [[text for sighting in one if (text := _text(sighting.value)) is not None] for one in passes]
    for i, mine in enumerate(words):
        others = {text for j, theirs in enumerate(words) if j != i for text in theirs}
        if mine and 2 * sum(text in others for text in mine) < len(mine):
            return False
    return True


def _share_bands(passes: Sequence[Sequence[Sighting]]) -> bool:
    """Whether the numbers of all passes overlap: those of a clock or a counter lie one pass after the other."""
    bands = [
        (min(numbers), max(numbers))
        for one in passes
        if (numbers := [_number(s.value) for s in one if s.kind in ("int", "float")])
    ]
    return all(low <= other_high for low, _ in bands for _, other_high in bands)


def _are_no_words(passes: Sequence[Sequence[Sighting]]) -> bool:
    """Whether the values are times, or figures written as text.

    The end of a window of a minute, or what is left of an allowance (`X-RateLimit-Remaining: 5995`), is one of a few
    until it moves on.
    """
    scalars = [s.value for one in passes for s in one if _text(s.value) is not None]
    return 2 * sum(_is_figure(value) or _is_time(value) for value in scalars) > len(scalars)


def _is_figure(value: object) -> bool:
    return isinstance(value, str) and len(value) > 1 and value.isdecimal()


def _is_time(value: object) -> bool:
    time = moment(value)
    return time is not None and time.resolution < DAY


def deviations(key: str, spread: Spread, seen: Sequence[Sighting], chance: float) -> list[Deviation]:
    """What changed beyond `chance` at a place."""
    if len(seen) < MIN_SEEN:
        return []
    return [_described(key, spread, seen, test, value) for test, value in _grown(spread, seen, chance)]


def _pooled(passes: Iterable[Sequence[Sighting]], tests: frozenset[str]) -> Spread:
    kinds: Counter[str] = Counter()
    values: Counter[str] = Counter()
    numbers: list[float] = []
    for one in passes:
        for sighting in one:
            kinds[sighting.kind] += 1
            text = _text(sighting.value)
            if text is not None and len(values) <= MAX_VALUES:
                values[text] += 1
            if sighting.kind in ("int", "float"):
                numbers.append(_number(sighting.value))
            elif sighting.kind in ("array", EMPTY):
                numbers.append(float(len(sighting.value)) if isinstance(sighting.value, list) else 0.0)
    few = len(values) <= MAX_VALUES
    return Spread(
        kinds=dict(kinds),
        values=dict(values) if few else {},
        singles=sum(count == 1 for count in values.values()) if few else 0,
        low=min(numbers, default=0.0),
        high=max(numbers, default=0.0),
        numbers=len(numbers),
        tests=tests,
    )


def _grown(spread: Spread, seen: Sequence[Sighting], chance: float) -> list[tuple[str, str]]:
    """(test, value) of everything that is more frequent in `seen` than chance allows."""
    found: list[tuple[str, str]] = []
    total, known = len(seen), spread.total
    if not total or not known:
        return found
    if KINDS in spread.tests:
        for kind, count in sorted(Counter(sighting.kind for sighting in seen).items()):
            before = spread.kinds.get(kind, 0)
            if count * known > before * total and more_often(count, total, before, known) <= chance:
                found.append((KINDS, kind))
    if FLAG in spread.tests:
        flags = [text for sighting in seen if sighting.kind == "bool" and (text := _text(sighting.value))]
        for flag, count in sorted(Counter(flags).items()):
            before = spread.values.get(flag, 0)
            if more_often(count, len(flags), before, spread.kinds.get("bool", 0)) <= chance:
                found.append((FLAG, flag))
    if VALUES in spread.tests and is_closed(spread):
        texts = [text for sighting in seen if sighting.kind != "bool" and (text := _text(sighting.value)) is not None]
        new = sum(text not in spread.values for text in texts)
        unseen = max(spread.singles, 1) / sum(spread.values.values())
        if new and at_least(new, len(texts), unseen) <= chance:
            found.append((VALUES, ""))
    numbers = [sighting for sighting in seen if sighting.kind in ("int", "float", "array", EMPTY)]
    if BAND in spread.tests and spread.numbers >= MIN_KNOWN and not found:
        outside = sum(_outside(sighting.value, spread) for sighting in numbers)
        # beyond the extremes lie, of exchangeable values, 2 in n + 1; the band is wider than that
        if outside and at_least(outside, len(numbers), 2 / (spread.numbers + 1)) <= chance:
            found.append((BAND, ""))
    enough = spread.numbers >= FEW_KNOWN and len(numbers) >= MIN_SEEN
    far = [sighting for sighting in numbers if sighting.kind in ("int", "float") and _is_far(sighting.value, spread)]
    if ORDER in spread.tests and enough and len(far) == len(numbers) and not found:
        found.append((ORDER, ""))
    return found


def is_closed(spread: Spread) -> bool:
    """Whether the words that were seen are all there are, as far as the sightings tell."""
    total = sum(spread.values.values())
    return (
        bool(spread.values)
        and total >= MIN_PER_VALUE * len(spread.values)
        and spread.singles <= MAX_UNSEEN * total
        and total >= MIN_KNOWN
    )


def _described(key: str, spread: Spread, seen: Sequence[Sighting], test: str, value: str) -> Deviation:
    if test == KINDS:
        now = Counter(sighting.kind for sighting in seen)
        # what it took the place of: the kind that lost most
        lost = max(spread.kinds, key=lambda kind: spread.kinds[kind] / spread.total - now[kind] / len(seen))
        kind, transition = _of_kinds(lost, value)
        before = f"{value} in {spread.kinds.get(value, 0)} of {spread.total}"
        return Deviation(key, test, value, kind, transition, before, f"now {value} in {now[value]} of {len(seen)}")
    if test == FLAG:
        count = sum(_text(sighting.value) == value for sighting in seen)
        before = f"{value} in {spread.values.get(value, 0)} of {spread.kinds.get('bool', 0)}"
        other = "false" if value == "true" else "true"
        detail = f"now {value} in {count} of {len(seen)}"
        return Deviation(key, test, value, DifferenceKind.VALUE, f"{other} -> {value}", before, detail)
    name = Counter(json_type(s.value) for s in seen if s.kind not in (ABSENT, "null")).most_common(1)[0][0]
    if test == VALUES:
        new = sum((text := _text(s.value)) is not None and text not in spread.values for s in seen)
        before = "one of " + ", ".join(sorted(spread.values)[:8]) + (" …" if len(spread.values) > 8 else "")
        detail = f"a value that the baseline never gave, in {new} of {len(seen)}"
        return Deviation(key, test, "", DifferenceKind.VALUE, f"{name} -> other {name}", before[:400], detail)
    outside = sum(_outside(sighting.value, spread) for sighting in seen)
    before = f"from {spread.low:g} to {spread.high:g}"
    detail = f"far from what the baseline gives, in {outside} of {len(seen)}"
    if name == "array":
        longer = sum(len(s.value) for s in seen if isinstance(s.value, list)) > spread.high * len(seen) / 2
        transition = "array -> longer array" if longer else "array -> shorter array"
        return Deviation(key, test, "", DifferenceKind.LENGTH, transition, before + " items", detail)
    return Deviation(key, test, "", DifferenceKind.VALUE, f"{name} -> other {name}", before, detail)


def _of_kinds(lost: str, new: str) -> tuple[DifferenceKind, str]:
    if new == ABSENT:
        return DifferenceKind.MISSING, "present -> missing"
    if lost == ABSENT:
        return DifferenceKind.EXTRA, "missing -> present"
    if EMPTY in (lost, new) and {lost, new} <= {EMPTY, "array"}:
        return DifferenceKind.LENGTH, "array -> shorter array" if new == EMPTY else "array -> longer array"
    kind = DifferenceKind.NULL if "null" in (lost, new) else DifferenceKind.TYPE
    return kind, f"{lost} -> {new}"


def _outside(value: object, spread: Spread) -> bool:
    if isinstance(value, list):
        number = float(len(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = _number(value)
    else:
        return False
    low, high = spread.bounds()
    return not low <= number <= high


def _is_far(value: object, spread: Spread) -> bool:
    """Whether a number is of another sign or order of magnitude than all that are known, which are positive."""
    return spread.low > 0 and not spread.low / FAR <= _number(value) <= spread.high * FAR


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _text(value: object) -> str | None:
    """The text of a scalar; None for null, containers, and texts that are no word of a closed set."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if len(value) <= 64 else None
    if isinstance(value, int | float):
        return repr(value)[:64]
    return None
