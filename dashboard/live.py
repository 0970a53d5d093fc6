"""A run under way, told to whoever follows it by Server-Sent Events.

https://html.spec.whatwg.org/multipage/server-sent-events.html

An event's id is made of what it says. Whoever comes back with the last one, to this server or to another one of the
same database, is told what is different by now, and nothing twice.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256

from fastapi.concurrency import run_in_threadpool

from replayer.review import FoundByNow, Review, state_of, wording
from replayer.service import UnderstudyError, UsageError
from replayer.store import RunInfo

from .errors import ApiError

LOOK_SECONDS = 1.0
"""Between two looks at the store."""

HEARTBEAT_SECONDS = 15.0
"""Of silence; proxies close what says nothing for a minute."""

STREAM_SECONDS = 300.0
"""Then whoever follows has to come again, and is asked again who they are."""

MOST_STREAMS = 100
LOOKING = 4
"""Threads that may look at the store for streams at once: a database that is slow must not take those of the pages."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to say of a run that has no report yet."""

    state: str
    text: str  # a sentence for people
    findings: int = 0
    confirmed: int = 0
    flaky: int = 0

    @property
    def over(self) -> bool:
        """Nothing more will be said."""
        return self.state not in ("starting", "running", "lost")


def seen(run: RunInfo, now: float, found: FoundByNow = FoundByNow()) -> Seen:  # noqa: B008  frozen
    """What a run says of itself at a moment in seconds since the epoch."""
    state = state_of(run, now)
    if state == "lost":
        text = f"It gives no sign of life. `understudy runs resume {run.id}` begins it again."
    else:
        text = f"It is {state}: {run.progress}." if run.progress and state == "running" else f"It is {state}."
    return Seen(state, wording.visible(text), found.count, found.confirmed, found.flaky)


class Streams:
    """Those who follow a run at the moment: not too many, and none any more once the server ends."""

    def __init__(self) -> None:
        self.ending = False
        self._open = 0
        self._looking = asyncio.Semaphore(LOOKING)

    def end(self) -> None:
        """Let every stream come to its end within LOOK_SECONDS."""
        self.ending = True

    @contextmanager
    def one(self) -> Iterator[None]:
        """The room for one more. Raises ApiError when there is none."""
        if self._open >= MOST_STREAMS:
            raise ApiError(503, "busy", "Too many pages follow a run at once.", {"Retry-After": "5"})
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def look(self, review: Callable[[], Review], run: str) -> Seen | None:
        """What a run says now; None when the store can not be asked. Raises UsageError for one that is gone."""
        try:
            async with self._looking:
                info, found = await run_in_threadpool(_look, review, run)
        except UsageError:
            raise
        except UnderstudyError:
            return None
        return seen(info, time.time(), found)

    def follow(self, review: Callable[[], Review], run: str, last: str) -> AsyncIterator[str]:
        """The events of one stream, after the one whose id is `last`."""
        return told(partial(self.look, review, run), last, lambda: self.ending)


async def told(
    look: Callable[[], Awaitable[Seen | None]],
    last: str,
    ending: Callable[[], bool],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[str]:
    """What a stream says: each change as an event, and a comment now and then."""
    yield ": following\n\n"
    silent = 0.0
    for _ in range(int(STREAM_SECONDS / LOOK_SECONDS)):
        try:
            now = await look()
        except UsageError:
            now = Seen("deleted", "It was deleted.")
        if now is not None and (now.over or _id(now) != last):
            yield event(now)
            last, silent = _id(now), 0.0
            if now.over:
                return
        elif silent >= HEARTBEAT_SECONDS:
            yield ": alive\n\n"
            silent = 0.0
        if ending():
            return
        await sleep(LOOK_SECONDS)
        silent += LOOK_SECONDS


def event(now: Seen) -> str:
    """One event; JSON has no line ends of its own in it."""
    data = json.dumps(asdict(now) | {"over": now.over})
    return f"id: {_id(now)}\nevent: run\ndata: {data}\n\n"


def _id(now: Seen) -> str:
    said = f"{now.state} {now.text} {now.findings} {now.confirmed} {now.flaky}"
    return sha256(said.encode()).hexdigest()[:16]


def _look(review: Callable[[], Review], run: str) -> tuple[RunInfo, FoundByNow]:
    asked = review()
    info = asked.run(run)
    return info, asked.found(info.id)
