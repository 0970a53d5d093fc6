"""Numbers that turned up during a recording: what a page shows after a form led to it, and did not show before.

An API hands out the id of what it makes. Who takes a form answers with a redirect, and the id is first seen by a
request that only reads, as are the ids of what was there before. Ids grow: what was made is larger than all that was
seen of what was there before, whatever others made meanwhile; and from the smallest of those on, no number says that
its thing was there before the passes began. A log does not even need a form: what it lists in the order of its numbers
now, and did not when the same reader asked before, was made by somebody in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from recorder.exchange import RecordedResponse, header

from .atoms import is_integer

MAX_PAGES = 20_000
"""Addresses that are remembered; a recording with more of them has learned what it needs before."""
MIN_ROWS = 3
"""Rows whose times rise with their numbers before that is no coincidence."""


@dataclass(slots=True)
class TurnedUp:
    """Reads the answers of one pass in order; `least` holds for each sort the smallest number that turned up."""

    least: dict[str, int] = field(default_factory=dict)
    _highest: dict[str, int] = field(default_factory=dict)  # sort -> the largest number that is none of `least`'s
    _shown: set[str] = field(default_factory=set)  # pages that were read
    _led_to: set[str] = field(default_factory=set)  # pages that forms have led to since
    _tops: dict[tuple[str, str, str], int] = field(default_factory=dict)  # reader, target, sort -> largest number shown
    _here: dict[str, list[int]] = field(default_factory=dict)  # sort -> numbers of the answer that is being read
    _rows: dict[str, dict[str, int]] = field(default_factory=dict)  # sort -> path of its row -> the number there
    _made: dict[str, float] = field(default_factory=dict)  # path of its row -> the earliest time of the pass there

    def note(self, sort: str, text: str, path: str = "") -> None:
        """A value of the answer that is being read, and where it stands there."""
        if is_integer(text):
            self._here.setdefault(sort, []).append(int(text))
            if "]" in path:
                self._rows.setdefault(sort, {})[_row(path)] = int(text)

    def note_time(self, at: float, path: str) -> None:
        """A time of the pass, in seconds since the epoch, that the answer says at a place."""
        if "]" in path:
            self._made[_row(path)] = min(at, self._made.get(_row(path), at))

    def close(self, target: str, reads: bool, answer: RecordedResponse, reader: str = "") -> None:
        """The answer to a request of `reader` for `target` was read to its end."""
        path = _path(target)
        if not reads and 300 <= answer.status < 400:
            led_to = _path(header(answer.headers, "location"))
            if led_to in self._shown:  # a page that is seen for the first time shows old things as well
                self._led_to.add(led_to)
        elif reads and 200 <= answer.status < 300 and len(self._shown) < MAX_PAGES:
            if path in self._led_to:
                self._take_for_new()
            self._shown.add(path)
            self._compare_with_before(reader, target)
            self._believe_times()
        elif not reads and answer.status == 201:
            self._take_for_new()
        for sort, numbers in self._here.items():
            old = [number for number in numbers if number < self.least.get(sort, number + 1)]
            self._highest[sort] = max([*old, self._highest.get(sort, -1)])
        self._here, self._rows, self._made = {}, {}, {}

    def _compare_with_before(self, reader: str, target: str) -> None:
        """What a log shows beyond what it showed the same reader before was made since then."""
        for sort, numbers in self._here.items():
            if len(set(numbers)) < 2 or numbers not in (sorted(numbers), sorted(numbers, reverse=True)):
                continue  # in another order it shows now this and now that of what was there
            known = self._tops.get((reader, target, sort))
            new = [number for number in numbers if known is not None and number > known]
            if new:
                self.least[sort] = min([*new, self.least.get(sort, new[0])])
            if known is not None or len(self._tops) < MAX_PAGES:
                self._tops[reader, target, sort] = max(numbers)

    def _believe_times(self) -> None:
        """Rows of a log say when they were made: the later, the larger their numbers; what has no time is older."""
        for sort, rows in self._rows.items():
            numbered = sorted((number, self._made.get(row, 0.0)) for row, number in rows.items())
            times = [at for _, at in numbered]
            if len(numbered) >= MIN_ROWS and times == sorted(times) and times[-1] > 0.0:
                new = next(number for number, at in numbered if at > 0.0)
                self.least[sort] = min(new, self.least.get(sort, new))

    def _take_for_new(self) -> None:
        """What this answer shows was made, as far as it is larger than all that was there before."""
        for sort, numbers in self._here.items():
            new = [number for number in numbers if number > self._highest.get(sort, -1)]
            if new:
                self.least[sort] = min([*new, self.least.get(sort, new[0])])


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:  # `http://[`
        return address


def _row(path: str) -> str:
    return path[: path.rindex("]") + 1]


def may_be_new(least: Mapping[str, int], sort: str, text: str) -> bool:
    """Whether a number may belong to something that was made during the passes."""
    return sort in least and is_integer(text) and int(text) >= least[sort]
