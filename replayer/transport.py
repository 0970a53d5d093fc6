"""An httpx transport that writes exactly the bytes it is given.

General clients re-encode paths, re-case and join header fields, add `Accept-Encoding` and decode bodies; a replay may
do none of that. Nothing is added here, no redirect is followed, no proxy asked, nothing decoded.

Request extensions: `target` (bytes), the request target as it goes out; `timeout`, as httpx sets it (`connect`,
`read`, `write`, `pool` in seconds), and `total` beside them. Response extensions: `reason_phrase` (bytes),
`http_version`, `truncated` (the size cap cut the body), `size` (bytes of body that were announced or seen),
`trailers`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import httpx

from .connection import Caps, Origin, WireRequest, WireResponse
from .errors import InconclusiveError, UsageError
from .outgoing import OutgoingRequest, encode
from .pool import Pools, Timeouts

CONNECT_SECONDS = 10.0
"""For one look at a certificate."""


class WireTransport(httpx.AsyncBaseTransport):
    """Connections are pooled per origin, at most `connections` to each. Belongs to one event loop.

    `verify` is True for the authorities that httpx and the system know, False for no check, or a context.
    """

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | bool = True,
        connections: int = 16,
        timeouts: Timeouts | None = None,
        caps: Caps | None = None,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._verify = verify
        self._pools: Pools | None = None
        self._connections = connections
        self._caps = caps or Caps()

    async def send(self, origin: Origin, request: WireRequest, timeouts: Timeouts | None = None) -> WireResponse:
        """The way in below httpx's own types, several times cheaper. Raises httpx.TransportError."""
        pools = self._pools
        if pools is None or (origin.tls and not pools.secure):
            pools = self._open(secure=origin.tls)
        return await pools.at(origin).send(request, timeouts or self._timeouts)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = _origin(request.url)
        body = b"".join([chunk async for chunk in _stream(request)])
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        target = request.extensions.get("target", request.url.raw_path)
        lowered = {name.lower(): value.strip().lower() for name, value in headers}
        outgoing = OutgoingRequest(
            request.method,
            target.decode("latin-1"),
            headers,
            body,
            chunked=lowered.get("transfer-encoding", "").endswith("chunked"),
            expects=lowered.get("expect") == "100-continue",
        )
        response = await self.send(origin, encode(outgoing), self._timeouts_of(request.extensions))
        return httpx.Response(
            response.status,
            headers=list(response.headers),
            stream=_Whole(response.body),
            request=request,
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": response.reason,
                "truncated": response.truncated,
                "size": response.size,
                "trailers": response.trailers,
            },
        )

    async def aclose(self) -> None:
        pools, self._pools = self._pools, None
        if pools is not None:
            await pools.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    def _open(self, *, secure: bool) -> Pools:
        """Made when first needed: a context costs 20 ms, and most targets are plain HTTP on loopback."""
        if self._pools is None:
            self._pools = Pools(limit=self._connections, caps=self._caps)
        if secure:
            self._pools.secure = _context(self._verify)
        return self._pools

    def _timeouts_of(self, extensions: Mapping[str, Any]) -> Timeouts:
        given = extensions.get("timeout") or {}
        known = {
            phase: float(seconds)
            for phase, seconds in given.items()
            if seconds is not None and phase in ("total", "connect", "read", "write", "pool")
        }
        return replace(self._timeouts, **known) if known else self._timeouts


class _Whole(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


def _stream(request: httpx.Request) -> httpx.AsyncByteStream:
    if not isinstance(request.stream, httpx.AsyncByteStream):
        raise httpx.LocalProtocolError("a synchronous body cannot be sent by an asynchronous transport")
    return request.stream


def _context(verify: ssl.SSLContext | bool) -> ssl.SSLContext:
    if isinstance(verify, ssl.SSLContext):
        return verify
    context = httpx.create_ssl_context(verify=verify)
    if verify:
        context.load_default_certs()  # a staging deploy's authority is known to the system, not to httpx
    return context


async def certificate_end(origin: Origin) -> float:
    """When the certificate of a TLS server ends, seconds since the epoch.

    Raises UsageError when it is not trusted, and InconclusiveError when the server can not be reached.
    """
    place = f"{origin.host}:{origin.port}"
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(origin.host, origin.port, ssl=_context(True))
    except ssl.SSLCertVerificationError as error:
        raise UsageError(
            f"The certificate of {place} is not trusted: {error.verify_message}.",
            "Renew it, or make its authority known to this machine (SSL_CERT_FILE).",
        ) from None
    except (OSError, TimeoutError, UnicodeError) as error:
        raise InconclusiveError(f"{place} can not be reached: {error or 'no answer'}.") from None
    try:
        certificate = writer.get_extra_info("peercert") or {}
        return float(ssl.cert_time_to_seconds(certificate["notAfter"]))
    finally:
        writer.transport.abort()


def _origin(url: httpx.URL) -> Origin:
    if url.scheme not in ("http", "https") or not url.host:
        raise httpx.UnsupportedProtocol(f"{str(url)!r} is neither http:// nor https://")
    tls = url.scheme == "https"
    return Origin(url.host, url.port or (443 if tls else 80), tls)
