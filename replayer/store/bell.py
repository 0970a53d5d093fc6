"""How one process hears at once that another has written what it waits for, where the database can say so.

PostgreSQL can (LISTEN and NOTIFY). Whoever waits looks by itself from time to time all the same: a connection that
listens may be cut without a word, and a pooler between the two may keep what it hears to itself.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

logger = logging.getLogger("understudy.store")

MISSES = 3
"""News without a ring, one after the other, until a bell is not listened to any more: one may have been on its way."""


def ring(connection: Connection, channel: str) -> None:
    """Wake who listens to a channel, once the transaction is committed."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_notify(%s, '')", (channel,))


class Bell:
    """Hears what is rung on one channel at a time, with a connection of its own. For one thread and its event loop.

    It never fails: where nothing can be heard, waiting is sleeping.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._driver: Any = None  # psycopg's connection
        self._channel = ""
        self._misses = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._reading: tuple[asyncio.AbstractEventLoop, int] | None = None  # who looks at which file, while one waits
        self.rings = 0  # so far: to be read before one looks for news, and given to `wait`

    @property
    def live(self) -> bool:
        """Whether a ring is likely to be heard."""
        return self._driver is not None

    def listen(self, channel: str) -> None:
        """Hear what is rung on this channel from now on, and on no other; letters, digits and _. May take a moment."""
        if self._engine.dialect.name != "postgresql" or self._channel == channel:
            return
        self._channel, self._misses = channel, 0
        try:
            if self._driver is None:
                connection = self._engine.raw_connection()
                self._driver = connection.driver_connection
                connection.detach()  # it does not go back into the pool
                self._driver.autocommit = True
            self._driver.execute("UNLISTEN *")
            self._driver.execute(f"LISTEN {channel}")
        except (SQLAlchemyError, self._error) as error:
            self._give_up(str(error))

    async def wait(self, seconds: float, since: int) -> bool:
        """Wait for a ring that is not among the first `since`, for so many seconds at most; whether there was one."""
        if self._driver is None:
            await asyncio.sleep(seconds)
            return False
        if self.rings != since:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        self._read()
        try:
            await asyncio.wait([waiter], timeout=seconds)
        finally:
            self._waiters.discard(waiter)
            if not self._waiters:
                self._look_away()
        return waiter.done()

    def missed(self) -> None:
        """There was news, and no ring for it. Where that goes on, waiting becomes sleeping."""
        self._misses += 1
        if self._misses >= MISSES:
            self._give_up("they do not come through")

    def close(self) -> None:
        """Hear nothing any more."""
        self._look_away()
        driver, self._driver = self._driver, None
        if driver is not None:
            with suppress(self._error):
                driver.close()

    @property
    def _error(self) -> type[Exception]:
        """What everything is that the driver raises."""
        dialect: Any = self._engine.dialect
        error: type[Exception] = dialect.loaded_dbapi.Error
        return error

    def _read(self) -> None:
        if self._reading is None:
            self._reading = asyncio.get_running_loop(), self._driver.fileno()
            self._reading[0].add_reader(self._reading[1], self._hear)

    def _look_away(self) -> None:
        if self._reading is not None:
            self._reading[0].remove_reader(self._reading[1])
            self._reading = None

    def _hear(self) -> None:
        """Take in what has come; the event loop calls this while somebody waits."""
        before = self.rings
        try:
            self._driver.pgconn.consume_input()
            while self._driver.pgconn.notifies() is not None:
                self.rings += 1
        except self._error as error:
            self._give_up(str(error))
            return
        if self.rings != before:
            self._misses = 0
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def _give_up(self, why: str) -> None:
        """Whoever waits at this moment does so to the end of their time."""
        if self._driver is not None:
            logger.info("notifications of the database are not heard: %s", why)
        self.close()
