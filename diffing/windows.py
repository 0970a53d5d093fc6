"""When each pass answered what: the windows that times in its answers are read against."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache

from recorder.exchange import header

from .difference import Answer, Case
from .times import Moment, Window, shifts

Side = tuple[bool, int]
"""Whether it is a pass of the baseline, and its number."""
RECORDED: Side = (False, -1)

_SLOP = 0.003
"""Seconds that a clock may lead or lag beside what its Date fields show: it is read a moment earlier or later."""
_DATES = 20
"""Answers with a Date field that fix a clock well enough: each narrows it by chance."""
_REMEMBERED = 100_000


@dataclass(slots=True)
class Timeline:
    """One pass: which exchanges were under way when, by the clock of whoever answered them.

    Times in answers are the target's, windows are ours. How far the two clocks are apart shows in the Date fields
    (RFC 9110 §6.6.1): one that says `d` was made between `d` and `d + 1`, and within its answer's window.
    """

    starts: list[float] = field(default_factory=list)  # in order
    entries: list[tuple[float, float, int]] = field(default_factory=list)  # start, end, number of the case; in order
    longest: float = 0.0
    minting: list[tuple[float, float]] = field(default_factory=list)  # when credentials were minted: start, end
    ahead: tuple[float, float] | None = None  # least and most seconds by which the target's clock leads ours
    _known: dict[tuple[float, float], frozenset[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, answers: Iterable[tuple[int, Answer]]) -> Timeline:
        """The timeline of a pass, from its answers by number of the case."""
        entries, minting = [], []
        low, high, dates = float("-inf"), float("inf"), 0
        for number, answer in answers:
            if answer.ended <= 0.0:
                continue
            entries.append((answer.started, answer.ended, number))
            if answer.minting:
                minting.append((answer.minting, answer.started))
            date = _date(answer)
            if date is not None:
                dates += 1
                low, high = max(low, date - answer.ended), min(high, date + 1.0 - answer.started)
        entries.sort()
        known = dates >= _DATES and low <= high + 2 * _SLOP
        return cls(
            [start for start, _, _ in entries],
            entries,
            max((end - start for start, end, _ in entries), default=0.0),
            minting,
            (min(low, high), max(low, high)) if known else None,
        )

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
            start, end, number = self.entries[i]
            if start < first - self.longest:
                break
            if end >= first:
                found.append(number)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[at, resolution] = frozenset(found)
        return self._known[at, resolution]

    def is_minting(self, at: float, resolution: float) -> bool:
        """Whether credentials were being minted at a moment of the target's clock."""
        assert self.ahead is not None
        first, last = at - self.ahead[1] - _SLOP, at + resolution - self.ahead[0] + _SLOP
        return any(start <= last and end >= first for start, end in self.minting)


class PassClock:
    """The timelines of all passes of some cases, and the moment at which each pass began."""

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        answers: dict[Side, list[tuple[int, Answer]]] = {}
        for number, case in enumerate(cases):
            exchange = case.exchange
            recorded = Answer(exchange.response, "", exchange.started, exchange.ended)
            answers.setdefault(RECORDED, []).append((number, recorded))
            for in_baseline, side in ((True, case.baseline), (False, case.candidate)):
                for i, answer in enumerate(side):
                    answers.setdefault((in_baseline, i), []).append((number, answer))
        self._timelines = {side: Timeline.of(given) for side, given in answers.items()}
        self._opened = {side: line.starts[0] for side, line in self._timelines.items() if line.starts}

    def window(self, case: Case, number: int, in_baseline: bool) -> Window:
        """The window of one pass's answer, by the target's clock as far as that is known."""
        answer: Answer = (case.baseline if in_baseline else case.candidate)[number]
        if answer.ended <= 0.0:
            return Window(0.0, 0.0, 0.0)
        side = (in_baseline, number)
        lead = self._timelines[side].lead
        return Window(self._opened[side] + lead, answer.started + lead, answer.ended + lead)

    def recorded(self, case: Case) -> Window:
        """The window of the recorded answer."""
        return Window(self._opened.get(RECORDED, 0.0), case.exchange.started, case.exchange.ended)

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
