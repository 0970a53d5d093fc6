"""Responses as peers really send them, through the transport: each ends as data or as the right httpx exception."""

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
from replayer.connection import Caps, Origin, ServerDisconnected, WireRequest, WireResponse
from replayer.pool import Timeouts
from replayer.transport import WireTransport

from .scripted_server import Peer, Script, answering, read_body, reset, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = WireRequest("GET", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
HEAD = WireRequest("HEAD", b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
POST = WireRequest("POST", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", b"abc")
EXPECT = WireRequest(
    "POST", b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", b"abc", True
)
QUICK = Timeouts(total=5.0, read=5.0, write=5.0)


def ask(
    script: Script,
    *requests: WireRequest,
    peer: Peer,
    caps: Caps | None = None,
    timeouts: Timeouts = QUICK,
) -> list[WireResponse]:
    """Send the requests one after the other."""

    async def main() -> list[WireResponse]:
        async with serving(peer, script), WireTransport(caps=caps, timeouts=timeouts) as transport:
            origin = Origin("127.0.0.1", peer.port, False)
            return [await transport.send(origin, request) for request in requests]

    return asyncio.run(main())


def answer(
    response: bytes, *, close: bool = False, caps: Caps | None = None, request: WireRequest = GET
) -> WireResponse:
    """What becomes of this response, sent byte by byte and at once: both must give the same."""

    def script(pieces: list[bytes]) -> Script:
        async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
            await peer.read(reader)
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
            if not close:
                await reader.read()

        return run

    outcomes: list[WireResponse | str] = []
    failure: httpx.TransportError | None = None
    for pieces in ([response], [response[i : i + 1] for i in range(len(response))]):
        peer = Peer()
        try:
            outcomes.append(ask(script(pieces), request, peer=peer, caps=caps)[0])
        except httpx.TransportError as error:
            failure = error
            outcomes.append(type(error).__name__)
    assert outcomes[0] == outcomes[1]
    if failure is not None:
        raise failure
    assert isinstance(outcomes[0], WireResponse)
    return outcomes[0]


def whole(body: bytes, headers: tuple[tuple[bytes, bytes], ...] = (), **changes: object) -> WireResponse:
    values: dict[str, object] = {"status": 200, "reason": b"OK", "headers": headers, "body": body, "size": len(body)}
    return WireResponse(**{"truncated": False, **values, **changes})  # type: ignore[arg-type]


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
