"""Connections: how long a peer is waited for, when one is used again, what is repeated, TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest

from replayer import connection as wire
from replayer.connection import Origin, ServerDisconnected, WireRequest
from replayer.pool import Timeouts
from replayer.transport import WireTransport

from .asking import EXPECT, GET, OK, POST, ask
from .scripted_server import Peer, Script, answering, read_body, serving


def _hang(peer: Peer, first: bytes = b"", drip: bytes = b"") -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await peer.read(reader)
        writer.write(first)
        while True:
            await asyncio.sleep(0.02)
            writer.write(drip)

    return script


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", OK[:-1], b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_peer_that_falls_silent(first: bytes) -> None:
    peer = Peer()
    with pytest.raises(httpx.ReadTimeout, match=r"sent nothing for 0\.1 s"):
        ask(_hang(peer, first), GET, peer=peer, timeouts=Timeouts(read=0.1))


def test_a_peer_that_drips_is_stopped_by_the_time_allowed_in_all() -> None:
    peer = Peer()
    slow = _hang(peer, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x")
    with pytest.raises(httpx.ReadTimeout, match="whole request"):
        ask(slow, GET, peer=peer, timeouts=Timeouts(total=0.2, read=0.1))


def test_a_slow_peer_that_goes_on_sending_is_waited_for() -> None:
    peer = Peer()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await peer.read(reader)
        for index in range(len(OK)):
            writer.write(OK[index : index + 1])
            await asyncio.sleep(0.01)

    assert ask(script, GET, peer=peer, timeouts=Timeouts(read=0.15))[0].body == b"ok"


def test_a_peer_that_does_not_read_the_request() -> None:
    peer = Peer()
    large = WireRequest("POST", b"POST / HTTP/1.1\r\nContent-Length: 20000000\r\n\r\n", b"x" * 20_000_000)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(30)

    with pytest.raises(httpx.WriteTimeout):
        ask(script, large, peer=peer, timeouts=Timeouts(write=0.1))


def test_an_answer_that_comes_before_the_body_was_sent() -> None:
    peer = Peer()
    large = WireRequest("POST", b"POST / HTTP/1.1\r\nContent-Length: 20000000\r\n\r\n", b"x" * 20_000_000)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(30)

    assert [response.status for response in ask(script, large, large, peer=peer)] == [413, 413]
    assert peer.connections == 2  # the rest of the first body may not be taken for a request


def test_nobody_listens() -> None:
    async def main() -> None:
        async with WireTransport() as transport:
            await transport.send(Origin("127.0.0.1", 1, False), GET)

    with pytest.raises(httpx.ConnectError, match=r"cannot connect to 127\.0\.0\.1:1"):
        asyncio.run(main())


def test_expect_holds_the_body_back_until_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CONTINUE_SECONDS", 60.0)
    peer = Peer()
    seen: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.02)
        seen.append(bytes(reader._buffer))  # type: ignore[attr-defined]
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        seen.append(await read_body(head, reader))
        writer.write(OK)
        await reader.read()

    assert ask(script, EXPECT, peer=peer)[0].body == b"ok"
    assert seen == [b"", b"abc"]


def test_expect_that_is_ignored_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CONTINUE_SECONDS", 0.05)
    peer = Peer()
    assert ask(answering(peer, OK), EXPECT, peer=peer)[0].body == b"ok"


def test_expect_that_is_refused_leaves_the_body_unsent() -> None:
    peer = Peer()
    after: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        after.append(await reader.read())

    async def main() -> list[int]:
        async with serving(peer, script), WireTransport() as transport:
            origin = Origin("127.0.0.1", peer.port, False)
            statuses = [(await transport.send(origin, EXPECT)).status for _ in range(2)]
            await asyncio.sleep(0.02)
            return statuses

    assert asyncio.run(main()) == [401, 401]
    assert after == [b"", b""]


def _closing_unanswered(peer: Peer) -> Script:
    """The first connection answers once, and is closed on the second request without a byte."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while await peer.read(reader):
            if number == 0 and len(peer.requests) == 2:
                return
            writer.write(OK)

    return script


def test_a_safe_request_that_crossed_a_closing_connection_is_sent_again() -> None:
    peer = Peer()
    ask(_closing_unanswered(peer), GET, GET, peer=peer)
    assert (len(peer.requests), peer.connections) == (3, 2)


def test_a_write_that_may_have_arrived_is_never_sent_again() -> None:
    peer = Peer()
    with pytest.raises(ServerDisconnected):
        ask(_closing_unanswered(peer), GET, POST, peer=peer)
    assert [request[:4] for request in peer.requests] == [b"GET ", b"POST"]


def test_a_request_on_a_new_connection_is_not_sent_again() -> None:
    peer = Peer()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await peer.read(reader)

    with pytest.raises(ServerDisconnected):
        ask(script, GET, peer=peer)
    assert len(peer.requests) == 1


def test_a_connection_found_closed_is_replaced_for_a_write_too() -> None:
    peer = Peer()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await peer.read(reader)
        writer.write(OK)

    async def main() -> None:
        async with serving(peer, script), WireTransport() as transport:
            origin = Origin("127.0.0.1", peer.port, False)
            for _ in range(3):
                await transport.send(origin, POST)
                await asyncio.sleep(0.02)

    asyncio.run(main())
    assert peer.requests == [POST.head + POST.body] * 3


def test_a_close_that_the_event_loop_has_not_seen_yet_is_found_before_writing() -> None:
    """The peer is another thread, and the loop gets no turn between its close and our next request."""
    arrived: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                arrived.append(connection.recv(65536))
                connection.sendall(OK)

    async def main(port: int) -> None:
        async with WireTransport() as transport:
            for _ in range(2):
                await transport.send(Origin("127.0.0.1", port, False), POST)
                time.sleep(0.05)  # the loop is blocked on purpose

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        asyncio.run(main(listener.getsockname()[1]))
        thread.join()
    assert arrived == [POST.head + POST.body] * 2


def test_a_write_is_not_given_a_connection_that_servers_may_be_about_to_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.pool.UNSAFE_IDLE_SECONDS", 0.02)
    peer = Peer()

    async def main() -> list[int]:
        async with serving(peer, answering(peer, OK)), WireTransport() as transport:
            origin = Origin("127.0.0.1", peer.port, False)
            seen = []
            for request in (POST, POST, GET, POST):
                await transport.send(origin, request)
                seen.append(peer.connections)
                await asyncio.sleep(0.04 if len(seen) > 1 else 0)
            return seen

    assert asyncio.run(main()) == [1, 1, 1, 2]


def test_there_are_never_more_connections_than_allowed() -> None:
    peer = Peer()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while await peer.read(reader):
            await asyncio.sleep(0.005)
            writer.write(OK)

    async def main() -> None:
        async with serving(peer, script), WireTransport(connections=3) as transport:
            origin = Origin("127.0.0.1", peer.port, False)
            await asyncio.gather(*(transport.send(origin, GET) for _ in range(20)))

    asyncio.run(main())
    assert (len(peer.requests), peer.connections, peer.most_open) == (20, 3, 3)


def test_waiting_for_a_connection_is_bounded() -> None:
    peer = Peer()

    async def main() -> list[object]:
        limits = Timeouts(pool=0.05, read=0.2)
        async with serving(peer, _hang(peer)), WireTransport(connections=1, timeouts=limits) as transport:
            origin = Origin("127.0.0.1", peer.port, False)
            calls = (transport.send(origin, GET) for _ in range(2))
            return [type(outcome) for outcome in await asyncio.gather(*calls, return_exceptions=True)]

    assert asyncio.run(main()) == [httpx.ReadTimeout, httpx.PoolTimeout]


def test_a_cancelled_request_gives_its_place_back() -> None:
    peer = Peer()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await peer.read(reader)
        if number == 0:
            await reader.read()
        writer.write(OK)
        await reader.read()

    async def main() -> bytes:
        async with serving(peer, script), WireTransport(connections=1) as transport:
            origin = Origin("127.0.0.1", peer.port, False)
            task = asyncio.create_task(transport.send(origin, GET))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return (await transport.send(origin, GET)).body

    assert asyncio.run(main()) == b"ok"
    assert peer.connections == 2


def test_closing_fails_what_is_in_flight() -> None:
    peer = Peer()

    async def main() -> object:
        async with serving(peer, _hang(peer)):
            transport = WireTransport()
            task = asyncio.create_task(transport.send(Origin("127.0.0.1", peer.port, False), GET))
            await asyncio.sleep(0.05)
            await transport.aclose()
            return (await asyncio.gather(task, return_exceptions=True))[0]

    assert isinstance(asyncio.run(main()), httpx.TransportError)


TLS = Path(__file__).with_name("tls")


def _tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.pem", TLS / "localhost.key")
    return context


def test_tls_with_a_known_authority() -> None:
    peer = Peer()

    async def main() -> list[bytes]:
        trusting = ssl.create_default_context(cafile=str(TLS / "localhost.pem"))
        async with serving(peer, answering(peer, OK), _tls_server()), WireTransport(verify=trusting) as transport:
            origin = Origin("127.0.0.1", peer.port, True)
            return [(await transport.send(origin, GET)).body for _ in range(3)]

    assert asyncio.run(main()) == [b"ok"] * 3
    assert peer.connections == 1


@pytest.mark.parametrize(("verify", "trusted"), [(True, False), (False, True)])
def test_tls_with_an_unknown_authority(verify: bool, trusted: bool) -> None:
    peer = Peer()

    async def main() -> bytes:
        async with serving(peer, answering(peer, OK), _tls_server()), WireTransport(verify=verify) as transport:
            return (await transport.send(Origin("127.0.0.1", peer.port, True), GET)).body

    if trusted:
        assert asyncio.run(main()) == b"ok"
    else:
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            asyncio.run(main())


def test_beneath_an_httpx_client() -> None:
    peer = Peer()
    response_bytes = b"HTTP/1.1 201 Made\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 2\r\n\r\nok"

    async def main() -> httpx.Response:
        async with (
            serving(peer, answering(peer, response_bytes)),
            httpx.AsyncClient(transport=WireTransport(), trust_env=False) as client,
        ):
            request = httpx.Request(
                "POST",
                peer.base_url,
                headers=[("Host", "a"), ("x-A", "1"), ("X-a", "2"), ("Transfer-Encoding", "chunked")],
                stream=httpx.ByteStream(b"body"),
                extensions={"target": b"/a/../%2f?%zz"},
            )
            return await client.send(request)

    response = asyncio.run(main())
    assert peer.requests == [
        b"POST /a/../%2f?%zz HTTP/1.1\r\nHost: a\r\nx-A: 1\r\nX-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"4\r\nbody\r\n0\r\n\r\n"
    ]
    assert (response.status_code, response.reason_phrase, response.content) == (201, "Made", b"ok")
    assert response.headers.raw == [(b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"Content-Length", b"2")]
    assert response.extensions["truncated"] is False
