"""The outbound calls of one request: references that hooks note in the request's thread, and the values made of them.

A hook asks `begin` before a call goes out. None means that nobody wants to know, or that the call is a part of one
that is noted already. A call with an `answer` must not go out: a replay answers it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from ..capture import Tally
from ..exchange import Body, BodyState, CallOutcome, Headers, OutboundCall, RecordedRequest, RecordedResponse, header
from ..facts import native
from ..guard import Guard
from ..observation import current

MAX_CALLS = 50
"""Calls of one request that are kept; more are counted. A page that makes more repeats itself."""
MAX_BODY = 64 * 1024
"""Bytes kept of one body."""
_FIXED_WEIGHT = 2_048  # bytes that a call takes beside its bodies

RawHeaders = Any
"""Fields as a client's library keeps them: a mapping or pairs, of texts or bytes. Read in the background thread."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gets that must not go out. Without a response it fails as the recorded one did."""

    outcome: CallOutcome
    response: RecordedResponse | None


class Player(Protocol):
    """Answers calls in a replay."""

    def answer(self, request: RecordedRequest) -> Answer | None:
        """None for a call that may really go out."""

    def admits(self, names: Iterable[str], port: int) -> bool:
        """Whether a connection that no hook knows of may be opened, to an address that is known by these names."""


class Call:
    """One call, from before it goes out until its response has been read."""

    __slots__ = (
        "_body",
        "_headers",
        "_method",
        "_started",
        "_url",
        "answer",
        "attempts",
        "decoded",
        "ended",
        "outcome",
        "reading",
        "reason",
        "response_headers",
        "status",
        "tally",
        "whole",
    )

    def __init__(self, method: str, url: str, headers: RawHeaders, body: Any) -> None:
        self._started = time.time()
        self._method = method
        self._url = url
        self._headers = dict(headers) if type(headers) is dict else headers  # which the application may use again
        self._body = _kept(body)
        self.answer: Answer | None = None
        self.attempts = 1
        self.outcome = CallOutcome.FAILED  # until there is a response
        self.ended = 0.0
        self.status = 0
        self.reason: Any = ""
        self.response_headers: RawHeaders = ()
        self.tally = Tally(MAX_BODY)
        self.whole = False  # whether the response's body was seen to its end
        self.decoded = False  # whether it was seen without its content coding
        self.reading = False

    @property
    def weight(self) -> int:
        return _FIXED_WEIGHT + len(self._body[0]) + self.tally.kept

    def responded(self, status: int, reason: Any, headers: RawHeaders) -> None:
        """Notes the head of a response that came from outside."""
        self.ended = time.time()
        self.outcome = CallOutcome.ANSWERED
        self.status, self.reason = status, reason
        self.response_headers = headers

    def took(self, data: Any, ended: bool) -> None:
        """Notes a piece of the response's body as the application read it, and whether it was the last."""
        self.tally.add(data)
        self.whole = self.whole or ended

    def answered(self, answer: Answer) -> None:
        """Notes that a replay answers this call."""
        self.answer = answer
        self.outcome = answer.outcome
        self.ended = time.time()

    def request(self) -> RecordedRequest:
        """The request as a value."""
        headers = _native(self._headers)
        data, size, whole = self._body
        if not whole:
            announced = header(headers, "content-length")
            size = max(size, int(announced) if announced.isdecimal() else 0)
        state = BodyState.COMPLETE if whole and len(data) == size else BodyState.TRUNCATED
        return RecordedRequest(self._method.upper(), native(self._url), headers, Body(data, size, state))

    def value(self) -> OutboundCall:
        """The whole call as a value."""
        response = self.answer.response if self.answer is not None else self._response()
        return OutboundCall(
            self.request(), response, self._started, self.ended or self._started, self.outcome, self.attempts
        )

    def _response(self) -> RecordedResponse | None:
        if not self.status:
            return None
        tally = self.tally
        headers = _native(self.response_headers)
        if self.decoded:
            headers = tuple((name, value) for name, value in headers if name.lower() not in _CODED)
        announced = header(headers, "content-length")
        whole = self.whole or self.status in (204, 304) or self._method.upper() == "HEAD"
        if not whole and announced.isdecimal():
            whole = tally.size >= int(announced)
        size = tally.size if whole else max(tally.size, int(announced) if announced.isdecimal() else 0)
        state = BodyState.COMPLETE if whole and tally.kept == tally.size else BodyState.TRUNCATED
        body = Body(b"".join(tally.chunks), size, state)
        return RecordedResponse(self.status, native(self.reason or ""), headers, body)


class CallLog:
    """The calls of one request. Threads of the request may add to it at the same time."""

    __slots__ = ("_calls", "_over", "_unkept", "player")

    def __init__(self, player: Player | None = None) -> None:
        self.player = player
        self._calls: list[Call] = []
        self._unkept = 0
        self._over = False

    def begin(self, method: str, url: str, headers: RawHeaders, body: Any) -> Call | None:
        """Notes a call that is about to go out."""
        if self._over and self.player is None:
            return None  # the request has ended: what its threads still do belongs to nobody
        call = Call(method, url, headers, body)
        if self.player is not None:
            answer = self.player.answer(call.request())
            if answer is not None:
                call.answered(answer)
        if len(self._calls) < MAX_CALLS:
            self._calls.append(call)
        else:
            self._unkept += 1
        return call

    def blocked(self, host: str, port: int) -> None:
        """Notes a connection that was not let out."""
        call = Call("CONNECT", f"{host}:{port}", (), None)
        call.outcome = CallOutcome.BLOCKED
        if len(self._calls) < MAX_CALLS:
            self._calls.append(call)

    @property
    def weight(self) -> int:
        """Bytes of the application's memory that it holds."""
        return sum(call.weight for call in self._calls)

    def taken(self) -> tuple[OutboundCall, ...]:
        """Every call in the order in which they began. What comes later is not noted."""
        self._over = True
        calls = [call.value() for call in self._calls]
        if self._unkept:
            nothing = RecordedRequest("", "", ())
            calls.append(OutboundCall(nothing, None, 0.0, 0.0, CallOutcome.UNKEPT, self._unkept))
        return tuple(calls)


inside: ContextVar[Call | None] = ContextVar("understudy.outbound", default=None)
"""The call that is being made in this context: what its library calls in turn is a part of it."""

_guard: list[Guard] = [Guard()]


def guard() -> Guard:
    """Counts and logs what fails in a hook."""
    return _guard[0]


def guard_with(new: Guard) -> None:
    """Lets the hooks of this process report to a middleware's guard."""
    _guard[0] = new


def log_of_request() -> CallLog | None:
    """The log that a call in this context belongs to, None when nobody wants to know."""
    observation = current()
    if observation is None:
        return None
    log = observation.called()
    return log if isinstance(log, CallLog) else None


def begin(log: CallLog, method: str, url: Callable[[], str], headers: RawHeaders, body: Any) -> Call | None:
    """Notes a call, failing open; in a replay that answers calls it fails closed.

    `url` puts it together from what the client was given, which may be anything.
    """
    try:
        return log.begin(method, url(), headers, body)
    except Exception as error:
        if log.player is not None:
            call = Call("", "", (), None)
            call.answered(Answer(CallOutcome.REFUSED, None))
            return call
        guard().failed("noting an outbound call", error)
        return None


def _kept(body: Any) -> tuple[bytes, int, bool]:
    """(data, size, whether that is all): what is read as it is sent is not looked at."""
    if body is None:
        return b"", 0, True
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    elif isinstance(body, (bytearray, memoryview)):
        body = bytes(body)
    if not isinstance(body, bytes):
        return b"", 0, False
    return (body if len(body) <= MAX_BODY else body[:MAX_BODY]), len(body), True


_CODED = frozenset(["content-encoding", "content-length", "transfer-encoding"])


def _native(fields: RawHeaders) -> Headers:
    if hasattr(fields, "items"):
        fields = fields.items()
    return tuple((native(name), native(value)) for name, value in fields)
