"""Numbers that turned up during a recording: what a page shows after a form led to it, and did not show before.

An API hands out the id of what it makes. Who takes a form answers with a redirect, and the id is first seen by a
request that only reads, as are the ids of what was there before. Ids grow: what was made is larger than all that was
seen, and from the first of those on, no number says that its thing was there before the passes began.
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
    _highest: dict[str, int] = field(default_factory=dict)
    _shown: set[str] = field(default_factory=set)  # pages that were read
    _led_to: set[str] = field(default_factory=set)  # pages that forms have led to since
    _here: dict[str, int] = field(default_factory=dict)  # sort -> the largest number of the answer that is being read

    def note(self, sort: str, text: str) -> None:
        """A value of the answer that is being read."""
        if is_integer(text):
            self._here[sort] = max(int(text), self._here.get(sort, 0))

    def close(self, target: str, reads: bool, answer: RecordedResponse) -> None:
        """The answer to a request for `target` was read to its end."""
        path = urlsplit(target).path
        if not reads and 300 <= answer.status < 400:
            led_to = urlsplit(header(answer.headers, "location")).path
            if led_to in self._shown:  # a page that is seen for the first time shows old things as well
                self._led_to.add(led_to)
        elif reads and 200 <= answer.status < 300 and len(self._shown) < MAX_PAGES:
            for sort, number in self._here.items():
                if path in self._led_to and number > self._highest.get(sort, -1):
                    self.least[sort] = min(number, self.least.get(sort, number))
            self._shown.add(path)
        for sort, number in self._here.items():
            self._highest[sort] = max(number, self._highest.get(sort, number))
        self._here = {}


def may_be_new(least: Mapping[str, int], sort: str, text: str) -> bool:
    """Whether a number may belong to something that was made during the passes."""
    return sort in least and is_integer(text) and int(text) >= least[sort]
