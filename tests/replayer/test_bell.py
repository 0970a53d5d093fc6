"""Who waits for news in PostgreSQL hears of it at once; and where nothing can be heard, waiting is sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from replayer.store.bell import MISSES, Bell, ring
from replayer.store.dialect import writing
from replayer.store.engines import make_engine

LONG, SHORT = 30.0, 0.2


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def bell(engine: Engine) -> Iterator[Bell]:
    bell = Bell(engine)
    bell.listen("one")
    yield bell
    bell.close()


def rung(engine: Engine, channel: str = "one") -> None:
    with writing(engine) as connection:
        ring(connection, channel)


def test_a_ring_ends_the_waiting_of_all(engine: Engine, bell: Bell) -> None:
    async def wait() -> list[bool]:
        waiting = [asyncio.ensure_future(bell.wait(LONG, bell.rings)) for _ in range(3)]
        await asyncio.sleep(0.05)
        await asyncio.to_thread(rung, engine)
        return await asyncio.gather(*waiting)

    began = time.monotonic()
    assert asyncio.run(wait()) == [True, True, True]
    assert time.monotonic() - began < LONG / 2


def test_a_ring_that_came_while_nobody_waited_is_not_lost(engine: Engine, bell: Bell) -> None:
    since = bell.rings
    rung(engine)
    assert asyncio.run(bell.wait(LONG, since))
    assert asyncio.run(bell.wait(LONG, since)), "heard meanwhile, for another who waited"
    assert not asyncio.run(bell.wait(SHORT, bell.rings)), "heard once"


def test_nothing_is_heard_of_what_is_not_committed_or_rung_elsewhere(engine: Engine, bell: Bell) -> None:
    rung(engine, "another")
    with writing(engine) as connection:
        ring(connection, "one")
        assert not asyncio.run(bell.wait(SHORT, bell.rings))
    assert asyncio.run(bell.wait(LONG, bell.rings))


def test_another_channel_takes_the_place_of_the_first(engine: Engine, bell: Bell) -> None:
    bell.listen("two")
    rung(engine)
    assert not asyncio.run(bell.wait(SHORT, bell.rings))
    rung(engine, "two")
    assert asyncio.run(bell.wait(LONG, bell.rings))


def test_a_connection_that_is_cut_leaves_sleeping_and_the_next_channel_is_heard(engine: Engine, bell: Bell) -> None:
    async def cut() -> bool:
        waiting = asyncio.ensure_future(bell.wait(4 * SHORT, bell.rings))
        await asyncio.sleep(SHORT)
        with writing(engine) as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            assert connection.execute(text(others)).scalar()
        return await waiting

    began = time.monotonic()
    assert not asyncio.run(cut())
    assert time.monotonic() - began >= 4 * SHORT
    assert not bell.live
    bell.listen("one")
    assert not bell.live, "not before there is something new to hear"
    bell.listen("two")
    assert bell.live
    rung(engine, "two")
    assert asyncio.run(bell.wait(LONG, bell.rings))


def test_a_server_that_is_away_is_not_heard_and_fails_nothing() -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/none")
    bell = Bell(engine)
    bell.listen("one")
    assert not bell.live
    assert not asyncio.run(bell.wait(0.01, bell.rings))
    engine.dispose()


def test_a_bell_that_does_not_come_through_is_not_waited_for(engine: Engine, bell: Bell) -> None:
    for _ in range(MISSES - 1):
        bell.missed()
    rung(engine)
    assert asyncio.run(bell.wait(LONG, bell.rings))
    for _ in range(MISSES - 1):
        bell.missed()
    assert bell.live, "one that is heard begins the count anew"
    bell.missed()
    assert not bell.live


def test_sqlite_has_none() -> None:
    engine = make_engine("sqlite://")
    bell = Bell(engine)
    bell.listen("one")
    with engine.begin() as connection:
        ring(connection, "one")
    assert not bell.live
    assert not asyncio.run(bell.wait(0.01, bell.rings))
    engine.dispose()
