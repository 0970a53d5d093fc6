"""Connections to one origin: reused last in, first out, never more than a limit, and when a request may be repeated.

A request is sent a second time in one case only: it went out on a connection that had served before, not one byte of
a response came back, and its method is safe. Then the peer most likely closed the idle connection while the request
was on its way. A method that may change something is never repeated; instead, it is only given a connection that
was used a moment ago, well before servers close idle ones, or a new one.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

import httpx

from .connection import Caps, Connection, Deadlines, Origin, WireRequest, WireResponse, open_connection

SAFE_IDLE_SECONDS = 15.0
UNSAFE_IDLE_SECONDS = 1.0
"""gunicorn closes idle connections after 2 seconds, uvicorn after 5: the shortest defaults in use."""

CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to get a connection from the pool, to make one, without a byte written or read, and in all."""

    total: float = 30.0
    connect: float = 10.0
    read: float = 30.0
    write: float = 30.0
    pool: float = 30.0


class Pool:
    """At most `limit` connections to one origin."""

    def __init__(self, origin: Origin, *, limit: int, caps: Caps, context: ssl.SSLContext | None) -> None:
        self._origin = origin
        self._caps = caps
        self._context = context
        self._slots = asyncio.Semaphore(limit)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._loop = asyncio.get_running_loop()

    async def send(self, request: WireRequest, timeouts: Timeouts) -> WireResponse:
        """One round trip. Raises a subclass of httpx.TransportError."""
        deadline = self._loop.time() + timeouts.total
        await self._take_slot(min(timeouts.pool, timeouts.total))
        try:
            connection = self._pop_idle(request)
            if connection is not None:
                try:
                    return await self._round_trip(connection, request, timeouts, deadline)
                except (httpx.RemoteProtocolError, httpx.NetworkError):
                    if not (connection.silent and request.safe):
                        raise
            left = max(0.0, deadline - self._loop.time())
            connection = await open_connection(self._origin, self._caps, self._context, min(timeouts.connect, left))
            return await self._round_trip(connection, request, timeouts, deadline)
        finally:
            self._slots.release()

    async def aclose(self) -> None:
        """Close every connection and wait until the sockets are closed. Requests in flight fail."""
        connections = [*self._idle, *self._busy]
        self._idle.clear()
        for connection in connections:
            connection.abort()
        if connections:
            await asyncio.wait([connection.gone for connection in connections], timeout=CLOSE_SECONDS)

    async def _take_slot(self, timeout: float) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(timeout):
                await self._slots.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout(f"every connection to the target was busy for {timeout:g} s") from error

    def _pop_idle(self, request: WireRequest) -> Connection | None:
        oldest = self._loop.time() - (SAFE_IDLE_SECONDS if request.safe else UNSAFE_IDLE_SECONDS)
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_since >= oldest and not connection.stale():
                return connection
            connection.abort()
        return None

    async def _round_trip(
        self, connection: Connection, request: WireRequest, timeouts: Timeouts, deadline: float
    ) -> WireResponse:
        self._busy.add(connection)
        try:
            return await connection.send(request, Deadlines(deadline, timeouts.read, timeouts.write))
        finally:
            self._busy.discard(connection)
            if connection.reusable and not connection.closed:
                connection.idle_since = self._loop.time()
                self._idle.append(connection)
            else:
                connection.abort()


class Pools:
    """One pool per origin, made when first asked for."""

    def __init__(self, *, limit: int, caps: Caps) -> None:
        self._limit = limit
        self._caps = caps
        self.secure: ssl.SSLContext | None = None  # for the origins that want TLS
        self._pools: dict[Origin, Pool] = {}

    def at(self, origin: Origin) -> Pool:
        """The pool of an origin."""
        pool = self._pools.get(origin)
        if pool is None:
            pool = Pool(origin, limit=self._limit, caps=self._caps, context=self.secure if origin.tls else None)
            self._pools[origin] = pool
        return pool

    async def aclose(self) -> None:
        """Close all of them."""
        pools = list(self._pools.values())
        self._pools.clear()
        await asyncio.gather(*(pool.aclose() for pool in pools))
