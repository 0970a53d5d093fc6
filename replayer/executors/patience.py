"""Asking the store again while it can not be reached: a database that is restarted ends no run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ..errors import InconclusiveError

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""How long a store, a broker or workers may be away until a run ends for it."""
RETRY_SECONDS = 1.0
"""Between two tries to reach what can not be reached."""


async def patiently(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What `work` comes to, in a thread of its own; tried again for a minute while it raises InconclusiveError.

    Nobody knows whether a try that failed was committed: `work` has to come to the same when it was.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await asyncio.to_thread(work, *arguments, **named)
        except InconclusiveError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(RETRY_SECONDS)
