"""httpx, sync and async: its transports, below authentication and redirects."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any

from ..exchange import RecordedResponse
from .calls import Call, begin, guard, inside, log_of_request

MODULE = "httpx"
_NOT_AS_SERVED = frozenset(["transfer-encoding", "content-length"])


def install(httpx: Any) -> None:
    """Wraps the transports of an imported httpx."""
    tee, async_tee = _streams(httpx)
    handle, handle_async = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    @functools.wraps(handle)
    def handle_request(self: Any, request: Any) -> Any:
        call = _begin(request)
        if call is None:
            return handle(self, request)
        if call.answer is not None:
            return _played(httpx, request, call.answer.response)
        token = inside.set(call)
        try:
            response = handle(self, request)
        finally:
            inside.reset(token)
        return _noted(response, call, tee)

    @functools.wraps(handle_async)
    async def handle_async_request(self: Any, request: Any) -> Any:
        call = _begin(request)
        if call is None:
            return await handle_async(self, request)
        if call.answer is not None:
            return _played(httpx, request, call.answer.response)
        token = inside.set(call)
        try:
            response = await handle_async(self, request)
        finally:
            inside.reset(token)
        return _noted(response, call, async_tee)

    httpx.HTTPTransport.handle_request = handle_request
    httpx.AsyncHTTPTransport.handle_async_request = handle_async_request


def _begin(request: Any) -> Call | None:
    log = log_of_request()
    if log is None or inside.get() is not None:
        return None
    body = getattr(request, "_content", request.stream)  # a stream is left for whoever sends it

    def url() -> str:
        return str(request.url if not request.url.userinfo else request.url.copy_with(userinfo=b""))

    return begin(log, request.method, url, request.headers.raw, body)


def _noted(response: Any, call: Call, tee: Any) -> Any:
    try:
        reason = response.extensions.get("reason_phrase", b"")
        call.responded(response.status_code, reason, response.headers.raw)
        response.stream = tee(response.stream, call)
    except Exception as error:
        guard().failed("noting a response of an outbound call", error)
    return response


def _streams(httpx: Any) -> tuple[Any, Any]:
    """Two classes of response streams that pass everything on; httpx insists on its own base classes."""

    class Tee(httpx.SyncByteStream):  # type: ignore[misc]  # httpx is whatever the host imported
        def __init__(self, stream: Any, call: Call) -> None:
            self._stream = stream
            self._call = call

        def __iter__(self) -> Iterator[bytes]:
            for piece in self._stream:
                self._call.took(piece, False)
                yield piece
            self._call.took(b"", True)

        def close(self) -> None:
            self._stream.close()

    class AsyncTee(httpx.AsyncByteStream):  # type: ignore[misc]  # as above
        def __init__(self, stream: Any, call: Call) -> None:
            self._stream = stream
            self._call = call

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in self._stream:
                self._call.took(piece, False)
                yield piece
            self._call.took(b"", True)

        async def aclose(self) -> None:
            await self._stream.aclose()

    return Tee, AsyncTee


def _played(httpx: Any, request: Any, answer: RecordedResponse | None) -> Any:
    if answer is None:
        raise httpx.ConnectError("Understudy: this call failed in the recording, or may not go out", request=request)
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers
        if name.lower() not in _NOT_AS_SERVED
    ]
    headers.append((b"Content-Length", str(len(answer.body.data)).encode()))
    return httpx.Response(
        answer.status,
        headers=headers,
        stream=httpx.ByteStream(answer.body.data),
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.reason.encode("latin-1")},
    )
