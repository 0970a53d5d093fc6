"""A Redis that is gone, comes back, is slow, full or says no, and an application that notices nothing of it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder import Exchange
from recorder.pipeline import Pipeline
from recorder.wire import encode_exchange
from tests.services.certificates import self_signed
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer, free_port, started

from .recording import App, close_all, targets
from .streams import Arrived, arrived

WARNINGS = "understudy.recorder"


@pytest.fixture(autouse=True)
def _errors_of_ours_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_RAISE", "1")


@pytest.fixture
def background() -> None:
    """The background thread is at work."""


@pytest.fixture(autouse=True)
def _only_a_flush_ships(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Unless a test asks for `background`: so that it is known which exchanges travel together, and when."""
    if "background" not in request.fixturenames:
        monkeypatch.setattr(Pipeline, "_run", lambda *_: None)
    yield
    close_all()


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.address) as made:
        yield made


def url(port: int, options: str = "") -> str:
    return f"redis://127.0.0.1:{port}/0?stream=understudy{options}"


def balanced(found: Arrived, seen: int) -> None:
    """What was seen arrived or is counted as lost: nothing in between, and nothing twice."""
    assert found.seen == seen
    assert len(found.exchanges) + found.dropped == seen
    assert sum(found.losses.values()) == found.dropped
    assert found.gaps == found.dropped


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records]


def test_batches_arrive_in_a_stream(background: None, redis_server: RedisServer) -> None:
    app = App(url(redis_server.port), service="shop", release="7")
    app.ask(150)
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 150)
    assert found.targets == targets(0, 149)
    assert found.losses == {}
    assert 4 <= found.batches <= 20  # 64 exchanges travel together, and the report by itself


def test_any_server_will_do(redis_url: str) -> None:
    import redis

    stream = f"understudy-test-{id(object())}"
    app = App(f"{redis_url}{'&' if '?' in redis_url else '?'}stream={stream}")
    app.ask(3)
    app.close()
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        balanced(arrived(client, stream), 3)
        client.delete(stream)


def test_the_stream_is_bounded(redis_server: RedisServer) -> None:
    app = App(url(redis_server.port, "&maxlen=10"))
    for _ in range(200):
        app.ask(1, size=5000)  # an entry of more than 4 KiB has a node of its own, and nodes are what is trimmed
        app.flush()
    app.close()
    assert redis_server.client().xlen("understudy") < 40
    found = arrived(redis_server.client())
    assert found.gaps == 200 - len(found.exchanges) > 100  # what Redis gave up is seen by the numbers


def test_a_redis_that_is_gone_at_the_start(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    redis_server.kill()
    app = App(url(redis_server.port))
    app.ask(100)
    app.flush()
    assert said(caplog) == [
        f"understudy: redis://127.0.0.1:{redis_server.port}/0 cannot be reached: Error 111 connecting to "
        f"127.0.0.1:{redis_server.port}. Connection refused.; exchanges are dropped and counted meanwhile "
        "(sink_unavailable)"
    ]
    redis_server.start()
    app.ask(50)
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 150)
    assert found.losses == {"sink_unavailable": 100}
    assert found.targets == targets(100, 149)
    assert said(caplog)[1:] == [f"understudy: redis://127.0.0.1:{redis_server.port}/0 takes exchanges again"]


@pytest.mark.parametrize("persistent", [False, True], ids=["comes back empty", "comes back with its data"])
def test_a_redis_that_is_killed_midway(persistent: bool) -> None:
    with RedisServer(persistent=persistent) as server:
        app = App(url(server.port))
        app.ask(100)
        app.flush()
        server.kill()
        app.ask(130)
        app.flush()
        app.ask(70)
        app.flush()
        server.start()
        app.ask(50)
        app.close()
        found = arrived(server.client())
    # The batch that met the killed server is in doubt, and is sent again until it is not.
    dropped = 200 - 64
    assert found.seen == 350
    assert found.losses == {"sink_unavailable": dropped}
    assert len(found.exchanges) == (350 if persistent else 250) - dropped
    assert found.gaps == dropped + (0 if persistent else 100)
    assert set(targets(100, 163) + targets(300, 349)) <= set(found.targets)
    assert len(found.order) == len(found.exchanges)


def test_an_answer_that_is_lost_is_no_loss(
    redis_server: RedisServer, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(url(proxy.port))
    app.ask(10)
    app.flush()
    proxy.cut_replies = True
    app.ask(10)
    app.flush()
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 20)
    assert found.losses == {}
    assert len(found.order) == 30  # it arrived both times, and is told apart by its ids
    assert caplog.text == ""  # a connection that was there before is made again at once


def test_a_connection_that_is_cut_in_the_middle_of_a_command(redis_server: RedisServer, proxy: Proxy) -> None:
    app = App(url(proxy.port))
    app.ask(10)
    app.flush()
    proxy.cut_after = 700  # of a command of a few thousand bytes
    app.ask(10)
    app.flush()
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 20)
    assert (found.losses, len(found.order)) == ({}, 20)
    assert proxy.accepted == 2


def test_a_cut_at_the_very_end_of_a_process_is_got_over(redis_server: RedisServer, proxy: Proxy) -> None:
    app = App(url(proxy.port))
    app.ask(10)
    proxy.cut_after = 700
    app.close()
    balanced(arrived(redis_server.client()), 10)
    assert proxy.accepted == 2


def test_an_answer_that_is_lost_with_the_server(redis_server: RedisServer, proxy: Proxy) -> None:
    """The batch is in the stream, and nobody said so: it is kept, not counted, and settled when there is an answer."""
    app = App(url(proxy.port))
    app.ask(10)
    app.flush()
    proxy.refuse()
    proxy.cut_replies = True
    app.ask(10)
    app.flush()
    assert len(arrived(redis_server.client()).exchanges) == 20
    app.ask(5)
    app.flush()
    proxy.heal()
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 25)
    assert found.losses == {"sink_unavailable": 5}


def test_a_redis_that_takes_a_second_for_each_command(
    background: None, redis_server: RedisServer, proxy: Proxy
) -> None:
    app = App(url(proxy.port), queue_count=100)
    proxy.delay_replies = 1.0
    app.ask(400)
    assert app.flush()
    proxy.heal()
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 400)
    assert set(found.losses) == {"queue_count"}
    assert found.losses["queue_count"] >= 100


def test_a_network_that_swallows_everything(background: None, redis_server: RedisServer, proxy: Proxy) -> None:
    app = App(url(proxy.port))
    app.ask(10)
    app.flush()
    proxy.black_hole = True
    app.ask(100)
    assert not app.flush(0.2)
    app.ask(100)
    app.flush()
    proxy.heal()
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 210)
    assert set(found.losses) == {"sink_timeout"}
    assert found.losses["sink_timeout"] >= 100


def test_a_full_redis() -> None:
    with started(maxmemory_policy="noeviction") as server:
        app = App(url(server.port))
        client = server.client()
        app.ask(10)
        app.flush()
        client.config_set("maxmemory", 1)
        app.ask(100)
        app.flush()
        client.config_set("maxmemory", 0)
        app.ask(10)
        app.close()
        found = arrived(client)
    balanced(found, 120)
    assert found.losses == {"redis_full": 100}


def test_a_replica(redis_server: RedisServer) -> None:
    client = redis_server.client()
    client.replicaof("127.0.0.1", "1")
    app = App(url(redis_server.port))
    app.ask(10)
    app.flush()
    client.replicaof("NO", "ONE")
    app.ask(10)
    app.close()
    found = arrived(client)
    balanced(found, 20)
    assert found.losses == {"redis_read_only": 10}


@pytest.mark.parametrize("credentials", ["", ":wrong@", "ada:wrong@"])
def test_a_password_that_is_missing_or_wrong(credentials: str, caplog: pytest.LogCaptureFixture) -> None:
    with started(requirepass="s3cret") as server:
        app = App(f"redis://{credentials}127.0.0.1:{server.port}/0")
        app.ask(10)
        app.flush()
        server.client().config_set("requirepass", "")
        app.ask(10)
        app.flush()
        client = RedisServer.client(server)
        client.connection_pool.connection_kwargs.pop("password", None)
        found = arrived(client)
    if credentials != "":
        assert found.batches == 0  # a user or a password that nobody asked for is refused, too
    else:
        balanced(found, 20)
        assert found.losses == {"redis_login": 10}
    assert "(redis_login)" in said(caplog)[0]
    assert "s3cret" not in caplog.text
    assert "wrong@" not in caplog.text


def test_a_password_that_is_right(caplog: pytest.LogCaptureFixture) -> None:
    with started(requirepass="s3cret") as server:
        app = App(f"{server.url}?stream=understudy")
        app.ask(10)
        app.close()
        balanced(arrived(server.client()), 10)
    assert caplog.text == ""


def test_a_redis_that_cannot_write_to_its_disk(caplog: pytest.LogCaptureFixture) -> None:
    with started(enable_protected_configs="yes") as server:
        client = server.client()
        gone = server.folder / "gone"
        gone.mkdir()
        client.config_set("save", "900 1")
        client.config_set("dir", str(gone))
        shutil.rmtree(gone)
        client.bgsave()
        while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
            pass
        app = App(url(server.port))
        app.ask(10)
        app.flush()
        client.config_set("save", "")
        app.ask(10)
        app.close()
        found = arrived(client)
    balanced(found, 20)
    assert found.losses == {"redis_disk_full": 10}
    assert "MISCONF" in said(caplog)[0]


def test_a_key_that_is_no_stream(redis_server: RedisServer) -> None:
    client = redis_server.client()
    client.set("understudy", "taken")
    app = App(url(redis_server.port))
    app.ask(10)
    app.flush()
    client.delete("understudy")
    app.close()
    found = arrived(client)
    balanced(found, 10)
    assert found.losses == {"redis_wrong_type": 10}


def test_a_database_that_is_not_there(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    app = App(f"redis://127.0.0.1:{redis_server.port}/99")
    app.ask(10)
    app.close()
    (line,) = said(caplog)
    assert "DB index is out of range" in line


def test_nothing_is_made_of_what_would_be_dropped(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(exchange: Exchange) -> bytes:
        made.append(exchange.sequence)
        return encode_exchange(exchange)

    monkeypatch.setattr("recorder.ship.encode_exchange", counted)
    redis_server.kill()
    app = App(url(redis_server.port))
    app.ask(300)
    app.flush()
    redis_server.start()
    app.flush()
    app.ask(10)
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 310)
    assert found.losses == {"sink_unavailable": 300}
    assert made == [*range(64), *range(300, 310)]  # the first batch found out


def test_an_outage_is_logged_once(
    background: None, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.kill()
    app = App(url(redis_server.port))
    for _ in range(10):
        app.ask(10)
        app.flush()
    app.close()
    assert len(said(caplog)) == 1


def test_a_forked_child_has_a_connection_of_its_own_and_leaves_the_parents_alone(
    background: None, redis_server: RedisServer, proxy: Proxy
) -> None:
    app = App(url(proxy.port))
    app.ask(10)
    app.flush()
    child = os.fork()
    if child == 0:
        app.ask(10)
        app.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    app.ask(10)
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 30)
    assert (len(found.reports), len(found.order), proxy.accepted) == (2, 30, 2)


# ---------------------------------------------------------------- spill


def spill(port: int, folder: Path) -> str:
    return url(port, f"&policy=spill&spill={folder}")


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool")) if folder.exists() else []


def test_what_redis_does_not_take_waits_in_a_folder(redis_server: RedisServer, tmp_path: Path) -> None:
    folder = tmp_path / "spill"
    app = App(spill(redis_server.port, folder))
    app.ask(100)
    app.flush()
    assert files(folder) == []
    redis_server.kill()
    app.ask(200)
    app.flush()
    assert files(folder) != []
    redis_server.start()
    app.ask(50)
    app.flush()
    app.ask(50)
    app.close()
    found = arrived(redis_server.client())
    assert found.losses == {}
    assert found.seen == 400
    assert found.targets == targets(100, 399)  # in their order; the first hundred were lost with Redis
    assert found.gaps == 100
    assert files(folder) == []


def test_what_waits_survives_the_process_and_its_successor_ships_it(redis_server: RedisServer, tmp_path: Path) -> None:
    redis_server.kill()
    for _ in range(3):
        app = App(spill(redis_server.port, tmp_path))
        app.ask(100)
        app.close()
    assert len(files(tmp_path)) == 3
    redis_server.start()
    last = App(spill(redis_server.port, tmp_path))
    last.ask(1)
    last.flush()
    found = arrived(redis_server.client())
    balanced(found, 301)
    assert len(found.reports) == 4
    assert files(tmp_path) == []
    last.close()


def test_a_slow_redis_is_fed_from_the_folder_in_larger_batches(
    background: None, redis_server: RedisServer, proxy: Proxy, tmp_path: Path
) -> None:
    app = App(spill(proxy.port, tmp_path))
    app.ask(10)
    app.flush()
    proxy.delay_replies = 1.0
    app.ask(10)
    app.flush()  # from now on it is known to be slow
    for _ in range(3):
        app.ask(600)
        app.flush(0.01)
    assert app.flush()
    proxy.heal()
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 1820)
    assert found.losses == {}
    assert found.batches < 1820 / 64  # else it would take that many seconds


def test_a_full_redis_fills_the_folder_and_the_folder_has_a_bound(tmp_path: Path) -> None:
    with started(maxmemory="1", maxmemory_policy="noeviction") as server:
        client = server.client()
        app = App(spill(server.port, tmp_path), spool_max=1 << 20)
        for _ in range(40):
            app.ask(10, size=10_000)
            app.flush()
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 1 << 20
        client.config_set("maxmemory", 0)
        app.flush()
        app.close()
        found = arrived(client)
    balanced(found, 400)
    assert set(found.losses) == {"spool_full"}
    assert 100 < found.losses["spool_full"] < 400


def test_a_folder_that_cannot_be_written_drops_and_counts(redis_server: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("no folder")
    redis_server.kill()
    app = App(spill(redis_server.port, tmp_path / "taken"))
    app.ask(10)
    app.flush()
    redis_server.start()
    app.close()
    found = arrived(redis_server.client())
    balanced(found, 10)
    assert found.losses == {"sink_unavailable": 10}


def test_the_background_thread_ships_what_waits_without_being_asked(
    background: None, redis_server: RedisServer, tmp_path: Path
) -> None:
    redis_server.kill()
    app = App(spill(redis_server.port, tmp_path))
    app.ask(100)
    while not files(tmp_path):
        time.sleep(0.01)
    redis_server.start()
    client = redis_server.client()
    while not arrived(client).reports or files(tmp_path):
        time.sleep(0.05)  # the test's own time-out is the bound
    balanced(arrived(client), 100)
    app.close()


# ---------------------------------------------------------------- encrypted


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed(tmp_path)


def test_over_tls(certificate: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    path, key = certificate
    secure = free_port()
    options = {"tls_port": str(secure), "tls_cert_file": str(path), "tls_key_file": str(key), "tls_auth_clients": "no"}
    with started(tls_ca_cert_file=str(path), **options) as server:
        app = App(f"rediss://127.0.0.1:{secure}/0?ssl_ca_certs={path}")
        app.ask(10)
        app.close()
        balanced(arrived(server.client()), 10)
        assert caplog.text == ""

        app = App(f"rediss://127.0.0.1:{secure}/0")
        app.ask(10)
        app.close()
        assert len(arrived(server.client()).exchanges) == 10
        assert "certificate verify failed" in caplog.text

        app = App(f"rediss://127.0.0.1:{secure}/0?ssl_cert_reqs=none")
        app.ask(10)
        app.close()
        balanced(arrived(server.client()), 20)
