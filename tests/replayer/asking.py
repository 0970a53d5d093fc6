"""Requests and expectations that the tests of the transport share."""

from __future__ import annotations

import asyncio

import httpx

from replayer.connection import Caps, Origin, WireRequest, WireResponse
from replayer.pool import Timeouts
from replayer.transport import WireTransport

from .scripted_server import Peer, Script, serving

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
