"""CPU per request of the replayer's client and of stock httpx, against the same server: the ratio is the figure.

    python benchmarks/replay_client.py [--requests 5000]

The server is a process of its own that answers every request with the same 1 KB of JSON, so that what is measured is
the client's process alone. Rates and microseconds vary with the machine; the ratio and its growth with the number of
connections are what to compare.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import time
from multiprocessing.connection import Connection

import httpx

from recorder.exchange import RecordedRequest
from replayer.client import Client

BODY = b'{"id": 17, "name": "' + b"x" * 1000 + b'"}'
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: bench\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
REQUEST = RecordedRequest(
    "GET",
    "/api/orders/17?expand=items",
    (
        ("Host", "shop.example"),
        ("User-Agent", "shop-app/4.2"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Cookie", "session=0123456789abcdef"),
        ("X-Request-Id", "8d2f0b1c"),
    ),
)


class _Answer(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while b"\r\n\r\n" in self._seen:
            self._seen = self._seen.partition(b"\r\n\r\n")[2]
            self._transport.write(RESPONSE)


def serve(port: Connection) -> None:
    """Answer until the process is ended."""

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Answer, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


async def _spread(count: int, connections: int, send: object) -> float:
    """CPU microseconds per request with `connections` workers that share `count` requests."""
    assert callable(send)

    async def worker() -> None:
        for _ in range(count // connections):
            await send()

    await asyncio.gather(*(send() for _ in range(connections)))  # connect before the clock starts
    start = time.process_time()
    await asyncio.gather(*(worker() for _ in range(connections)))
    return (time.process_time() - start) / (count // connections * connections) * 1e6


async def ours(base: str, count: int, connections: int) -> float:
    """`Client.send` with a recorded request."""
    async with Client(base, connections=connections, extra_headers=(("Understudy-Replay", "r.1.s"),)) as client:

        async def send() -> None:
            reply = await client.send(REQUEST)
            assert reply.failure is None, reply

        return await _spread(count, connections, send)


async def stock(base: str, count: int, connections: int) -> float:
    """`httpx.AsyncClient` with a request built in advance."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

        async def send() -> None:
            request = client.build_request("GET", base + REQUEST.target, headers=list(REQUEST.headers[1:]))
            response = await client.send(request)
            assert response.status_code == 200

        return await _spread(count, connections, send)


def main() -> None:
    """Print one line for each number of connections."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    count = parser.parse_args().requests
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(sender,), daemon=True)
    server.start()
    try:
        base = f"http://127.0.0.1:{receiver.recv()}"
        print("connections   ours (µs CPU)   stock httpx (µs CPU)   ratio")
        for connections in (1, 4, 16):
            mine = min(asyncio.run(ours(base, count, connections)) for _ in range(3))
            theirs = asyncio.run(stock(base, max(connections * 20, count // 5), connections))
            print(f"{connections:11}   {mine:13.0f}   {theirs:20.0f}   {theirs / mine:5.1f}")
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
