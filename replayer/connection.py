"""One HTTP/1.1 connection: the given bytes go out as they are, one response comes back as it is.

This is the only place that parses responses (httptools) and that watches the clock of a request in flight. It
follows RFC 9112 where a peer leaves a choice: a response whose framing is contradictory is an error, what arrives
after a response's end is discarded together with the connection, interim (1xx) responses are skipped.

Failures are httpx exceptions. None of them is raised before the request was handed to the socket, save those of
`open_connection`.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from dataclasses import dataclass

import httptools
import httpx

RawHeaders = tuple[tuple[bytes, bytes], ...]

CONTINUE_SECONDS = 1.0
"""How long a body waits for `100 Continue` before it is sent anyway; RFC 9110 §10.1.1 asks not to wait for ever."""

TIMER_SLACK = 0.001
"""Seconds by which the event loop's clock may be early when a timer fires."""


class ServerDisconnected(httpx.RemoteProtocolError):
    """The peer closed the connection before the first byte of a response."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections go."""

    host: str
    port: int
    tls: bool


@dataclass(frozen=True, slots=True)
class Caps:
    """How much of one response is kept: bytes of body, bytes of everything before it."""

    body: int = 16 * 1024 * 1024
    head: int = 128 * 1024


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request ready for the socket: `head` ends in an empty line, `body` carries its chunk framing if it has any."""

    method: str
    head: bytes
    body: bytes = b""
    expects: bool = False  # the head says `Expect: 100-continue`

    @property
    def safe(self) -> bool:
        """Whether sending it twice does no harm (RFC 9110 §9.2.1)."""
        return self.method in ("GET", "HEAD", "OPTIONS", "TRACE")


@dataclass(frozen=True, slots=True)
class WireResponse:
    """A response without its framing. `body` is shorter than `size` when `truncated`: the cap cut it."""

    status: int
    reason: bytes
    headers: RawHeaders
    body: bytes
    size: int
    truncated: bool
    trailers: RawHeaders = ()


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When a request in flight has failed: event loop time, and seconds without a byte read or written."""

    total: float
    read: float
    write: float


class Connection(asyncio.Protocol):
    """Serves one request at a time; `reusable` says after each whether there may be another."""

    def __init__(self, loop: asyncio.AbstractEventLoop, caps: Caps) -> None:
        self._loop = loop
        self._caps = caps
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[WireResponse] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._probe: select.poll | None = None
        self.gone: asyncio.Future[None] = loop.create_future()  # done when the socket is closed
        self.closed = False
        self.reusable = False
        self.served = 0  # requests written
        self.silent = True  # not one byte of the current response has arrived
        self.idle_since = 0.0
        self._deadlines = Deadlines(0.0, 0.0, 0.0)
        self._activity = 0.0  # when a byte was last read or written
        self._unsent = 0  # bytes that the socket has not taken yet
        self._head_only = False
        self._reset()

    def _reset(self) -> None:
        self._reason = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._trailers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._received = 0  # body bytes
        self._head_bytes = 0
        self._declared: int | None = None
        self._chunked = False
        self._head_done = False
        self._status = 0
        self._held_body = b""  # waits for `100 Continue`
        self._unanswered = False  # the response came while a body was held back

    # What the pool calls

    def send(self, request: WireRequest, deadlines: Deadlines) -> asyncio.Future[WireResponse]:
        """Write the request and give the future of its response."""
        transport = self._transport
        assert transport is not None, "not connected"
        self._reset()
        self.reusable = False
        self.silent = True
        self.served += 1
        self._head_only = request.method == "HEAD"
        self._deadlines = deadlines
        self._waiter = waiter = self._loop.create_future()
        if request.expects and request.body:
            self._held_body = request.body
            transport.write(request.head)
            self._loop.call_later(CONTINUE_SECONDS, self._release_body, waiter)
        elif request.body:
            transport.write(request.head + request.body)
        else:
            transport.write(request.head)
        self._activity = self._loop.time()
        self._unsent = transport.get_write_buffer_size()
        self._arm()
        return waiter

    def stale(self) -> bool:
        """Whether the peer has closed this idle connection, or sent something that nobody asked for."""
        if self.closed or self._transport is None or self._transport.is_closing():
            return True
        return self._probe is not None and bool(self._probe.poll(0))

    def abort(self) -> None:
        """Close at once, without flushing."""
        self.closed = True
        self.reusable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        sock = transport.get_extra_info("socket")
        # Below TLS, records that are no data (session tickets) make the socket readable at any time.
        if sock is not None and transport.get_extra_info("ssl_object") is None:
            self._probe = select.poll()
            self._probe.register(sock.fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            self.abort()  # more than one response to one request
            return
        self.silent = False
        self._activity = self._loop.time()
        if not self._head_done:
            self._head_bytes += len(data)
        parser = self._parser
        if parser is None:
            # Folded header lines are obsolete but unambiguous (RFC 9112 §5.2): the parser joins them.
            self._parser = parser = httptools.HttpResponseParser(self)
            parser.set_dangerous_leniencies(lenient_headers=True)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.abort()  # what it was about has been reported
        except httptools.HttpParserError as error:
            self._fail(httpx.RemoteProtocolError(f"the response is not valid HTTP/1.1: {error}"))
        if not self._head_done and self._head_bytes > self._caps.head:
            self._fail(httpx.RemoteProtocolError(f"the response's head is larger than {self._caps.head} bytes"))

    def eof_received(self) -> None:
        self._end_of_stream()

    def connection_lost(self, error: Exception | None) -> None:
        if error is None:
            self._end_of_stream()
        elif isinstance(error, BrokenPipeError):
            self._fail(httpx.WriteError(f"the target closed the connection while the request was sent: {error}"))
        else:
            self._fail(httpx.ReadError(f"the connection broke: {error or type(error).__name__}"))
        self.abort()
        self._parser = None  # it refers back to us
        if not self.gone.done():
            self.gone.set_result(None)

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._waiter is None or self._waiter.done():
            self.reusable = False

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        (self._trailers if self._head_done else self._headers).append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        parser = self._parser
        assert parser is not None
        self._status = status = parser.get_status_code()
        if status == 101:
            self._fail(httpx.RemoteProtocolError("the target switched protocols, which nobody asked for"))
        if status < 200:
            return
        self._head_done = True
        closes = False
        for name, value in self._headers:
            lowered = name.lower()
            if lowered == b"content-length":
                self._declared = int(value)
            elif lowered == b"transfer-encoding":
                self._chunked = value.lower().endswith(b"chunked")
            elif lowered == b"connection":
                closes = b"close" in value.lower()
        self._unanswered = bool(self._held_body)  # then the body is not wanted any more
        if self._head_only:
            self._parser = None  # it waits for a body that will not come
            self._finish(keep=not closes and parser.get_http_version() == "1.1")

    def on_body(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            self.reusable = False
            return
        self._received += len(data)
        self._chunks.append(data)
        if self._received > self._caps.body:
            self._finish(keep=False, truncated=True)
            self.abort()

    def on_message_complete(self) -> None:
        if not self._head_done:  # an interim response
            self._headers.clear()
            self._reason = b""
            if self._waiter is not None and self._held_body:
                self._release_body(self._waiter)
            return
        if self._waiter is not None and not self._waiter.done():
            self._finish(keep=self._parser is not None and self._parser.should_keep_alive())

    # Our own steps

    def _release_body(self, waiter: asyncio.Future[WireResponse]) -> None:
        if waiter is self._waiter and not waiter.done() and self._held_body and self._transport is not None:
            self._transport.write(self._held_body)
            self._held_body = b""
            self._activity = self._loop.time()

    def _finish(self, *, keep: bool, truncated: bool = False) -> None:
        waiter, transport = self._waiter, self._transport
        if waiter is None or waiter.done() or transport is None:
            return
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        size = len(body)
        if truncated:
            body = body[: self._caps.body]
            size = max(size, self._declared or 0)
        headers, trailers = tuple(self._headers), tuple(self._trailers)
        waiter.set_result(WireResponse(self._status, self._reason, headers, body, size, truncated, trailers))
        self.reusable = keep and not self._unanswered and transport.get_write_buffer_size() == 0

    def _fail(self, error: httpx.TransportError) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        self.abort()

    def _end_of_stream(self) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            pass
        elif self.silent:
            waiter.set_exception(ServerDisconnected("the target closed the connection without a response"))
        elif not self._head_done:
            waiter.set_exception(httpx.RemoteProtocolError("the target closed the connection inside a response's head"))
        elif self._declared is None and not self._chunked:
            self._finish(keep=False)
        else:
            wanted = "an unfinished chunk" if self._declared is None else f"{self._declared} declared bytes"
            waiter.set_exception(
                httpx.RemoteProtocolError(
                    f"the target closed the connection after {self._received} bytes of body, of {wanted}"
                )
            )
        self.abort()

    def _arm(self) -> None:
        """See to it that a timer fires by the time the request in flight may be late.

        A timer that is there already is left alone when it fires early enough: it finds out what is due. That makes
        a deadline cost next to nothing on a connection that is used again and again.
        """
        quiet = self._deadlines.write if self._unsent else self._deadlines.read
        due = min(self._deadlines.total, self._activity + quiet)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        waiter, transport = self._waiter, self._transport
        if waiter is None or waiter.done() or transport is None:
            return
        now = self._loop.time() + TIMER_SLACK
        unsent = transport.get_write_buffer_size()
        if unsent < self._unsent:
            self._activity = self._loop.time()
        self._unsent = unsent
        quiet = now - self._activity
        if now >= self._deadlines.total:
            self._fail(httpx.ReadTimeout("no complete response within the time allowed for the whole request"))
        elif unsent and quiet >= self._deadlines.write:
            self._fail(httpx.WriteTimeout(f"the target read nothing of the request for {self._deadlines.write:g} s"))
        elif not unsent and quiet >= self._deadlines.read:
            self._fail(httpx.ReadTimeout(f"the target sent nothing for {self._deadlines.read:g} s"))
        else:
            self._arm()


async def open_connection(origin: Origin, caps: Caps, context: ssl.SSLContext | None, timeout: float) -> Connection:
    """Connect within `timeout` seconds. Raises httpx.ConnectError or httpx.ConnectTimeout."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            _, connection = await loop.create_connection(
                lambda: Connection(loop, caps),
                origin.host,
                origin.port,
                ssl=context if origin.tls else None,
                ssl_handshake_timeout=max(timeout, TIMER_SLACK) if origin.tls else None,
                ssl_shutdown_timeout=1.0 if origin.tls else None,
            )
    except TimeoutError as error:
        raise httpx.ConnectTimeout(f"no connection to {origin.host}:{origin.port} within {timeout:g} s") from error
    except (OSError, ssl.SSLError, UnicodeError) as error:
        raise httpx.ConnectError(f"cannot connect to {origin.host}:{origin.port}: {error}") from error
    return connection
