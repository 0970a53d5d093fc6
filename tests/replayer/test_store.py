from __future__ import annotations

import dataclasses
import random
import stat
from pathlib import Path

import pytest
import zstandard
from sqlalchemy import create_engine, inspect, text

from recorder.exchange import (
    Body,
    BodyState,
    Exchange,
    OutboundCall,
    Outcome,
    ProducerReport,
    RecordedRequest,
    RecordedResponse,
    RouteCount,
    SqlStatement,
)
from replayer.errors import InconclusiveError, UsageError
from replayer.store import Added, DamageRecord, RecordingInfo, Store, codec


def exchange(number: int, *, body: bytes = b"{}", started: float | None = None, sent: bytes = b"") -> Exchange:
    moment = 100.0 + number if started is None else started
    return Exchange(
        id=f"{number:032x}",
        request=RecordedRequest("GET", f"/items/{number}", (("Host", "shop"), ("A", "1"), ("a", "2")), Body.of(sent)),
        response=RecordedResponse(200, "OK", (("Content-Type", "application/json"),), Body.of(body)),
        started=moment,
        ended=moment + 0.25,
        route="/items/<int:id>",
        endpoint="item",
        client="c" * 16,
        links=("l1", "l2"),
        principal="p",
        producer="w1",
        sequence=number,
    )


FULL = Exchange(
    id="not hexadecimal",
    request=RecordedRequest(
        method="POST",
        target="/caf%c3%a9/../x?a=\xe9&&",
        headers=(("X-Latin", "\xe9\xff"), ("Cookie", "a=1"), ("cookie", "b=2"), ("X-Empty", "")),
        body=Body(b"\x00\xff" * 10, 4000, BodyState.TRUNCATED),
        scheme="https",
        protocol="HTTP/1.0",
        target_exact=False,
    ),
    response=RecordedResponse(599, "Sch\xf6n", (), Body(b"", 77, BodyState.OPAQUE, "ab" * 16)),
    started=1.1,
    ended=2.2,
    route="/\u20ac/<path:p>\ud800\0",
    links=(),
    sequence=2**64 - 1,
    outcome=Outcome.RAISED,
    sql=(SqlStatement("f", "SELECT 1", 2, 3),),
    outbound=(
        OutboundCall(
            RecordedRequest("PUT", "http://pay/x", (("A", "b"),), Body.of(b"\xff\x00")),
            RecordedResponse(201, "Created", (("C", "d"),), Body.of(b"\x80")),
            3.0,
            4.5,
        ),
        OutboundCall(RecordedRequest("GET", "http://pay/y", ()), None, 5.0, 6.0),
    ),
)


def recording(store: Store, name: str = "first", fingerprint: str = "") -> RecordingInfo:
    return store.create_recording(
        name, service="shop", release="1.0", key_id="k", source="/spool", fingerprint=fingerprint
    )


def bodies(store: Store) -> int:
    with store._engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM bodies")).scalar_one())


def rows(store: Store) -> dict[str, int]:
    """Every table that holds anything, and how many rows."""
    with store._engine.connect() as connection:
        names = inspect(connection).get_table_names()
        counts = {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}
    return {name: count for name, count in counts.items() if count}


def test_exchanges_come_back_whole_by_start_time(store: Store) -> None:
    info = recording(store)
    no_response = dataclasses.replace(exchange(7), response=None, outcome=Outcome.DISCONNECTED, sql=())
    unread = dataclasses.replace(
        exchange(3), request=dataclasses.replace(FULL.request, body=Body(b"ab", 9, BodyState.UNREAD))
    )
    head = dataclasses.replace(exchange(8), response=RecordedResponse(200, "OK", (), Body(b"", 5)))
    given = [exchange(9), FULL, no_response, unread, head, exchange(1)]
    assert store.add_exchanges(info.id, given) == Added(6, 0)
    assert list(store.exchanges(info.id)) == [FULL, exchange(1), unread, no_response, head, exchange(9)]
    assert store.exchange(info.id, FULL.id) == FULL
    assert store.exchange(info.id, "f" * 32) is None


def test_a_recording_knows_its_extent(store: Store) -> None:
    info = recording(store)
    assert (info.name, info.service, info.release, info.key_id, info.source) == ("first", "shop", "1.0", "k", "/spool")
    assert (info.exchanges, info.first, info.last, info.closed) == (0, None, None, None)
    store.add_exchanges(info.id, [exchange(5), exchange(2)])
    store.add_exchanges(info.id, [exchange(9)])
    store.close_recording(info.id)
    closed = store.recording("first")
    assert (closed.exchanges, closed.first, closed.last) == (3, 102.0, 109.0)
    assert closed.closed is not None
    store.close_recording(info.id)
    assert store.recording(closed.id) == closed
    assert store.recordings() == [closed]


def test_exchanges_of_one_moment_stay_in_the_order_in_which_they_came(store: Store) -> None:
    info = recording(store)
    given = [exchange(n, started=1.0) for n in range(1200)]
    store.add_exchanges(info.id, given)
    assert list(store.exchanges(info.id)) == given


def test_many_exchanges_cross_batches_blocks_and_pages(store: Store) -> None:
    info = recording(store)
    dice = random.Random(3)
    given = [exchange(n, body=b'{"n": %d, "s": "%s"}' % (n % 900, b"x" * (n % 90))) for n in range(2500)]
    shuffled = dice.sample(given, len(given))
    assert store.add_exchanges(info.id, iter(shuffled)) == Added(2500, 0)
    assert list(store.exchanges(info.id)) == given


def test_a_reader_does_not_hinder_a_writer(store: Store) -> None:
    info = recording(store)
    store.add_exchanges(info.id, [exchange(n) for n in range(600)])
    reader = store.exchanges(info.id)
    next(reader)
    store.add_exchanges(info.id, [exchange(n) for n in range(600, 700)])
    assert len(list(reader)) == 699


def test_blocks_of_an_earlier_version_are_read(store: Store) -> None:
    """It wrote one array of all records."""
    info = recording(store)
    written = [exchange(number) for number in range(3)]
    store.add_exchanges(info.id, written)
    with store._engine.begin() as connection:
        block = connection.execute(text("SELECT data FROM blocks")).scalar_one()
        records = list(codec.unpack(codec.BLOCK_FORMAT, block))
        array = zstandard.ZstdCompressor().compress(codec.dumps(records))
        connection.execute(text("UPDATE blocks SET format = 1, data = :data"), {"data": array})
    assert list(store.exchanges(info.id)) == written


def test_a_block_of_a_later_version_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown block format 3"):
        codec.unpack(3, codec.pack([["GET"]]))


def test_records_of_a_block_are_parsed_one_by_one() -> None:
    block = codec.unpack(codec.BLOCK_FORMAT, codec.pack([["a\nb"], ["c"], ["d"]]))
    assert (len(block), block[0], block[-1], list(block[1:])) == (3, ["a\nb"], ["d"], [["c"], ["d"]])
    assert list(codec.unpack(codec.BLOCK_FORMAT, codec.pack([]))) == []


def test_exchanges_share_the_texts_that_they_repeat(store: Store) -> None:
    statement = SqlStatement("f1", "SELECT name FROM items WHERE id = ?", 1, 1)
    info = recording(store)
    store.add_exchanges(info.id, [dataclasses.replace(exchange(number), sql=(statement,)) for number in (1, 2)])
    one, other = store.exchanges(info.id)
    assert one.request.headers[0][1] is other.request.headers[0][1]
    assert one.sql is not None
    assert other.sql is not None
    assert one.sql[0].statement is other.sql[0].statement
    assert one.route is other.route


def test_an_exchange_is_added_once(store: Store) -> None:
    info = recording(store)
    assert store.add_exchanges(info.id, [exchange(1), exchange(2), exchange(1)]) == Added(2, 1)
    assert store.add_exchanges(info.id, [exchange(2, body=b"other"), exchange(3)]) == Added(1, 1)
    assert list(store.exchanges(info.id)) == [exchange(1), exchange(2), exchange(3)]
    assert store.recording("first").exchanges == 3
    other = recording(store, "second")
    assert store.add_exchanges(other.id, [exchange(1)]) == Added(1, 0)


def test_bodies_are_shared_and_freed(store: Store) -> None:
    one, two = recording(store, "one"), recording(store, "two")
    store.add_exchanges(one.id, [exchange(n, body=b"same", sent=b"same") for n in range(50)])
    assert bodies(store) == 1
    store.add_exchanges(one.id, [exchange(100, body=b"only here"), exchange(101, body=b"")])
    store.add_exchanges(two.id, [exchange(1, body=b"same")])
    assert bodies(store) == 2
    store.delete_recording(one.id)
    assert bodies(store) == 1
    assert list(store.exchanges(two.id)) == [exchange(1, body=b"same")]
    store.delete_recording(two.id)
    assert rows(store) == {"alembic_version": 1, "routes": 1}


def test_many_alike_bodies_train_a_dictionary_that_leaves_with_them(store: Store, database_url: str) -> None:
    info = recording(store)
    dice = random.Random(1)
    words = [dice.randbytes(6).hex() for _ in range(60)]
    contents = [" ".join(dice.sample(words, 30)).encode() for _ in range(1200)]
    given = [exchange(n, body=content) for n, content in enumerate(contents)]
    store.add_exchanges(info.id, given)
    with store._engine.connect() as connection:
        size = connection.execute(text("SELECT sum(length(data)) FROM bodies")).scalar_one()
        trained = connection.execute(text("SELECT count(*) FROM bodies WHERE dictionary IS NOT NULL")).scalar_one()
    assert rows(store)["dictionaries"] == 1
    assert trained == len(set(contents[:1024])) + len(set(contents[1024:]) - set(contents[:1000]))
    assert size < sum(map(len, contents)) / 4
    store.close()
    with Store.open(database_url) as again:
        assert list(again.exchanges(info.id)) == given
        again.delete_recording(info.id)
        assert rows(again) == {"alembic_version": 1, "routes": 1}


def test_deleting_gives_the_space_back(tmp_path: Path) -> None:
    file = tmp_path / "data" / "store.db"
    with Store.open(f"sqlite:///{file}") as store:
        info = recording(store)
        empty = file.stat().st_size
        store.add_exchanges(info.id, [exchange(1, body=random.Random(1).randbytes(2_000_000))])
        store.delete_recording(info.id)
        assert file.stat().st_size < empty + 500_000


def test_values_that_no_database_takes_do_not_stop_an_import(store: Store) -> None:
    info = recording(store)
    odd = dataclasses.replace(exchange(1), started=float("nan"), ended=float("inf"), route="\0\ud800", producer="\0")
    store.add_exchanges(info.id, [odd])
    assert list(store.exchanges(info.id)) == [dataclasses.replace(odd, started=0.0, ended=0.0)]
    counts = (RouteCount("G\0", "\ud800", 2**64 - 1, 0, 0),)
    store.add_report(info.id, ProducerReport("\0", float("nan"), counts, (("\0", 2**64),)))
    assert store.route_counts(info.id) == [RouteCount("G\\0", "\\ud800", 2**63 - 1, 0, 0)]
    store.add_damage(info.id, [DamageRecord("a\udcff\0", 1, 2, "\0")])
    assert store.damage(info.id) == [DamageRecord("a\\udcff\\0", 1, 2, "\\0")]


def test_the_latest_report_of_each_producer_counts(store: Store) -> None:
    info = recording(store)

    def report(producer: str, at: float, seen: int, lost: int) -> ProducerReport:
        counts = (RouteCount("GET", "/a", seen, 2, lost), RouteCount("POST", "/a", 1, 0, 0))
        return ProducerReport(producer, at, counts, (("queue", lost),))

    for item in (report("w1", 2.0, 20, 3), report("w1", 1.0, 10, 1), report("w2", 1.0, 100, 4)):
        store.add_report(info.id, item)
    assert store.route_counts(info.id) == [RouteCount("GET", "/a", 120, 4, 7), RouteCount("POST", "/a", 2, 0, 0)]
    store.add_report(info.id, report("w1", 3.0, 30, 5))
    assert store.route_counts(info.id) == [RouteCount("GET", "/a", 130, 4, 9), RouteCount("POST", "/a", 2, 0, 0)]
    assert store.losses(info.id) == [("queue", 9)]
    assert store.route_counts(recording(store, "other").id) == []


def test_damage_is_noted_once(store: Store) -> None:
    info = recording(store)
    damage = [DamageRecord("a.spool", 10, 20, "torn"), DamageRecord("b.spool", 0, 5, "empty")]
    store.add_damage(info.id, damage)
    store.add_damage(info.id, damage)
    assert store.damage(info.id) == damage


def test_a_taken_or_unusable_name_is_refused(store: Store) -> None:
    recording(store)
    with pytest.raises(UsageError, match="There is a recording 'first' already") as caught:
        recording(store)
    assert "--name" in caught.value.hint
    for name in ("", " ", "a\nb", "x" * 201):
        with pytest.raises(UsageError, match="1 to 200 printable characters"):
            recording(store, name)


def test_an_unknown_recording_is_answered_with_a_like_one(store: Store) -> None:
    with pytest.raises(UsageError) as caught:
        store.recording("x")
    assert "no recording yet" in caught.value.hint
    recording(store, "checkout-monday")
    with pytest.raises(UsageError) as caught:
        store.recording("checkout-munday")
    assert (caught.value.message, caught.value.hint) == (
        "There is no recording 'checkout-munday'.",
        "Did you mean 'checkout-monday'?",
    )
    with pytest.raises(UsageError, match="There is no recording 99"):
        store.recording(99)
    with pytest.raises(UsageError, match="There is no recording 99"):
        store.add_exchanges(99, [exchange(1)])
    with pytest.raises(UsageError):
        store.recording("9" * 40)


def test_a_name_goes_before_a_number(store: Store) -> None:
    first = recording(store, "one")
    second = recording(store, str(first.id))
    assert store.recording(str(first.id)) == second
    assert store.recording(first.id + 1) == second


def test_a_recording_is_found_by_fingerprint(store: Store) -> None:
    info = recording(store, fingerprint="ab" * 32)
    recording(store, "other")
    assert store.recording_by_fingerprint("ab" * 32) == info
    assert store.recording_by_fingerprint("cd" * 32) is None
    assert store.recording_by_fingerprint("") is None


def test_the_database_is_its_owners_alone(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/new/deep/store.db"):
        pass
    folder = tmp_path / "new" / "deep"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "store.db").stat().st_mode) == 0o600


def test_a_relative_path_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open("sqlite:///.understudy/understudy.db") as store:
        monkeypatch.chdir("/")
        recording(store)
        store._engine.dispose()
        assert [info.name for info in store.recordings()] == ["first"]
    assert (tmp_path / ".understudy" / "understudy.db").exists()


def test_a_store_can_live_in_memory() -> None:
    with Store.open("sqlite://") as store:
        info = recording(store)
        store.add_exchanges(info.id, [exchange(1)])
        assert list(store.exchanges(info.id)) == [exchange(1)]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("store.db", "'store.db' is not a database URL"),
        ("//u:secret@h/x", "'...@h/x' is not a database URL"),
        ("nope://u:secret@h/x", "The database 'nope' is not supported"),
        ("mysql://h/x", "The database 'mysql' is not supported"),
        ("sqlite:///x?mode=ro", "is not a database URL"),
        ("sqlite:////proc/none/x.db", "cannot be written"),
        ("sqlite:////tmp", "is a folder"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained(url: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        Store.open(url)
    assert sentence in caught.value.message
    assert "secret" not in caught.value.message


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(UsageError, match=r"cannot be opened: file is not a database\."):
        Store.open(f"sqlite:///{tmp_path}/x.db")


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/x.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (a INTEGER)"))
    engine.dispose()
    with pytest.raises(UsageError, match="belongs to something else"):
        Store.open(f"sqlite:///{tmp_path}/x.db")


def test_a_database_that_breaks_later_is_one_sentence(store: Store) -> None:
    info = recording(store)
    with store._engine.begin() as connection:
        connection.execute(text("DROP TABLE blocks"))
    with pytest.raises(InconclusiveError, match=r"The database .* cannot be used: .*blocks.*\."):
        store.add_exchanges(info.id, [exchange(1)])
