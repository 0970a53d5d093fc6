"""What a database reports comes out as one sentence with the next step, and never as a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from replayer.errors import InconclusiveError, UnderstudyError, UsageError
from replayer.store import Added, Store, dialect, engines
from tests.services.postgres import Cluster

from .test_store import exchange, recording

FULL_DISK = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN RAISE EXCEPTION ''No space left on device'' USING ERRCODE = ''53100''; END'
"""


def failure(url: str) -> UnderstudyError:
    with pytest.raises(UnderstudyError) as caught:
        Store.open(url)
    assert "s3cret" not in caught.value.message + caught.value.hint
    assert caught.value.hint
    return caught.value


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster with a user who has a password, and one who may not make tables."""
    with Cluster() as made:
        made.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        made.execute("CREATE ROLE guest LOGIN")
        made.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
        made.execute("CREATE DATABASE standby")
        made.execute("ALTER DATABASE standby SET default_transaction_read_only = on")
        rules = "local all locked scram-sha-256\nlocal forbidden all reject\nlocal all all trust\n"
        (made.data / "pg_hba.conf").write_text(rules)
        made.execute("SELECT pg_reload_conf()")
        yield made


def test_a_user_with_a_password_is_let_in(cluster: Cluster) -> None:
    cluster.execute("CREATE DATABASE locked OWNER locked")
    Store.open(cluster.url("locked", "locked", "right")).close()


@pytest.mark.parametrize(
    ("database", "user", "password", "kind", "sentence"),
    [
        (
            "postgres",
            "locked",
            "s3cret",
            UsageError,
            "refuses the user or the password: password authentication failed",
        ),
        ("postgres", "locked", "", UsageError, "wants a password: "),
        ("nowhere", "understudy", "", UsageError, 'does not exist: database "nowhere" does not exist.'),
        ("postgres", "nobody", "s3cret", UsageError, 'does not know the user: role "nobody" does not exist.'),
        ("forbidden", "understudy", "", UsageError, "lets nobody in from here: pg_hba.conf rejects"),
        ("postgres", "guest", "", UsageError, "does not let this user do that: permission denied for schema public."),
        ("standby", "understudy", "", UsageError, "is read-only: cannot execute"),
        ("latin", "understudy", "", UsageError, "keeps text as LATIN1, which lacks most characters."),
    ],
)
def test_a_server_that_refuses_is_explained(
    cluster: Cluster, database: str, user: str, password: str, kind: type, sentence: str
) -> None:
    found = failure(cluster.url(database, user, password))
    assert isinstance(found, kind)
    assert sentence in found.message


@pytest.mark.parametrize(
    ("url", "kind", "sentence"),
    [
        (
            "postgresql://u:s3cret@127.0.0.1:1/x",
            InconclusiveError,
            'connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused.',
        ),
        (
            "postgres://u:s3cret@127.0.0.1:1/x",
            InconclusiveError,
            "The database postgresql://u:***@127.0.0.1:1/x cannot",
        ),
        ("postgresql:///x?host=/nowhere&password=s3cret", InconclusiveError, "cannot be reached: "),
        ("postgresql://u:s3cret@127.0.0.1/x?bogus=1", UsageError, 'invalid connection option "bogus".'),
        ("postgresql://u:s3cret@127.0.0.1:port/x", UsageError, "is not a database URL"),
        (
            "postgresql+asyncpg://u:s3cret@127.0.0.1/x",
            UsageError,
            "The driver of postgresql+asyncpg://u:***@127.0.0.1/x",
        ),
    ],
)
def test_a_server_that_is_not_there_is_explained(url: str, kind: type, sentence: str) -> None:
    found = failure(url)
    assert isinstance(found, kind)
    assert sentence in found.message


def test_a_server_that_is_too_old_is_refused(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MINIMUM_POSTGRESQL", 99)  # the one that is here is not too old
    assert "Understudy needs 99 or newer." in failure(postgres_url).message


def test_a_disk_that_is_full_is_told_and_nothing_half_is_kept(store: Store) -> None:
    info = recording(store)
    store.add_exchanges(info.id, [exchange(1)])
    if store._engine.dialect.name == "sqlite":
        event.listen(store._engine, "begin", lambda given: given.exec_driver_sql("PRAGMA max_page_count=1"))
    else:
        with store._engine.begin() as connection:
            connection.execute(text(FULL_DISK))
            connection.execute(text("CREATE TRIGGER full_disk BEFORE INSERT ON exchanges EXECUTE FUNCTION full_disk()"))
    with pytest.raises(InconclusiveError, match="has no room left: ") as caught:
        store.add_exchanges(info.id, [exchange(n, body=os.urandom(4000)) for n in range(2, 200)])
    assert "understudy recordings prune" in caught.value.hint
    assert list(store.exchanges(info.id)) == [exchange(1)]
    assert store.recording("first").exchanges == 1


def test_a_database_that_became_read_only_is_told(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/x.db") as store:
        info = recording(store)
        event.listen(store._engine, "begin", lambda given: given.exec_driver_sql("PRAGMA query_only=ON"))
        with pytest.raises(UsageError, match="is read-only: "):
            store.add_exchanges(info.id, [exchange(1)])


def test_a_writer_that_holds_the_database_for_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path}/x.db"
    with Store.open(url) as store, Store.open(url) as other:
        info = recording(store)
        with dialect.writing(other._engine), pytest.raises(InconclusiveError, match="is busy: another process"):
            store.add_exchanges(info.id, [exchange(1)])


def test_a_server_that_restarts_between_two_batches_is_not_noticed(postgres_cluster: Cluster) -> None:
    with Store.open(postgres_cluster.create_database()) as store:
        info = recording(store)
        store.add_exchanges(info.id, [exchange(1)])
        postgres_cluster.kill()
        postgres_cluster.start()
        assert store.add_exchanges(info.id, [exchange(1), exchange(2)]) == Added(1, 1)
        assert list(store.exchanges(info.id)) == [exchange(1), exchange(2)]


ENDING = """
    CREATE SEQUENCE endings;
    CREATE FUNCTION ending() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('endings') <= {times} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER ending BEFORE INSERT ON {table} EXECUTE FUNCTION ending();
"""


@pytest.mark.parametrize("table", ["bodies", "blocks", "exchanges"])
def test_a_connection_that_is_lost_in_the_middle_is_made_again_once(postgres_url: str, table: str) -> None:
    with Store.open(postgres_url) as store:
        info = recording(store)
        given = [exchange(n, body=b"%d" % n) for n in range(9)]
        with store._engine.begin() as connection:
            connection.exec_driver_sql(ENDING.format(table=table, times=1))
        assert store.add_exchanges(info.id, given) == Added(9, 0)
        assert list(store.exchanges(info.id)) == given
        assert store.recording("first").exchanges == 9
        with store._engine.begin() as connection:
            connection.exec_driver_sql("ALTER SEQUENCE endings RESTART INCREMENT -1 MINVALUE -99")
        with pytest.raises(InconclusiveError, match=r"^The connection to the database .* was lost: ") as caught:
            store.add_exchanges(info.id, [exchange(n, body=b"%d" % n) for n in range(20)])
        assert "Run the command again" in caught.value.hint
        assert list(store.exchanges(info.id)) == given


def test_a_server_that_is_gone_is_told(postgres_cluster: Cluster) -> None:
    with Store.open(postgres_cluster.create_database()) as store:
        info = recording(store)
        postgres_cluster.kill()
        with pytest.raises(InconclusiveError, match="cannot be reached: "):
            store.add_exchanges(info.id, [exchange(1)])
        with pytest.raises(InconclusiveError, match="cannot be reached: "):
            store.recordings()


def test_what_a_deadlock_ended_is_done_again(store: Store) -> None:
    tries: list[int] = []

    class Deadlock(Exception):
        sqlstate = "40P01"

    def work(connection: Connection) -> int:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("UPDATE", {}, Deadlock("deadlock detected"))
        return len(tries)

    assert dialect.write(store._engine, work) == 3

    def never(connection: Connection) -> None:
        tries.append(1)
        raise OperationalError("UPDATE", {}, Deadlock("deadlock detected"))

    tries.clear()
    with pytest.raises(InconclusiveError, match="was too busy: deadlock detected"):
        dialect.write(store._engine, never)
    assert len(tries) == 1 + dialect.REPEATS


def test_writers_of_the_same_things_do_not_stand_in_each_others_way(database_url: str) -> None:
    """Four stores add the same exchanges, bodies, reports and routes at once, in other orders."""
    given = [exchange(n, body=b"%d" % (n % 700)) for n in range(1500)]
    with Store.open(database_url) as store:
        infos = [recording(store, f"r{n % 2}") if n < 2 else store.recording(f"r{n % 2}") for n in range(4)]
        added: list[Added] = []
        errors: list[BaseException] = []

        def run(number: int) -> None:
            order = given if number < 2 else given[::-1]
            try:
                with Store.open(database_url) as mine:
                    added.append(mine.add_exchanges(infos[number].id, order))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert sum(one.added for one in added) == 2 * len(given)
        assert sum(one.duplicates for one in added) == 2 * len(given)
        for name in ("r0", "r1"):
            assert list(store.exchanges(store.recording(name).id)) == given
            assert store.recording(name).exchanges == len(given)


def test_a_second_store_in_a_process_loses_nothing_of_the_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"

    def elsewhere(statement: str) -> str:
        program = f"from replayer.store import Store\nwith Store.open({url!r}) as store: {statement}"
        return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    with Store.open(url) as store:
        store.create_recording("before", service="s", release="1", key_id="k", source="")
        Store.open(url).close()
        elsewhere("store.recordings()")  # whoever closes a database last deletes its log
        store.create_recording("after", service="s", release="1", key_id="k", source="")
        assert elsewhere("print([each.name for each in store.recordings()])") == "['after', 'before']\n"
