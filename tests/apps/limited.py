"""The conformance application in a process that may write no file beyond 8 KiB: its disk, so to speak, is full."""

from __future__ import annotations

import resource

from recorder import RecorderMiddleware

from .conformance import bare

LIMIT = 8 * 1024


def recorded() -> RecorderMiddleware:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    return RecorderMiddleware(bare)
