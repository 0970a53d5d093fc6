"""`understudy ingest` over a network that is cut, and beside a database that is killed: all of it arrives, once."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from recorder.exchange import Exchange
from replayer.draining import Drain, Progress
from replayer.intake import Intake
from replayer.store import Gaps, Store
from replayer.stream import Stream
from tests.recorder.sinks.recording import App
from tests.services.postgres import Cluster
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer

from .test_ingest_stream import fill, ids, left


def drained(opened: Any, stream: str, expected: int, meanwhile: Any = None) -> None:
    """Drain until so many exchanges have been added or found there, while something happens to the network."""
    stop = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.taken.added + progress.taken.duplicates >= expected and progress.waiting == 0:
            stop.set()

    with ExitStack() as held:
        store: list[Store] = []

        def intake() -> Intake:
            store.append(held.enter_context(opened()))
            return Intake(store[-1], "a stream")

        worker = threading.Thread(
            target=Drain(Stream(stream, claim_after=0.3), intake, watch, stop, patience=60.0).run, daemon=True
        )
        worker.start()
        while worker.is_alive() and not stop.is_set():
            if meanwhile is not None:
                meanwhile()
            time.sleep(0.01)
        worker.join(60)
        assert not worker.is_alive()


def test_a_network_that_is_cut_loses_and_doubles_nothing(redis_server: RedisServer, postgres_cluster: Cluster) -> None:
    dice = random.Random(4)
    database = postgres_cluster.create_database("cut")
    with redis_server.client() as client:
        given: list[Exchange] = fill(client, 240)
    with Proxy(redis_server.address) as to_redis, Proxy(str(postgres_cluster.folder / ".s.PGSQL.5432")) as to_database:
        url = f"postgresql://understudy@127.0.0.1:{to_database.port}/cut"
        stream = f"redis://127.0.0.1:{to_redis.port}/0?stream=traffic"
        cuts = [0, time.monotonic() + 0.5]

        def cut() -> None:
            if cuts[0] < 16 and time.monotonic() >= cuts[1]:
                proxy = dice.choice((to_redis, to_database))
                if dice.random() < 0.5:
                    proxy.cut_replies = True
                else:
                    proxy.cut_after = dice.randrange(1, 20_000)
                cuts[0] += 1
                cuts[1] = time.monotonic() + dice.uniform(0.05, 0.3)

        Store.open(url).close()
        drained(lambda: Store.open(url), stream, len(given), cut)
    assert left(redis_server) == (0, 0)
    with Store.open(database) as store:
        (info,) = store.recordings()
        assert info.exchanges == len(given) == 4800
        assert ids(store.exchanges(info.id)) == ids(given)
        assert store.gaps(info) == Gaps(0, 0)
        assert sum(count.seen for count in store.route_counts(info.id)) == len(given)
        assert store.damage(info.id) == []


@pytest.mark.slow
def test_a_database_that_is_killed_meanwhile_loses_and_doubles_nothing(
    redis_server: RedisServer, postgres_cluster: Cluster
) -> None:
    dice = random.Random(5)
    database = postgres_cluster.create_database()
    with redis_server.client() as client:
        given = fill(client, 240)
    kills = [0, time.monotonic() + 0.3]

    def kill() -> None:
        if kills[0] < 3 and time.monotonic() >= kills[1]:
            postgres_cluster.kill()
            time.sleep(dice.uniform(0.0, 0.3))
            postgres_cluster.start()
            kills[0] += 1
            kills[1] = time.monotonic() + dice.uniform(0.05, 0.6)

    drained(lambda: Store.open(database), f"{redis_server.url}?stream=traffic", len(given), kill)
    assert kills[0] > 0
    assert left(redis_server) == (0, 0)
    with Store.open(database) as store:
        (info,) = store.recordings()
        assert ids(store.exchanges(info.id)) == ids(given)
        assert store.gaps(info) == Gaps(0, 0)
        assert store.damage(info.id) == []


def test_what_a_recorder_ships_to_redis_arrives(redis_server: RedisServer, store: Store) -> None:
    stream = f"{redis_server.url}?stream=traffic"
    app = App(stream)
    app.ask(150)
    assert app.flush()
    app.ask(20, size=4000)
    app.close()
    drain = Drain(Stream(stream), lambda: Intake(store, "a stream"), lambda _: None, threading.Event(), once=True)
    assert drain.run().added == 170
    (info,) = store.recordings()
    assert store.gaps(info) == Gaps(0, 0)
    assert sum(count.seen for count in store.route_counts(info.id)) == 170
