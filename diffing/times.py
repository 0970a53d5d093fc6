"""Points in time as APIs write them, and whether two passes mean "the same moment" by them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil, floor

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?", re.ASCII | re.I
)
_FRACTION = re.compile(r"[.,](\d+)", re.ASCII)
_COMPACT = re.compile(r"\d{8}T\d{6}Z?", re.ASCII)
_HTTP = re.compile(
    r"(?:[A-Z][a-z]{2,8}, )?\d{1,2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d(?: (?:GMT|UTC|[+-]\d{4}))?"
)
_DIGITS = re.compile(r"\d{10}(?:\.\d{1,9}|\d{3}|\d{6})?", re.ASCII)
_EARLIEST, _LATEST = 1.0e9, 4.1e9  # 2001 to 2099: epoch numbers outside are no times
_SLACK = 2.0
"""Seconds by which a value may lie outside its window: whole-second formats and clocks that are a little apart."""
_QUARTER = 900
_SHIFTS = 56
"""Time zones are whole quarters of an hour, up to 14 hours off UTC."""
DAY = 86_400.0
_UNITS = (60.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, DAY)
"""Seconds to which limits and statistics are rounded."""
OTHER_TIME = "time -> other time"
"""The transition of two times that mean different moments."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: seconds since the epoch (naive texts read as UTC), and for how long the text stays the same."""

    at: float
    resolution: float


@dataclass(frozen=True, slots=True)
class Window:
    """When one pass answered: the start of the pass, and of this answer; the end of this answer. All 0: not known."""

    opened: float
    started: float
    ended: float

    @property
    def known(self) -> bool:
        return self.ended > 0.0


UNKNOWN = Window(0.0, 0.0, 0.0)


def moment(value: object) -> Moment | None:
    """The time that a leaf means, if it can mean one: ISO 8601 variants, HTTP dates, epoch seconds, ms and us."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _epoch(float(value), isinstance(value, float)) if abs(value) < 1e17 else None
    if not isinstance(value, str) or not 8 <= len(value) <= 40:
        return None
    if value[0].isdigit():
        if _DIGITS.fullmatch(value):
            return _epoch(float(value), "." in value)
        if _ISO.fullmatch(value) or _COMPACT.fullmatch(value):
            return _iso(value)
    if _HTTP.fullmatch(value):
        try:
            parsed = parsedate_to_datetime(value)
        except (TypeError, ValueError, OverflowError):
            return None
        return _moment(parsed, 1.0)
    return None


def _epoch(number: float, fraction: bool) -> Moment | None:
    for scale in (1.0, 1e3, 1e6):
        if _EARLIEST < number / scale < _LATEST:
            return Moment(number / scale, 0.001 if fraction and scale == 1.0 else 1.0 / scale)
    return None


def _iso(text: str) -> Moment | None:
    try:
        parsed = datetime.fromisoformat(text.replace(",", ".").upper().replace(" Z", "Z"))
    except ValueError:
        return None
    if len(text) == 10:
        return _moment(parsed, DAY)
    fraction = _FRACTION.search(text)
    return _moment(parsed, 60.0 if len(text) == 16 else 10.0 ** -len(fraction[1]) if fraction else 1.0)


def _moment(parsed: datetime, resolution: float) -> Moment | None:
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    try:
        return Moment(parsed.timestamp(), resolution)
    except (OverflowError, ValueError):
        return None


def same_moment(baseline: Moment, candidate: Moment, when_a: Window, when_b: Window) -> bool:
    """Whether two values stand for one moment of two passes that ran at different times.

    Either both lie within what their own pass has done so far, read in one and the same time zone; or both are as far
    from the answer that carries them (an expiry an hour ahead); or both are the end, or the beginning, of the minute,
    hour … of the answer.
    """
    if not (when_a.known and when_b.known):
        return False
    if baseline.resolution >= DAY or candidate.resolution >= DAY:
        if baseline.resolution != candidate.resolution:
            return False
        return bool(_days_ahead(baseline, when_a) & _days_ahead(candidate, when_b))
    if shifts(baseline, when_a) & shifts(candidate, when_b):
        return True
    if _same_round(baseline, candidate, when_a, when_b):
        return True
    slack = _SLACK + (when_a.ended - when_a.started) + (when_b.ended - when_b.started) + baseline.resolution
    return abs((baseline.at - when_a.started) - (candidate.at - when_b.started)) <= slack


def _same_round(baseline: Moment, candidate: Moment, when_a: Window, when_b: Window) -> bool:
    """Whether both are the same beginning of a unit of time, seen from their answers: of this minute, of the next."""
    return any(
        baseline.at % unit == candidate.at % unit == 0
        and any(
            abs(ahead) <= 1 for ahead in _units_ahead(baseline, when_a, unit) & _units_ahead(candidate, when_b, unit)
        )
        for unit in _UNITS
    )


def _units_ahead(value: Moment, window: Window, unit: float) -> set[float]:
    """By how many units a time lies ahead of that of its answer; several when one began while it was made."""
    return {
        value.at / unit - (at + slack) // unit
        for at in (window.started, window.ended)
        for slack in (-_SLACK, 0, _SLACK)
    }


def _days_ahead(value: Moment, window: Window) -> set[float]:
    """By how many days a date lies ahead of its answer; two when midnight passed while it was made."""
    day = value.at // DAY
    return {day - window.started // DAY, day - window.ended // DAY}


def shifts(value: Moment, window: Window) -> set[int]:
    """The time zones (quarters of an hour off UTC) in which the value lies within the pass so far."""
    low = window.opened - _SLACK - value.resolution
    high = window.ended + _SLACK
    first = max(-_SHIFTS, ceil((low - value.at) / _QUARTER))
    last = min(_SHIFTS, floor((high - value.at) / _QUARTER))
    return set(range(first, last + 1))
