"""The replayer's door to an instance: a recorded request in, what came of it out. A failure is a value."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from types import TracebackType
from typing import Self

import httpx

from recorder.exchange import (
    Body,
    BodyState,
    Headers,
    Observed,
    RecordedRequest,
    RecordedResponse,
    header_values,
)
from recorder.observe import OBSERVED_HEADER, SQL_HEADER, unpacked_observed

from .connection import Caps, ServerDisconnected, WireResponse
from .outgoing import OutgoingRequest, Site, encode, rebuild
from .pool import Timeouts
from .transport import WireTransport

CONNECT_SECONDS = 10.0
MAX_BODY = 16 * 1024 * 1024


class FailureKind(Enum):
    """Why there is no response."""

    TIMEOUT = "timeout"  # to connect, to send, between two bytes, or in all
    CONNECT = "connect"  # refused, unreachable, unknown host, certificate not trusted
    PROTOCOL = "protocol"  # what came is no valid response, or the request cannot be put on a wire
    RESET = "reset"  # the connection was closed or broke before the response was whole


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request: a response, or a failure and its sentence. Times are seconds since the epoch.

    A body over the size cap is TRUNCATED, not a failure.
    """

    response: RecordedResponse | None
    failure: FailureKind | None
    detail: str
    started: float
    ended: float
    observed: Observed | None = None  # what an observing deploy did meanwhile; its header fields are not in `response`


class Client:
    """Sends recorded requests to one instance; one per instance and event loop, closed with `async with`.

    `timeout` is the most seconds that one request may take, connecting included. `extra_headers` goes onto every
    request, last; a callable is asked for each (a signature holds the time). With a `transport` of another kind
    requests pass through httpx's types, and what that transport rewrites is rewritten.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 30.0,
        connections: int = 16,
        max_body: int = MAX_BODY,
        transport: httpx.AsyncBaseTransport | None = None,
        extra_headers: Headers | Callable[[], Headers] = (),
    ) -> None:
        self._site = Site.parse(base_url)
        self._origin = self._site.origin
        self._timeouts = Timeouts(timeout, min(timeout, CONNECT_SECONDS), timeout, timeout, timeout)
        self._max_body = max_body
        self._transport = transport or WireTransport(connections=connections, caps=Caps(body=max_body))
        self._extra = extra_headers

    async def send(self, request: RecordedRequest, *, headers: Headers | None = None) -> Reply:
        """Send it once and wait for what comes of it. `headers` are appended after the client's own extra ones.

        An appended field takes the place of recorded ones of the same name. Raises nothing but cancellation.
        """
        appended = self._extra() if callable(self._extra) else self._extra
        outgoing = rebuild(request, self._site, appended + headers if headers else appended)
        started = time.time()
        clock = time.perf_counter()
        response, failure, detail = None, None, ""
        try:
            if isinstance(self._transport, WireTransport):
                wire = await self._transport.send(self._origin, encode(outgoing), self._timeouts)
                response = _recorded(wire)
            else:
                response = await self._through_httpx(self._transport, outgoing)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            failure, detail = classify(error), str(error) or type(error).__name__
        ended = started + time.perf_counter() - clock
        observed = None
        if response is not None:
            response, observed = _without_observations(response)
        return Reply(response, failure, detail, started, ended, observed)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _through_httpx(self, transport: httpx.AsyncBaseTransport, outgoing: OutgoingRequest) -> RecordedResponse:
        encode(outgoing)  # refuses what no transport may be given
        timeouts = self._timeouts
        request = httpx.Request(
            outgoing.method,
            httpx.URL(scheme=self._site.scheme, host=self._site.host, port=self._site.port, path="/"),
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in outgoing.headers],
            stream=httpx.ByteStream(outgoing.body),
            extensions={
                "target": outgoing.target.encode("latin-1"),
                "timeout": httpx.Timeout(timeouts.total, connect=timeouts.connect).as_dict(),
            },
        )
        try:
            async with asyncio.timeout(timeouts.total):
                response = await transport.handle_async_request(request)
                try:
                    body = await self._read(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no complete response within {timeouts.total:g} s") from error
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        return RecordedResponse(response.status_code, response.reason_phrase, fields, body)

    async def _read(self, response: httpx.Response) -> Body:
        chunks: list[bytes] = []
        size = 0
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async for chunk in response.stream:
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body:
                return Body(b"".join(chunks)[: self._max_body], size, BodyState.TRUNCATED)
        return Body.of(b"".join(chunks))


def _without_observations(response: RecordedResponse) -> tuple[RecordedResponse, Observed | None]:
    """The response as the application gave it, and what the deploy says that it observed."""
    values = header_values(response.headers, OBSERVED_HEADER)
    kept = tuple(field for field in response.headers if field[0].lower() not in _OBSERVATIONS)
    if len(kept) == len(response.headers):
        return response, None
    return replace(response, headers=kept), unpacked_observed(values) if values else None


_OBSERVATIONS = frozenset(name.lower() for name in (OBSERVED_HEADER, SQL_HEADER))


def classify(error: Exception) -> FailureKind:
    """Which kind of failure an httpx exception is."""
    if isinstance(error, httpx.TimeoutException):
        return FailureKind.TIMEOUT
    if isinstance(error, httpx.ConnectError):
        return FailureKind.CONNECT
    if isinstance(error, ServerDisconnected | httpx.NetworkError):
        return FailureKind.RESET
    return FailureKind.PROTOCOL


def _recorded(wire: WireResponse) -> RecordedResponse:
    state = BodyState.TRUNCATED if wire.truncated else BodyState.COMPLETE
    fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in wire.headers)
    return RecordedResponse(wire.status, wire.reason.decode("latin-1"), fields, Body(wire.body, wire.size, state))
