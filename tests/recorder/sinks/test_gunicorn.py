"""Workers of a real gunicorn, a real Redis, and a network between them that fails: equal answers, and full accounts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder import Exchange
from recorder.wire import read_spool
from tests.recorder.test_gunicorn import KEY, answer, gunicorn, request
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer

from .endpoint import TOKEN, endpoint
from .streams import Arrived, arrived

APP = "tests.apps.conformance:recorded()"
WORKERS = [("sync",), ("sync", "--preload"), ("gthread", "--preload"), ("gevent",)]
names = " ".join


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.address) as made:
        yield made


def ask(port: int, first: int, count: int = 40) -> None:
    """Requests that have to be answered as the bare application does."""
    for number in range(first, first + count):
        got = answer(port, request(f"GET /where/{number}"))
        assert got.startswith(b"HTTP/1.1 200 OK\r\n")
        assert got.endswith(f"('/where/{number}', '')\r\n0\r\n\r\n".encode())


def environment(sink: str) -> dict[str, str]:
    return {"UNDERSTUDY_SINK": sink, "UNDERSTUDY_KEY": KEY, "UNDERSTUDY_RAISE": "1"}


def balanced(found: Arrived, seen: int) -> None:
    assert found.seen == seen
    assert len(found.exchanges) + found.dropped == seen
    assert sum(found.losses.values()) == found.dropped == found.gaps


@pytest.mark.parametrize("worker", WORKERS, ids=names)
@pytest.mark.parametrize("policy", ["drop", "spill"])
def test_a_network_that_is_cut_for_a_while(
    policy: str, worker: tuple[str, ...], redis_server: RedisServer, proxy: Proxy, tmp_path: Path
) -> None:
    folder = tmp_path / "spill"
    sink = f"redis://127.0.0.1:{proxy.port}/0" + (f"?spill={folder}" if policy == "spill" else "")
    kind, *options = worker
    with gunicorn(APP, tmp_path, kind, "-w", "2", *options, **environment(sink)) as (port, _):
        ask(port, 0)
        proxy.refuse()
        proxy.cut()
        ask(port, 40)
        proxy.listen()
        ask(port, 80)
    found = arrived(redis_server.client())
    balanced(found, 121)  # one of the fixture
    if policy == "spill":
        assert found.losses == {}
        assert list(folder.glob("*.spool")) == []
    assert 1 <= len(found.reports) <= 2


@pytest.mark.parametrize("worker", WORKERS, ids=names)
def test_a_network_that_swallows_everything_holds_up_neither_requests_nor_the_end(
    worker: tuple[str, ...], redis_server: RedisServer, proxy: Proxy, tmp_path: Path
) -> None:
    """gunicorn gives its workers 30 seconds, and would kill them; the fixture wants them to end by themselves."""
    folder = tmp_path / "spill"
    kind, *options = worker
    sink = f"redis://127.0.0.1:{proxy.port}/0?spill={folder}"
    with gunicorn(APP, tmp_path, kind, "-w", "2", *options, **environment(sink)) as (port, _):
        ask(port, 0)
        proxy.black_hole = True
        ask(port, 40)
    proxy.cut()
    found = arrived(redis_server.client())
    there = set(found.exchanges) | {item.id for item in read_spool(folder) if isinstance(item, Exchange)}
    assert len(there) == 81


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=names)
@pytest.mark.parametrize("persistent", [True, False], ids=["Redis keeps its data", "Redis comes back empty"])
def test_every_trouble_in_turn(persistent: bool, options: tuple[str, ...], tmp_path: Path) -> None:
    """Gone at the start, slow, full, cut in the middle of a command, killed: not one exchange without an account."""
    with RedisServer(persistent=persistent) as server, Proxy(server.address) as proxy:
        server.kill()
        sink = f"redis://127.0.0.1:{proxy.port}/0"
        with gunicorn(APP, tmp_path, "sync", "-w", "2", *options, **environment(sink)) as (port, _):
            ask(port, 0, 20)
            server.start()
            ask(port, 20, 20)
            proxy.delay_replies = 1.0
            ask(port, 40, 20)
            proxy.heal()
            server.client().config_set("maxmemory", 1)
            ask(port, 60, 20)
            server.client().config_set("maxmemory", 0)
            proxy.cut_after = 300
            ask(port, 80, 20)
            server.kill()
            ask(port, 100, 20)
            server.start()
            proxy.heal()  # where the cut has not been met
            ask(port, 120, 20)
        found = arrived(server.client())
    assert found.seen == 141
    assert 1 <= len(found.reports) <= 2
    assert found.gaps == 141 - len(found.exchanges)
    if persistent:
        balanced(found, 141)
    else:  # what Redis had and lost is no loss of the recorder's, and shows in the numbers
        assert found.dropped <= found.gaps


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=names)
def test_what_killed_workers_left_is_shipped_by_their_successors(
    options: tuple[str, ...], redis_server: RedisServer, proxy: Proxy, tmp_path: Path
) -> None:
    folder = tmp_path / "spill"
    proxy.refuse()
    sink = f"redis://127.0.0.1:{proxy.port}/0?spill={folder}"
    with gunicorn(APP, tmp_path, "sync", "-w", "2", *options, **environment(sink)) as (port, arbiter):
        ask(port, 0)
        while sum(isinstance(item, Exchange) for item in read_spool(folder)) < 41:
            time.sleep(0.05)  # the test's own time-out is the bound
        for pid in Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        proxy.listen()
        ask(port, 40)
        client = redis_server.client()
        while len(arrived(client).exchanges) < 81 or list(folder.glob("*.spool")):
            time.sleep(0.1)
    found = arrived(client)
    assert len(found.exchanges) == 81
    assert len(found.order) == 81
    assert {made.request.target for made in found.exchanges.values()} == {
        "/plain",
        *(f"/where/{number}" for number in range(80)),
    }


@pytest.mark.parametrize("worker", [("sync", "--preload"), ("gevent",)], ids=names)
def test_an_ingest_endpoint_that_goes_and_comes_back(worker: tuple[str, ...], tmp_path: Path) -> None:
    kind, *options = worker
    with endpoint() as server, Proxy(("127.0.0.1", server.port)) as proxy:
        sink = f"http://127.0.0.1:{proxy.port}/api/ingest?token={TOKEN.replace('/', '%2F')}"
        with gunicorn(APP, tmp_path, kind, "-w", "2", *options, **environment(sink)) as (port, _):
            ask(port, 0)
            proxy.refuse()
            proxy.cut()
            ask(port, 40)
            proxy.listen()
            ask(port, 80)
        balanced(server.arrived, 121)
