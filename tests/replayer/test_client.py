"""A recorded request in, what came of it out: failures are values."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from recorder.exchange import Body, BodyState, Headers, RecordedRequest, RecordedResponse
from replayer.client import Client, FailureKind, Reply
from replayer.errors import UsageError

from .scripted_server import Peer, Script, answering, reset, serving

REQUEST = RecordedRequest("GET", "/a%2f?x", (("Host", "shop.example"), ("X-a", "\xe9"), ("x-A", "2")))
OK = b"HTTP/1.1 200 Fine\r\nx-A: \xe9\r\nX-a: 2\r\nContent-Length: 2\r\n\r\nok"


def send(script: Script, peer: Peer, *, timeout: float = 5.0, max_body: int = 1000) -> Reply:
    async def main() -> Reply:
        async with serving(peer, script), Client(peer.base_url, timeout=timeout, max_body=max_body) as client:
            return await client.send(REQUEST)

    return asyncio.run(main())


def test_a_response() -> None:
    peer = Peer()
    before = time.time()
    reply = send(answering(peer, OK), peer)
    expected = RecordedResponse(200, "Fine", (("x-A", "\xe9"), ("X-a", "2"), ("Content-Length", "2")), Body.of(b"ok"))
    assert (reply.response, reply.failure, reply.detail) == (expected, None, "")
    assert before <= reply.started <= reply.ended <= time.time() + 0.1


def test_a_body_over_the_cap_is_truncated() -> None:
    peer = Peer()
    reply = send(answering(peer, b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000), peer)
    assert reply.response is not None
    assert reply.response.body == Body(b"x" * 1000, 5000, BodyState.TRUNCATED)


def test_a_compressed_body_stays_compressed() -> None:
    peer = Peer()
    reply = send(
        answering(peer, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"), peer
    )
    assert reply.response is not None
    assert reply.response.body == Body.of(b"\x1f\x8b\x08")


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    await reader.read()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.05)


async def _close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _close_inside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK[:-1])


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    await reader.readuntil(b"\r\n\r\n")
    reset(writer)


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await reader.read()


async def _endless_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: " + b"x" * 10_000 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (_hang, FailureKind.TIMEOUT),
        (_drip, FailureKind.TIMEOUT),
        (_close, FailureKind.RESET),
        (_close_inside, FailureKind.PROTOCOL),
        (_reset, FailureKind.RESET),
        (_garbage, FailureKind.PROTOCOL),
        (_endless_head, FailureKind.PROTOCOL),
    ],
)
def test_a_hostile_target_gives_a_failure_in_bounded_time(script: Script, kind: FailureKind) -> None:
    peer = Peer()
    reply = send(script, peer, timeout=0.3 if kind is FailureKind.TIMEOUT else 10)
    assert (reply.response, reply.failure) == (None, kind)
    assert reply.detail
    assert reply.ended - reply.started < 1.5


def test_nobody_answers_there() -> None:
    async def main() -> Reply:
        async with Client("http://127.0.0.1:1") as client:
            return await client.send(REQUEST)

    reply = asyncio.run(main())
    assert (reply.response, reply.failure) == (None, FailureKind.CONNECT)
    assert reply.detail.startswith("cannot connect to 127.0.0.1:1: ")


@pytest.mark.parametrize(
    "base_url",
    ["", "shop", "ftp://a", "http://", "http://a:b/", "http://a?x", "http://u:p@a/", "http://a/#x", "http://[::1"],
)
def test_what_is_no_base_url(base_url: str) -> None:
    with pytest.raises(UsageError):
        Client(base_url)


def test_extra_headers_are_asked_for_each_time_and_come_last() -> None:
    peer = Peer()
    numbers = iter("123")

    async def main() -> None:
        def extra() -> Headers:
            return (("Understudy-Replay", next(numbers)),)

        async with serving(peer, answering(peer, OK)), Client(peer.base_url, extra_headers=extra) as client:
            await client.send(REQUEST)
            await client.send(REQUEST, headers=(("x-a", "minted"),))

    asyncio.run(main())
    first, second = (request.split(b"\r\n")[2:-2] for request in peer.requests)
    assert first == [b"X-a: \xe9", b"x-A: 2", b"Understudy-Replay: 1"]
    assert second == [b"Understudy-Replay: 2", b"x-a: minted"]


def test_another_transport_takes_its_place() -> None:
    seen: list[tuple[str, bytes, list[tuple[bytes, bytes]], bytes]] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        seen.append((request.method, request.extensions["target"], list(request.headers.raw), body))
        return httpx.Response(201, headers=[("x-A", "1"), ("X-a", "2")], content=b"made")

    async def main() -> Reply:
        async with Client("http://staging.example", transport=httpx.MockTransport(handler)) as client:
            request = RecordedRequest("POST", "/a%2f", REQUEST.headers, Body.of(b"abc"))
            return await client.send(request)

    reply = asyncio.run(main())
    assert reply.response is not None
    assert (reply.response.status, reply.response.body) == (201, Body.of(b"made"))
    assert reply.response.headers[:2] == (("x-A", "1"), ("X-a", "2"))
    assert seen == [
        (
            "POST",
            b"/a%2f",
            [(b"Host", b"staging.example"), (b"X-a", b"\xe9"), (b"x-A", b"2"), (b"Content-Length", b"3")],
            b"abc",
        )
    ]


class _Endless(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b"x" * 100


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ReadTimeout("slow"), FailureKind.TIMEOUT),
        (httpx.ConnectError("refused"), FailureKind.CONNECT),
        (httpx.ReadError("reset"), FailureKind.RESET),
        (httpx.RemoteProtocolError("garbage"), FailureKind.PROTOCOL),
        (httpx.DecodingError("not gzip"), FailureKind.PROTOCOL),
    ],
)
def test_failures_of_another_transport(error: httpx.HTTPError, kind: FailureKind) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    async def main() -> Reply:
        async with Client("http://a", transport=httpx.MockTransport(handler)) as client:
            return await client.send(REQUEST)

    reply = asyncio.run(main())
    assert (reply.response, reply.failure, reply.detail) == (None, kind, str(error))


def test_another_transport_is_bounded_too() -> None:
    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        raise AssertionError

    def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=_Endless())

    async def main() -> list[Reply]:
        replies = []
        for handler in (never, endless):
            transport = httpx.MockTransport(handler)
            async with Client("http://a", transport=transport, timeout=0.1, max_body=1000) as client:
                replies.append(await client.send(REQUEST))
        return replies

    slow, large = asyncio.run(main())
    assert slow.failure is FailureKind.TIMEOUT
    assert large.response is not None
    assert large.response.body == Body(b"x" * 1000, 1100, BodyState.TRUNCATED)
