"""Answers the outbound calls of a replayed request from what was recorded; what was not recorded is not let out.

A call is matched by method, path template and host, or any host where that one is not on the tape: a staging deploy
may be set up to call another one. Among the recorded calls of that operation the one is taken that says the most of
the same, and else the first that is left. It is used once; a read that is repeated gets its last answer again. What the
exchange never called may be answered by a spare call, which another exchange made to fill a cache.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from ..exchange import Body, CallOutcome, OutboundCall, RecordedRequest, RecordedResponse
from ..operations import Operation, operation_of
from .calls import Answer
from .said import answered_anew, distance, values_of

REFUSED_STATUS = 599
"""No registered status: no application takes it for a real answer, and every client library for an error."""
_READS = frozenset(["GET", "HEAD", "OPTIONS"])
_PORTS = {"http": 80, "https": 443}
_NEVER = frozenset([20, 21, 22, 23, 25, 80, 443, 465, 587, 2525, 8025, 8080, 8443])
"""Ports at which mail, files and web services are delivered to: no data store of an application listens there."""


class AllowedHosts:
    """`UNDERSTUDY_ALLOW_HOSTS`: where calls and connections of a replayed request may really go."""

    def __init__(self, patterns: Iterable[str], block: bool) -> None:
        self._patterns = tuple(pattern.lower() for pattern in patterns)
        self.block = block

    def admit(self, host: str, port: int) -> bool:
        """Whether a host, or a host and port, is on the list. `*` stands for any part of a name."""
        names = (host.lower(), f"{host.lower()}:{port}")
        return any(fnmatchcase(name, pattern) for pattern in self._patterns for name in names)


class Tape:
    """The recorded calls of one exchange, used up as the replayed request makes its own. Safe among threads."""

    def __init__(self, calls: Iterable[OutboundCall], allowed: AllowedHosts) -> None:
        self._allowed = allowed
        self._lock = threading.Lock()
        found = [(operation_of(call.request), call) for call in calls]
        self._left = [one for one in found if one[1].outcome is not CallOutcome.SPARE]
        self._spare = [one for one in found if one[1].outcome is CallOutcome.SPARE]  # used as often as they are wanted
        self._used: list[tuple[Operation, OutboundCall]] = []
        self._renamed: dict[str, str] = {}  # what stood in recorded calls -> what stands in its place now
        self._hosts = {_address(call.request) for _, call in found}

    def answer(self, request: RecordedRequest) -> Answer | None:
        """What the call gets; None for a host that is on the list."""
        if self._allowed.admit(*_address(request)):
            return None
        with self._lock:
            return self._played(request) or Answer(CallOutcome.REFUSED, _refusal(request))

    def admits(self, names: Iterable[str], port: int) -> bool:
        """Whether a connection may be opened that no hook knows of; `names` are the address and what resolved to it."""
        names = tuple(names)
        if any(self._allowed.admit(name, port) for name in names):
            return True
        if self._allowed.block or port in _NEVER:
            return False
        return not any((name.lower(), port) in self._hosts for name in names)

    def _played(self, request: RecordedRequest) -> Answer | None:
        asked, operation = values_of(request), operation_of(request)
        found = self._closest(self._left, operation, asked)
        if found is None:
            again = self._closest(self._used, operation, asked)
            # the very same write once more is answered as the first was, as it is where a key makes it idempotent
            if again is not None and (request.method in _READS or self._distance(again[1], asked) == 0):
                found = again
        found = found or self._closest(self._spare, operation, asked)
        if found is None:
            return None
        outcome = CallOutcome.SPARE if found[1].outcome is CallOutcome.SPARE else CallOutcome.PLAYED
        if found in self._left:
            self._left.remove(found)
            self._used.append(found)
        recorded = found[1]
        if recorded.response is None:
            return Answer(outcome, None)
        then = values_of(recorded.request)
        changed = {
            place: (then[place], asked[place])
            for place in then.keys() & asked.keys()
            if then[place] and then[place] != asked[place]
        }
        self._renamed.update(changed.values())
        return Answer(outcome, answered_anew(recorded.response, changed))

    def _distance(self, call: OutboundCall, asked: dict[str, str]) -> float:
        return distance(values_of(call.request), asked, self._renamed)

    def _closest(
        self, calls: list[tuple[Operation, OutboundCall]], operation: Operation, asked: dict[str, str]
    ) -> tuple[Operation, OutboundCall] | None:
        here = [one for one in calls if one[0] == operation]
        here = here or [one for one in calls if one[0].line == operation.line]
        if not here:
            return None
        return min(here, key=lambda one: self._distance(one[1], asked))


def _refusal(request: RecordedRequest) -> RecordedResponse:
    text = (
        f"Understudy: {operation_of(request).text} was not called in the recording, or not as often. In a replay, "
        "calls are answered from the recording and go nowhere; UNDERSTUDY_ALLOW_HOSTS names hosts that may be called.\n"
    )
    headers = (("Content-Type", "text/plain; charset=utf-8"),)
    return RecordedResponse(REFUSED_STATUS, "Not On The Tape", headers, Body.of(text.encode()))


def _address(request: RecordedRequest) -> tuple[str, int]:
    try:
        parts = urlsplit(request.target)
        return (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", 0
