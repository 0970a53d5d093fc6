"""`understudy ingest`, from a real Redis: nothing is lost and nothing is kept twice, whoever is killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from recorder.exchange import Exchange
from replayer.draining import Drain, Progress
from replayer.errors import InconclusiveError, UsageError
from replayer.intake import Batch, Intake, Taken
from replayer.store import Gaps, Store
from replayer.stream import GROUP, Stream
from tests.services.postgres import Cluster
from tests.services.redis import RedisServer

from .batches import entry, header, report, sent

PRODUCERS = ("w1", "w2", "w3")


@pytest.fixture
def stream(redis_server: RedisServer) -> str:
    return f"{redis_server.url}?stream=traffic"


def fill(client: redis.Redis, batches: int, size: int = 20) -> list[Exchange]:
    """Batches of three producers, one after the other, the last one of each with its report."""
    given: list[Exchange] = []
    for number in range(batches):
        producer = PRODUCERS[number % len(PRODUCERS)]
        turn = number // len(PRODUCERS)
        items = [sent(turn * size + n, producer, body=b"%d" % n) for n in range(size)]
        given += items
        seen = report(producer, float(turn), (turn + 1) * size)
        client.xadd("traffic", entry(header(producer), *items, seen))  # type: ignore[arg-type]
    return given


def drain(url: str, store: Store | Callable[[], Intake], **options: Any) -> Drain:
    watch = options.pop("watch", lambda _: None)
    stop = options.pop("stop", threading.Event())
    claim_after = options.pop("claim_after", 30.0)
    opened = (lambda: Intake(store, "a stream")) if isinstance(store, Store) else store
    return Drain(
        Stream(url, claim_after=claim_after), opened, watch, stop, **{"once": True, "patience": 1.0, **options}
    )


def left(server: RedisServer) -> tuple[int, int]:
    """Entries in the stream, and of those the ones that somebody has and has not settled."""
    with server.client() as client:
        pending: Any = client.xpending("traffic", GROUP)
        return int(client.xlen("traffic")), int(pending["pending"])


def ids(exchanges: Iterable[Exchange]) -> list[str]:
    return sorted(exchange.id for exchange in exchanges)


def test_a_stream_is_drained_once_and_for_all(redis_server: RedisServer, stream: str, store: Store) -> None:
    with redis_server.client() as client:
        given = fill(client, 40)
    assert drain(stream, store).run() == Taken(batches=40, exchanges=800, added=800)
    (info,) = store.recordings()
    assert ids(store.exchanges(info.id)) == ids(given)
    assert sum(count.seen for count in store.route_counts(info.id)) == 800
    assert store.gaps(info) == Gaps(0, 0)
    assert left(redis_server) == (0, 0)
    with redis_server.client() as client:
        assert client.xinfo_consumers("traffic", GROUP) == []
    assert drain(stream, store).run() == Taken()


def test_what_is_kept_for_others_stays_and_is_not_read_again(
    redis_server: RedisServer, stream: str, store: Store
) -> None:
    with redis_server.client() as client:
        fill(client, 3)
    assert drain(stream, store, keep=True).run().added == 60
    assert left(redis_server) == (3, 0)
    assert drain(stream, store).run() == Taken()


def test_entries_that_arrive_twice_add_nothing(redis_server: RedisServer, stream: str, store: Store) -> None:
    with redis_server.client() as client:
        fill(client, 5)
        fill(client, 5)
    assert drain(stream, store).run() == Taken(batches=10, exchanges=200, added=100, duplicates=100)


def test_poison_is_noted_settled_and_hinders_nothing(redis_server: RedisServer, stream: str, store: Store) -> None:
    good = entry(header(), sent(1))
    poison: list[dict[str, Any]] = [
        {"v": "2", "e": "zlib", "d": b"x", "n": 1},
        {"nothing": "of ours"},
        good | {"e": "lzma"},
        good | {"d": bytes(good["d"])[:-5]},  # type: ignore[arg-type]
        {"v": "1", "e": "identity", "d": b"\xff" * 200, "n": 4},
    ]
    with redis_server.client() as client:
        names = [client.xadd("traffic", fields).decode() for fields in [*poison, good, *poison]]  # type: ignore[union-attr, arg-type]
    taken = drain(stream, store).run()
    assert (taken.batches, taken.added, taken.damaged, taken.unreadable) == (11, 1, 10, 10)
    assert left(redis_server) == (0, 0)
    info = store.recording("shop-1.0")
    damage = store.damage(info.id)
    assert {piece.path for piece in damage} == {f"stream traffic entry {name}" for name in names if name != names[5]}
    said = {piece.path: piece.reason for piece in damage}
    reasons = [said[f"stream traffic entry {name}"] for name in names[:5]]
    assert reasons[0] == "an entry of version 2; this release reads version 1"
    assert reasons[1] == "an entry of version none; this release reads version 1"
    assert "unknown encoding" in reasons[2]
    assert "damaged batch" in reasons[3]
    assert "not a spool file" in reasons[4]


def test_an_entry_that_makes_the_store_fail_is_noted_and_the_others_are_kept(
    redis_server: RedisServer, stream: str, store: Store
) -> None:
    with redis_server.client() as client:
        fill(client, 6, size=2)

    class Failing(Intake):
        def take(self, batches: Iterable[Batch]) -> Taken:
            given = list(batches)
            if any(not batch.fault and batch.name == bad for batch in given):
                raise OverflowError("a number too large")
            return super().take(given)

    with redis_server.client() as client:
        bad = f"stream traffic entry {client.xrange('traffic')[2][0].decode()}"  # type: ignore[index, union-attr]
    taken = drain(stream, lambda: Failing(store, "a stream")).run()
    assert (taken.added, taken.damaged, taken.unreadable) == (10, 1, 1)
    (piece,) = store.damage(store.recordings()[0].id)
    assert (piece.path, piece.reason) == (bad, "it cannot be kept: OverflowError: a number too large")
    assert left(redis_server) == (0, 0)


def test_what_the_database_does_not_take_is_noted_and_the_others_are_kept(
    redis_server: RedisServer, stream: str, postgres_url: str
) -> None:
    """An identifier that no index of PostgreSQL holds."""
    endless = replace(sent(0, "w9"), id="".join(random.Random(1).choices("ghijklmnopqrstuvwxyz", k=20_000)))
    with redis_server.client() as client:
        fill(client, 3)
        client.xadd("traffic", entry(header("w9"), endless))  # type: ignore[arg-type]
        client.xadd("traffic", entry(header("w8", "\0\ud800", "\0", "k\0"), sent(0, "w8")))  # type: ignore[arg-type]
    with Store.open(postgres_url) as store:
        taken = drain(stream, store).run()
        assert (taken.added, taken.damaged, taken.unreadable) == (61, 1, 1)
        assert sorted(info.name for info in store.recordings()) == ["\\0\\ud800-\\0", "shop-1.0"]
        (piece,) = [piece for info in store.recordings() for piece in store.damage(info.id)]
        assert "it cannot be kept: Unstorable: " in piece.reason
    assert left(redis_server) == (0, 0)


def test_what_redis_lost_shows_as_a_gap(redis_server: RedisServer, stream: str, store: Store) -> None:
    with redis_server.client() as client:
        fill(client, 9)
        entries: Any = client.xrange("traffic")
        client.xdel("traffic", entries[3][0], entries[8][0])  # the second one of w1, the last one of w3
    assert drain(stream, store).run().added == 140
    info = store.recordings()[0]
    assert store.gaps(info) == Gaps(20, 20)  # what a producer lost last only its next one shows
    with redis_server.client() as client:
        client.xadd("traffic", entry(header("w3"), sent(60, "w3"), report("w3", 9.0, 61)))  # type: ignore[arg-type]
    drain(stream, store).run()
    assert store.gaps(info) == Gaps(40, 40)


def test_what_a_dead_reader_left_is_taken_over(redis_server: RedisServer, stream: str, store: Store) -> None:
    with redis_server.client() as client:
        given = fill(client, 8)
    dead = Stream(stream)
    assert len(dead.read(1)) == 8
    assert drain(stream, store, claim_after=0.3).run().added == len(given)
    assert left(redis_server) == (0, 0)


def test_while_the_database_is_away_nothing_is_settled(
    redis_server: RedisServer, stream: str, postgres_cluster: Cluster
) -> None:
    url = postgres_cluster.create_database()
    Store.open(url).close()
    postgres_cluster.kill()
    with redis_server.client() as client:
        given = fill(client, 50)
    troubles: list[str] = []

    def watch(progress: Progress) -> None:
        if progress.trouble and not troubles:
            troubles.append(progress.trouble)
            assert left(redis_server)[0] == 50
            postgres_cluster.start()

    with ExitStack() as opened:
        taken = drain(
            stream,
            lambda: Intake(opened.enter_context(Store.open(url)), "a stream"),
            watch=watch,
            patience=60.0,
        ).run()
    assert taken.added == len(given)
    assert "cannot be reached" in troubles[0]
    assert left(redis_server) == (0, 0)


def test_once_gives_up_after_its_patience_and_loses_nothing(
    redis_server: RedisServer, stream: str, store: Store, tmp_path: Path
) -> None:
    with redis_server.client() as client:
        given = fill(client, 3)

    def unreachable() -> Intake:
        return Intake(Store.open("postgresql://127.0.0.1:1/x"), "a stream")

    with pytest.raises(InconclusiveError, match="cannot be reached"):
        drain(stream, unreachable).run()
    assert left(redis_server) == (3, 3)
    assert drain(stream, store, claim_after=0.1).run().added == len(given)


def test_a_redis_that_is_killed_and_comes_back_empty_or_not_is_drained_on(store: Store) -> None:
    for persistent in (True, False):
        with RedisServer(persistent=persistent) as server:
            url = f"{server.url}?stream=traffic"
            with server.client() as client:
                fill(client, 30)
            restarted: list[bool] = []

            def watch(progress: Progress, server: RedisServer = server, restarted: list[bool] = restarted) -> None:
                if progress.taken.batches and not restarted:
                    restarted.append(True)
                    server.kill()
                    server.start()

            drain(url, store, watch=watch, claim_after=0.2, patience=30.0).run()
            assert restarted
            with server.client() as client:
                fill(client, 30)
            drain(url, store, patience=30.0).run()
            (info,) = store.recordings()
            assert info.exchanges == 600  # those that were settled, and all of the rest
            assert store.gaps(info) == Gaps(0, 0)
            store.delete_recording(info.id)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://x/", "is not the URL of a Redis"),
        ("redis://u:s3cret@127.0.0.1:notaport/0", "is not the URL of a Redis"),
        ("redis://u:s3cret@127.0.0.1:6379/notanumber?stream=x&db=y", "is not the URL of a Redis"),
    ],
)
def test_a_url_of_no_redis_is_explained(url: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        Stream(url)
    assert "s3cret" not in caught.value.message


def test_what_redis_refuses_is_explained(redis_server: RedisServer, store: Store) -> None:
    with redis_server.client() as client:
        client.set("text", "x")
        with pytest.raises(UsageError, match=r"'text' at redis://127\.0\.0\.1:\d+/0\?stream=text is no stream\."):
            drain(f"{redis_server.url}?stream=text", store).run()
        client.acl_setuser("guest", enabled=True, passwords=["+s3cret"], categories=["+@read"], keys=["*"])
        client.acl_setuser("reader", enabled=True, passwords=["+s3cret"], categories=["+@all"], keys=["*"])
    port = redis_server.port
    for user, password in (("guest", "s3cret"), ("guest", "wr0ng"), ("nobody", "s3cret")):
        with pytest.raises(UsageError, match="refuses us") as caught:
            drain(f"redis://{user}:{password}@127.0.0.1:{port}/0", store).run()
        assert password not in caught.value.message
    assert drain(f"redis://reader:s3cret@127.0.0.1:{port}/0", store).run() == Taken()
    with pytest.raises(InconclusiveError, match=r"cannot be used: .*refused"):
        drain("redis://127.0.0.1:1/0", store).run()


# ---------------------------------------------------------------- the command


def command(*arguments: str, cwd: Path) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-c", "from replayer.cli.main import script; script()", "ingest", *arguments]
    return subprocess.Popen(program, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(process: subprocess.Popen[bytes], code: int = 0) -> tuple[str, str]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err.decode()
    return out.decode(), err.decode()


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = command(*arguments, cwd=cwd)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_command_drains_closes_and_says_so(redis_server: RedisServer, stream: str, tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path}/store.db"
    with redis_server.client() as client:
        fill(client, 6)
    out, err = finished(command(stream, "--once", "--close", "--json", "--db", database_url, cwd=tmp_path))
    said = json.loads(out)
    (info,) = said["recordings"]
    assert (said["added"], said["batches"], said["damaged"]) == (120, 6, 0)
    assert (info["name"], info["exchanges"], info["missing"], info["lost"]) == ("shop-1.0", 120, 0, 0)
    assert info["closed"] is not None
    assert "until nothing is waiting" in err
    with Store.open(database_url) as store:
        assert store.recording("shop-1.0").closed is not None
    out, _ = finished(command(stream, "--once", "--db", database_url, cwd=tmp_path))
    assert out == "0 exchanges added in 0 batches.\n"


def test_sigterm_ends_it_after_the_batch_in_hand(redis_server: RedisServer, stream: str, tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path}/store.db"
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        with running(stream, "--db", database_url, cwd=tmp_path) as process:
            with redis_server.client() as client:
                fill(client, 3)
            wait_for(lambda: left_or_none(redis_server) == (0, 0))
            process.send_signal(number)
            out, err = finished(process, code)
            assert out.startswith("60 exchanges added in 3" if code == 0 else "0 exchanges added, 60 there already")
            assert "Traceback" not in err
    with redis_server.client() as client:
        assert client.xinfo_consumers("traffic", GROUP) == []


def left_or_none(server: RedisServer) -> tuple[int, int] | None:
    try:
        return left(server)
    except redis.ResponseError:  # nobody has joined yet
        return None


def test_a_command_without_a_stream_says_what_to_give(tmp_path: Path) -> None:
    _, err = finished(command(cwd=tmp_path), 2)
    assert err == "understudy: No stream is named.\n  Give its URL, or set UNDERSTUDY_SINK as the recorders have it.\n"
    _, err = finished(command("redis://h/0", "--close", cwd=tmp_path), 2)
    assert "--close needs --once." in err


@pytest.mark.slow
def test_readers_that_are_killed_at_any_moment_lose_and_double_nothing(
    redis_server: RedisServer, stream: str, database_url: str, tmp_path: Path
) -> None:
    """Two readers at once, one of them killed again and again, while batches arrive."""
    dice = random.Random(1)
    options = ("--db", database_url, "--claim-after", "0.3")
    Store.open(database_url).close()
    given: list[Exchange] = []
    with running(stream, *options, cwd=tmp_path) as steady:
        for _ in range(3):
            with running(stream, *options, cwd=tmp_path) as process, redis_server.client() as client:
                wait_for(lambda process=process: process.stderr is not None and bool(process.stderr.peek(1)))
                turns = range(len(given) // 900 * 45, len(given) // 900 * 45 + 45)
                for turn in turns:
                    producer = PRODUCERS[turn % 3]
                    items = [sent(turn // 3 * 20 + n, producer, body=dice.randbytes(300)) for n in range(20)]
                    given += items
                    client.xadd("traffic", entry(header(producer), *items))  # type: ignore[arg-type]
                time.sleep(dice.uniform(0.02, 0.5))
                process.send_signal(signal.SIGKILL)
        wait_for(lambda: left_or_none(redis_server) == (0, 0))
        steady.send_signal(signal.SIGTERM)
        finished(steady)
    with Store.open(database_url) as store:
        (info,) = store.recordings()
        assert info.exchanges == len(given) == 2700
        assert ids(store.exchanges(info.id)) == ids(given)
        assert store.gaps(info) == Gaps(0, 0)
