"""A server that does on each connection what a test says, and keeps what arrived: the peer of the wire tests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]
"""Reader, writer, and how many connections there have been before this one."""


@dataclass
class Peer:
    """Where the server listens and what it has seen."""

    port: int = 0
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """One whole request as raw bytes, framing included; b"" when the connection was closed."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        body = await read_body(head, reader)
        self.requests.append(head + body)
        return head + body


async def read_body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """The raw body that follows a head."""
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
        raw = b""
        while True:
            line = await reader.readuntil(b"\r\n")
            raw += line + await reader.readexactly(int(line, 16) + 2)
            if int(line, 16) == 0:
                return raw
    return await reader.readexactly(int(fields.get(b"content-length", b"0")))


@contextlib.asynccontextmanager
async def serving(peer: Peer, script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Serve on a loopback port until the block ends; then every connection is dropped."""
    tasks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        number = peer.connections
        peer.connections += 1
        peer.open_now += 1
        peer.most_open = max(peer.most_open, peer.open_now)
        try:
            await script(reader, writer, number)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            peer.open_now -= 1
            writer.transport.abort() if tls else writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await server.wait_closed()
        await asyncio.sleep(0)  # lets transports that were just closed let go of their sockets


def answering(peer: Peer, *responses: bytes) -> Script:
    """Every request on every connection gets the next of the responses, the last again and again."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while await peer.read(reader):
            writer.write(responses[min(len(peer.requests), len(responses)) - 1])
            await writer.drain()

    return script


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    sock = writer.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
