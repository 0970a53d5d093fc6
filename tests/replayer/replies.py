"""Steps and replies as the tests of the breaker need them: a route, what was recorded, what came."""

from __future__ import annotations

from recorder.exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse
from replayer.client import FailureKind, Reply
from replayer.flow import Step
from replayer.produced import Produced

BEARER: Headers = (("Authorization", "Bearer t"),)


def step(
    index: int, route: str = "/a", method: str = "GET", status: int = 200, headers: Headers = (), session: int = -1
) -> Step:
    """A step of one of five sessions, in turn, unless it is said of which."""
    request = RecordedRequest(method, route, headers, Body())
    response = RecordedResponse(status, "", (), Body()) if status else None
    moment = 1_700_000_000.0 + index
    exchange = Exchange(f"{index:032x}", request, response, moment, moment)
    return Step(index, exchange, route, index % 5 if session < 0 else session, "", (), Produced())


def answered(status: int = 200, headers: Headers = (), at: float = 100.0) -> Reply:
    return Reply(RecordedResponse(status, "", headers, Body()), None, "", at, at + 0.01)


def failed(kind: FailureKind, at: float = 100.0) -> Reply:
    return Reply(None, kind, "", at, at + 0.01)
