"""When each pass answered what: the windows that times in its answers are read against."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache

from recorder.exchange import Exchange, header

from .difference import Answer, Case
from .times import Moment, Window, shifts

Side = tuple[bool, int]
"""Whether it is a pass of the baseline, and its number."""
RECORDED: Side = (False, -1)

_SLOP = 0.003
"""Seconds that a clock may lead or lag beside what its Date fields show: it is read a moment earlier or later."""
_DATES = 20
"""Answers with a Date field that fix a clock well enough: each narrows it by chance."""
_REMEMBERED = 10_000
"""Moments of a pass whose exchanges are remembered: answers that name a time are near one another."""


@dataclass(slots=True)
class Timeline:
    """One pass: which exchanges were under way when, by the clock of whoever answered them.

    Times in answers are the target's, windows are ours. How far the two clocks are apart shows in the Date fields
    (RFC 9110 §6.6.1): one that says `d` was made between `d` and `d + 1`, and within its answer's window.
    """

    starts: array[float] = field(default_factory=lambda: array("d"))  # in order
    ends: array[float] = field(default_factory=lambda: array("d"))  # in that order, too
    numbers: array[int] = field(default_factory=lambda: array("q"))  # of the cases
    longest: float = 0.0
    minting: list[tuple[float, float]] = field(default_factory=list)  # when credentials were minted: start, end
    ahead: tuple[float, float] | None = None  # least and most seconds by which the target's clock leads ours
    _known: dict[tuple[float, float], frozenset[int]] = field(default_factory=dict)

    @property
    def lead(self) -> float:
        """Seconds by which the target's clock leads ours, as well as that is known; 0 when it is not."""
        return sum(self.ahead) / 2 if self.ahead is not None else 0.0

    def under_way(self, at: float, resolution: float) -> frozenset[int]:
        """The exchanges being answered at a moment of the target's clock, which may be cut to `resolution` seconds."""
        known = self._known.get((at, resolution))
        if known is not None:
            return known
        assert self.ahead is not None
        first = at - self.ahead[1] - _SLOP
        last = at + resolution - self.ahead[0] + _SLOP
        found = []
        for i in range(bisect_right(self.starts, last) - 1, -1, -1):
            if self.starts[i] < first - self.longest:
                break
            if self.ends[i] >= first:
                found.append(self.numbers[i])
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[at, resolution] = frozenset(found)
        return self._known[at, resolution]

    def is_minting(self, at: float, resolution: float) -> bool:
        """Whether credentials were being minted at a moment of the target's clock."""
        assert self.ahead is not None
        first, last = at - self.ahead[1] - _SLOP, at + resolution - self.ahead[0] + _SLOP
        return any(start <= last and end >= first for start, end in self.minting)


class Drawing:
    """A pass whose answers are read one after the other, until its timeline can be drawn."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, float, int]] = []  # start, end, number of the case
        self._minting: list[tuple[float, float]] = []
        self._low, self._high, self._dates = float("-inf"), float("inf"), 0

    def add(self, number: int, answer: Answer) -> None:
        """The answer to the case of that number."""
        if answer.ended <= 0.0:
            return
        self._entries.append((answer.started, answer.ended, number))
        if answer.minting:
            self._minting.append((answer.minting, answer.started))
        date = _date(answer)
        if date is not None:
            self._dates += 1
            self._low, self._high = max(self._low, date - answer.ended), min(self._high, date + 1.0 - answer.started)

    def timeline(self) -> Timeline:
        """The timeline of what was added."""
        self._entries.sort()
        known = self._dates >= _DATES and self._low <= self._high + 2 * _SLOP
        return Timeline(
            array("d", [start for start, _, _ in self._entries]),
            array("d", [end for _, end, _ in self._entries]),
            array("q", [number for _, _, number in self._entries]),
            max((end - start for start, end, _ in self._entries), default=0.0),
            self._minting,
            (min(self._low, self._high), max(self._low, self._high)) if known else None,
        )


class PassClock:
    """The timelines of all passes of some cases, and the moment at which each pass began."""

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        drawn: defaultdict[Side, Drawing] = defaultdict(Drawing)
        for number, case in enumerate(cases):
            exchange = case.exchange
            drawn[RECORDED].add(number, Answer(exchange.response, "", exchange.started, exchange.ended))
            for in_baseline, side in ((True, case.baseline), (False, case.candidate)):
                for i, answer in enumerate(side):
                    drawn[in_baseline, i].add(number, answer)
        self._timelines = {side: drawing.timeline() for side, drawing in drawn.items()}
        self._opened = {side: line.starts[0] for side, line in self._timelines.items() if line.starts}

    def window(self, case: Case, number: int, in_baseline: bool) -> Window:
        """The window of one pass's answer, by the target's clock as far as that is known."""
        answer: Answer = (case.baseline if in_baseline else case.candidate)[number]
        if answer.ended <= 0.0:
            return Window(0.0, 0.0, 0.0)
        side = (in_baseline, number)
        lead = self._timelines[side].lead
        return Window(self._opened[side] + lead, answer.started + lead, answer.ended + lead)

    def recorded(self, exchange: Exchange) -> Window:
        """The window of the recorded answer."""
        return Window(self._opened.get(RECORDED, 0.0), exchange.started, exchange.ended)

    def between(self, left: Side, right: Side) -> Attribution | None:
        """What tells whether times of two passes belong to the same requests; None when a clock is not known."""
        a, b = self._timelines.get(left), self._timelines.get(right)
        if a is None or b is None or a.ahead is None or b.ahead is None:
            return None
        return Attribution(a, b)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Two passes whose clocks are known."""

    left: Timeline
    right: Timeline

    def agree(self, a: Moment, b: Moment, when_a: Window, when_b: Window) -> bool:
        """Whether some request was under way at both moments, each seen in its own pass, in one and the same time zone.

        `updated_at` that means the creation instead of the update is within its pass, and yet the time of another
        request.
        """
        for shift in shifts(a, when_a) & shifts(b, when_b):
            zone = shift * 900.0
            if self.left.is_minting(a.at + zone, a.resolution) or self.right.is_minting(b.at + zone, b.resolution):
                return (
                    True  # whoever logs in for a client does so when that is needed first, and no request tells of it
                )
            ours = self.left.under_way(a.at + zone, a.resolution)
            if not ours.isdisjoint(self.right.under_way(b.at + zone, b.resolution)):
                return True
        return False


def _date(answer: Answer) -> float | None:
    return _read(header(answer.response.headers, "date")) if answer.response is not None else None


@lru_cache(maxsize=4096)
def _read(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (TypeError, ValueError, OverflowError):
        return None
