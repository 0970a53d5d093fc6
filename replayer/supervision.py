"""A run under way, seen from the store: it gives signs of life, says what it does, and ends when it is asked to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from diffing.grouping import CONFIRMED, UNCONFIRMED, Finding

from .errors import InconclusiveError
from .rehearsal import Watcher
from .store import RunInfo, Store
from .summary import found_by_now

T = TypeVar("T")

BEAT_SECONDS = 1.0
SILENT_SECONDS = 30.0
"""Without a sign of life for so long, a run counts as lost and may be taken up again."""


STARTING = "starting"
"""The state of a run whose process was started, and has not begun with it yet."""


class StoppedError(InconclusiveError):
    """Somebody asked the run to end."""


class TellingWatcher(Watcher):
    """Passes everything on, and keeps what was said last, and what was found."""

    def __init__(self, to: Watcher) -> None:
        self._to = to
        self.said = ""
        self.found: tuple[Finding, ...] = ()

    def stage(self, text: str) -> None:
        self.said = text
        self._to.stage(text)

    def progress(self, name: str, done: int, total: int) -> None:
        self.said = f"{name}: {done:,} of {total:,}"
        self._to.progress(name, done, total)

    def seen(self, findings: Sequence[Finding]) -> None:
        self.found = tuple(findings)
        self._to.seen(findings)

    def confirmed(self, findings: Sequence[Finding]) -> None:
        now = {each.fingerprint for each in findings}
        self.found = tuple(
            replace(each, state=CONFIRMED if each.fingerprint in now else UNCONFIRMED) for each in self.found
        )
        self._to.confirmed(findings)


def state_of(run: RunInfo, now: float) -> str:
    """The state of a run at a moment in seconds since the epoch: one that gives no sign of life is `lost`."""
    silent = run.beat is None or run.beat < now - SILENT_SECONDS
    return "lost" if run.state in (STARTING, "running") and silent else run.state


async def supervised(store: Store, run_id: str, telling: TellingWatcher, work: Awaitable[T]) -> T:
    """What the work comes to. Raises StoppedError once somebody has asked the run to end, and all is cleaned up.

    A store that can not be reached for a while stops nothing: the work itself will say so when it needs it.
    """
    task = asyncio.ensure_future(work)
    beating = asyncio.ensure_future(_beat(store, run_id, telling))
    try:
        await asyncio.wait([task, beating], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        why = beating.result()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        raise StoppedError(f"The run was stopped: {why}.", f"`understudy runs resume {run_id}` begins it again.")
    finally:
        for each in (task, beating):
            each.cancel()
        await asyncio.gather(task, beating, return_exceptions=True)


async def _beat(store: Store, run_id: str, telling: TellingWatcher) -> str:
    """Why the run is to end, once somebody wants it to."""
    told: tuple[Finding, ...] | None = None
    while True:
        with suppress(InconclusiveError):
            found = telling.found
            news = None if found is told else found_by_now(found)
            why = await asyncio.to_thread(store.beat_run, run_id, telling.said, news)
            told = found
            if why:
                return why
        await asyncio.sleep(BEAT_SECONDS)
