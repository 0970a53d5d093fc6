"""Numbers that turned up during a recording: what a page shows after a form led to it, and did not show before.

An API hands out the id of what it makes. Who takes a form answers with a redirect, and the id is first seen by a
request that only reads, as are the ids of what was there before. Ids grow: what was made is larger than all that was
seen of what was there before, whatever others made meanwhile; and from the smallest of those on, no number says that
its thing was there before the passes began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from recorder.exchange import RecordedResponse, header

from .atoms import is_integer

MAX_PAGES = 20_000
"""Addresses that are remembered; a recording with more of them has learned what it needs before."""


@dataclass(slots=True)
class TurnedUp:
    """Reads the answers of one pass in order; `least` holds for each sort the smallest number that turned up."""

    least: dict[str, int] = field(default_factory=dict)
    _highest: dict[str, int] = field(default_factory=dict)  # sort -> the largest number that is none of `least`'s
    _shown: set[str] = field(default_factory=set)  # pages that were read
    _led_to: set[str] = field(default_factory=set)  # pages that forms have led to since
    _here: dict[str, set[int]] = field(default_factory=dict)  # sort -> numbers of the answer that is being read

    def note(self, sort: str, text: str) -> None:
        """A value of the answer that is being read."""
        if is_integer(text):
            self._here.setdefault(sort, set()).add(int(text))

    def close(self, target: str, reads: bool, answer: RecordedResponse) -> None:
        """The answer to a request for `target` was read to its end."""
        path = urlsplit(target).path
        if not reads and 300 <= answer.status < 400:
            led_to = urlsplit(header(answer.headers, "location")).path
            if led_to in self._shown:  # a page that is seen for the first time shows old things as well
                self._led_to.add(led_to)
        elif reads and 200 <= answer.status < 300 and len(self._shown) < MAX_PAGES:
            if path in self._led_to:
                self._take_for_new()
            self._shown.add(path)
        elif not reads and answer.status == 201:
            self._take_for_new()
        for sort, numbers in self._here.items():
            old = [number for number in numbers if number < self.least.get(sort, number + 1)]
            self._highest[sort] = max([*old, self._highest.get(sort, -1)])
        self._here = {}

    def _take_for_new(self) -> None:
        """What this answer shows was made, as far as it is larger than all that was there before."""
        for sort, numbers in self._here.items():
            new = [number for number in numbers if number > self._highest.get(sort, -1)]
            if new:
                self.least[sort] = min([*new, self.least.get(sort, new[0])])


def may_be_new(least: Mapping[str, int], sort: str, text: str) -> bool:
    """Whether a number may belong to something that was made during the passes."""
    return sort in least and is_integer(text) and int(text) >= least[sort]
