"""The cluster that other tests rely on."""

from __future__ import annotations

import shutil
import sys

import psycopg
import pytest

from tests.processes import end_of_owner

from . import postgres
from .postgres import LONGEST_SOCKET, Cluster, programs


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM t").fetchone()
    assert row is not None
    return int(row[0])


def test_a_test_has_a_database_of_its_own(postgres_url: str, postgres_server: str) -> None:
    assert postgres_url != postgres_server
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_what_was_committed_outlives_the_server(postgres_cluster: Cluster) -> None:
    url = postgres_cluster.create_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE t (n int)")
        connection.execute("INSERT INTO t SELECT generate_series(1, 1000)")
    postgres_cluster.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    postgres_cluster.start()
    assert count(url) == 1000
    postgres_cluster.stop()
    postgres_cluster.start()
    assert count(url) == 1000


def test_a_cluster_is_reached_by_its_socket_alone_and_leaves_nothing(postgres_cluster: Cluster) -> None:
    with psycopg.connect(postgres_cluster.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert postgres_cluster.folder.stat().st_mode & 0o077 == 0
    assert len(bytes(postgres_cluster.folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET
    postgres_cluster.close()
    assert not postgres_cluster.folder.exists()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other systems do not tell a child of its parent's end"
)
def test_a_cluster_ends_with_the_process_that_started_it() -> None:
    code = (
        "import sys, time\n"
        "from tests.services.postgres import Cluster\n"
        "cluster = Cluster()\n"
        "print(cluster._process.pid, cluster.folder, flush=True)\n"
        "time.sleep(60)\n"
    )
    shutil.rmtree(end_of_owner(code))


def test_server_programs_are_found_and_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = programs()
    assert found is not None
    monkeypatch.setenv("PATH", str(found))
    assert programs() == found
    monkeypatch.setattr(postgres, "programs", lambda: None)
    with pytest.raises(RuntimeError, match=r"apt-get install --no-install-recommends postgresql\)"):
        Cluster()
