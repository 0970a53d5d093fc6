"""Responses as peers really send them: each ends as data or as the right httpx exception."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from replayer.connection import Caps, Origin, ServerDisconnected, WireRequest
from replayer.transport import WireTransport

from .asking import GET, HEAD, OK, answer, ask, whole
from .scripted_server import Peer, answering, reset, serving


def test_declared_length() -> None:
    assert answer(OK) == whole(b"ok", ((b"Content-Length", b"2"),))


def test_chunks_extensions_and_trailers() -> None:
    response = answer(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nDigest: x\r\n\r\n"
    )
    assert response == whole(b"hello", ((b"Transfer-Encoding", b"chunked"),), trailers=((b"Digest", b"x"),))


def test_a_body_that_ends_with_the_connection() -> None:
    assert answer(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\nhello", close=True) == whole(b"hello", ((b"A", b"b"),))


def test_fields_are_kept_as_they_are() -> None:
    response = answer(b"HTTP/1.1 200 \xe9t\xe9\r\nx-A: \xff\r\nX-a:\r\nx-A:  2 \r\nContent-Length: 0\r\n\r\n")
    fields = ((b"x-A", b"\xff"), (b"X-a", b""), (b"x-A", b"2"), (b"Content-Length", b"0"))
    assert response == whole(b"", fields, reason=b"\xe9t\xe9")


def test_folded_lines_are_joined() -> None:
    response = answer(b"HTTP/1.1 200 OK\r\nA: b\r\n  c\r\nContent-Length: 0\r\n\r\n")
    assert response.headers == ((b"A", b"b  c"), (b"Content-Length", b"0"))


def test_a_missing_reason() -> None:
    assert answer(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").reason == b""


def test_interim_responses_are_skipped() -> None:
    response = answer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK)
    assert response == whole(b"ok", ((b"Content-Length", b"2"),))


def test_a_redirect_is_an_answer() -> None:
    response = answer(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
    assert (response.status, response.headers[0]) == (302, (b"Location", b"/b"))


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        (HEAD, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (HEAD, b"HTTP/1.1 200 OK\r\n\r\n"),
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    ],
)
def test_responses_without_a_body_leave_the_connection_usable(request_: WireRequest, response: bytes) -> None:
    peer = Peer()
    first, second = ask(answering(peer, response, OK), request_, GET, peer=peer)
    assert (first.body, second.body, peer.connections) == (b"", b"ok", 1)


@pytest.mark.parametrize(
    "response",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 two OK\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ],
)
def test_what_is_no_valid_response(response: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match=r"not valid HTTP/1\.1"):
        answer(response)


@pytest.mark.parametrize("fields", [b"Upgrade: x\r\nConnection: Upgrade\r\n", b""])
def test_a_switch_of_protocols_that_nobody_asked_for(fields: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="switched protocols"):
        answer(b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\n")


def test_a_declared_length_that_is_not_reached() -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="after 5 bytes of body, of 10 declared bytes"):
        answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", close=True)


def test_chunks_that_stop_in_the_middle() -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="unfinished chunk"):
        answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", close=True)


def test_a_head_that_stops_in_the_middle() -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="inside a response's head"):
        answer(b"HTTP/1.1 200 OK\r\nConte", close=True)


def test_no_response_at_all() -> None:
    with pytest.raises(ServerDisconnected):
        answer(b"", close=True)


@pytest.mark.parametrize("excess", [b"world", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_what_comes_after_the_declared_length_is_discarded_with_the_connection(excess: bytes) -> None:
    peer = Peer()
    first, second = ask(answering(peer, OK + excess, OK), GET, GET, peer=peer)
    assert (first.body, second.body, peer.connections) == (b"ok", b"ok", 2)


def test_what_comes_later_than_the_response_is_not_taken_for_the_next_one() -> None:
    peer = Peer()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await peer.read(reader)
        writer.write(OK)
        await asyncio.sleep(0.01)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
        await reader.read()

    async def main() -> list[bytes]:
        async with serving(peer, script), WireTransport() as transport:
            origin = Origin("127.0.0.1", peer.port, False)
            bodies = []
            for _ in range(3):
                bodies.append((await transport.send(origin, GET)).body)
                await asyncio.sleep(0.03)
            return bodies

    assert asyncio.run(main()) == [b"ok", b"ok", b"ok"]


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_connection_that_the_peer_will_close_is_not_used_again(response: bytes) -> None:
    peer = Peer()
    assert [r.body for r in ask(answering(peer, response), GET, GET, peer=peer)] == [b"ok", b"ok"]
    assert peer.connections == 2


def test_a_body_over_the_cap_is_cut_and_says_so() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    response = answer(head + b"x" * 1000, caps=Caps(body=100))
    assert (response.body, response.size, response.truncated) == (b"x" * 100, 1000, True)


def test_an_endless_body_ends_at_the_cap() -> None:
    peer = Peer()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await peer.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    response = ask(script, GET, peer=peer, caps=Caps(body=1_000_000))[0]
    assert (len(response.body), response.truncated) == (1_000_000, True)


@pytest.mark.parametrize("piece", [b"X-Filler: " + b"x" * 1000 + b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 50])
def test_an_endless_head_ends_at_the_cap(piece: bytes) -> None:
    peer = Peer()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await peer.read(reader)
        if piece.startswith(b"X"):
            writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(piece)
            await writer.drain()

    with pytest.raises(httpx.RemoteProtocolError, match="larger than 10000 bytes"):
        ask(script, GET, peer=peer, caps=Caps(head=10_000))


def test_a_reset_connection() -> None:
    peer = Peer()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await peer.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)
        reset(writer)

    with pytest.raises(httpx.ReadError):
        ask(script, GET, peer=peer)
