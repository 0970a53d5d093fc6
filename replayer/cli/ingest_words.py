"""What is said of an ingest: one line that is kept up to date on a terminal, lines now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from ..draining import Progress
from ..intake import Taken
from ..reports.wording import visible
from ..store import Gaps, RecordingInfo
from . import output

EVERY = 10.0
"""Seconds between two lines in a log."""

TERMINAL_EVERY = 0.2
"""Seconds between two versions of the line on a terminal."""


class Line:
    """The progress of one ingest."""

    def __init__(self, once: bool, stream: str) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = 0.0
        self._trouble = ""
        self._last = (0.0, 0)
        self._rate = 0.0
        until = "until nothing is waiting" if once else "until stopped"
        output.note(f"understudy: draining {visible(stream)} {until}.")

    def show(self, progress: Progress) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        if progress.trouble and progress.trouble != self._trouble:
            self.end()
            output.note(visible(f"understudy: {progress.trouble} Waiting for it; nothing is lost."))
        elif self._trouble and not progress.trouble:
            output.note("understudy: it can be used again.")
        self._trouble = progress.trouble
        if progress.trouble or now - self._shown < (TERMINAL_EVERY if self._terminal else EVERY):
            return
        self._shown = now
        since, before = self._last
        if progress.seconds - since >= 1:
            self._rate = (progress.taken.exchanges - before) / (progress.seconds - since)
            self._last = (progress.seconds, progress.taken.exchanges)
        text = f"{_counts(progress.taken)}; {self._rate:,.0f}/s; {progress.waiting:,} batches waiting"
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif progress.taken.batches:
            output.note(f"[{progress.seconds:6.0f} s] {text}")

    def end(self) -> None:
        """What follows begins on a line of its own."""
        if self._terminal and self._shown:
            sys.stderr.write("\n")
            self._shown = 0.0


def ingested(taken: Taken, recordings: Sequence[tuple[RecordingInfo, Gaps]]) -> None:
    """What came of it."""
    output.say(f"{_counts(taken)} in {taken.batches:,} batches.")
    if taken.unreadable:
        output.say(f"  {taken.unreadable:,} batches could not be read: `understudy recordings show NAME` says which.")
    for info, gaps in recordings:
        state = "open" if info.closed is None else "closed"
        output.say(
            visible(f"  {info.name} ({state}): {info.exchanges:,} exchanges of {info.service} {info.release}".rstrip())
        )
        if gaps.missing:
            output.say(f"    missing {gaps.missing:,} by their sequence numbers; {gaps.lost:,} reported by no process")


def _counts(taken: Taken) -> str:
    parts = [f"{taken.added:,} exchanges added"]
    if taken.duplicates:
        parts.append(f"{taken.duplicates:,} there already")
    if taken.damaged:
        parts.append(f"{taken.damaged:,} damaged")
    return ", ".join(parts)
