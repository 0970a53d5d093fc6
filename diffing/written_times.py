"""Times as people read them, within a text or as a number: `Nov. 27, 2026, 4:18 a.m.`, `27.11.2026`, a `minute` of 18.

Such a time is coarse: all passes that taught may have been made within one minute, and the candidate's in the next.
Two of them mean the same when both lie within what their own pass has done so far, in one and the same time zone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from .times import DAY, Moment, Window, same_moment, shifts

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_NAME = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_WRITTEN = re.compile(
    rf"""
    (?P<clock>(?<![\d:.])(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?![\d:])(?:[ ]?[ap]\.?m\b\.?)?)
    | (?P<named>\b{_NAME}[ ](?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[ ](?P<year>\d{{4}})
        | \b(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?[. -]+{_NAME}[ ,-]+(?P<year2>\d{{4}}))
    | (?P<figures>(?<![\d./-])(?P<one>\d{{1,2}})(?P<mark>[./-])(?P<two>\d{{1,2}})(?P=mark)(?P<three>\d{{4}}|\d\d)
        (?![\d./-]))
    """,
    re.X | re.I | re.ASCII,
)
_LONGEST = 2000
"""Characters of a text that is looked at."""
_STEPS = {"second": (1.0, 60.0), "minute": (60.0, 3600.0), "hour": (3600.0, DAY)}
"""What one of it takes, and after how long it begins anew."""
_NUMBER = re.compile(r"(?:^|[._])(second|minute|hour|day)s?$", re.I)


def written_alike(a: str, b: str, when_a: Window, when_b: Window) -> bool:
    """Whether two texts are the same but for written times in them, and those stand for the same moments."""
    if len(a) > _LONGEST or len(b) > _LONGEST or not (when_a.known and when_b.known):
        return False
    left, right = list(_WRITTEN.finditer(a)), list(_WRITTEN.finditer(b))
    if not left or len(left) != len(right) or _WRITTEN.sub("\0", a) != _WRITTEN.sub("\0", b):
        return False
    pairs = list(zip(left, right, strict=True))
    joined = {
        index
        for first in range(len(pairs) - 1)
        if _joined_alike(pairs[first], pairs[first + 1], when_a, when_b)
        for index in (first, first + 1)
    }
    return all(
        index in joined
        or one[0] == other[0]
        or (one.lastgroup == other.lastgroup and _alike(one, other, when_a, when_b))
        for index, (one, other) in enumerate(pairs)
    )


def part_alike(key: str, a: object, b: object, when_a: Window, when_b: Window) -> bool:
    """Whether two integers at a place called `minute`, `hour`, `day` or `second` are those of the same moments."""
    named = _NUMBER.search(key)
    if named is None or type(a) is not int or type(b) is not int or not (when_a.known and when_b.known):
        return False
    name = named[1].lower()
    if name == "day":
        return a - _day(when_a) == b - _day(when_b) and abs(a - _day(when_a)) <= 1
    step, around = _STEPS[name]
    return _same_turn(a * step, b * step, step, around, when_a, when_b)


def _alike(one: re.Match[str], other: re.Match[str], when_a: Window, when_b: Window) -> bool:
    if one["clock"] is not None and other["clock"] is not None:
        resolution = 1.0 if one["second"] else 60.0
        return _same_turn(_seconds(one), _seconds(other), resolution, DAY, when_a, when_b)
    pairs = zip(_dates(one), _dates(other), strict=False)
    return any(same_moment(Moment(x, DAY), Moment(y, DAY), when_a, when_b) for x, y in pairs)


def _joined_alike(
    days: tuple[re.Match[str], re.Match[str]],
    clocks: tuple[re.Match[str], re.Match[str]],
    when_a: Window,
    when_b: Window,
) -> bool:
    """Whether a date and the clock behind it mean the same moments: `27.11.2026 23:23` and `28.11.2026 00:04`."""
    if any(day["clock"] is not None for day in days) or any(clock["clock"] is None for clock in clocks):
        return False
    (one, other), (before, after) = (_dates(day) for day in days), (_seconds(clock) for clock in clocks)
    resolution = 1.0 if clocks[0]["second"] else 60.0
    return any(
        same_moment(Moment(x + before, resolution), Moment(y + after, resolution), when_a, when_b)
        for x, y in zip(one, other, strict=False)
        if min(x, y) > 0
    )


def _same_turn(a: float, b: float, resolution: float, around: float, when_a: Window, when_b: Window) -> bool:
    """Whether two figures of a clock that begins anew after `around` seconds are seen in one and the same time zone."""
    return bool(_zones(a, resolution, around, when_a) & _zones(b, resolution, around, when_b))


def _zones(value: float, resolution: float, around: float, when: Window) -> set[int]:
    turn = when.ended // around * around
    return set().union(*(shifts(Moment(turn + value + n * around, resolution), when) for n in (-1, 0, 1)))


def _seconds(match: re.Match[str]) -> float:
    half = match[0].lower().partition(" ")[2][:1]  # a.m. or p.m.
    hour = int(match["hour"]) % 12 + 12 * (half == "p") if half else int(match["hour"])
    return hour * 3600.0 + int(match["minute"]) * 60.0 + int(match["second"] or 0)


def _dates(match: re.Match[str]) -> list[float]:
    """The days that a written date may mean, in seconds since the epoch: in figures, day or month may come first."""
    if match["figures"] is not None:
        year = int(match["three"]) + (2000 if len(match["three"]) == 2 else 0)
        orders = [(year, int(match["two"]), int(match["one"])), (year, int(match["one"]), int(match["two"]))]
    else:
        name = re.search(_NAME, match[0], re.I)
        assert name is not None
        month = _MONTHS.index(name[0][:3].lower()) + 1
        orders = [(int(match["year"] or match["year2"]), month, int(match["day"] or match["day2"]))]
    found = []
    for order in orders:
        try:
            found.append(datetime(*order, tzinfo=UTC).timestamp())
        except ValueError:
            found.append(float("-inf"))
    return found


def _day(when: Window) -> int:
    return datetime.fromtimestamp(when.ended, UTC).day
