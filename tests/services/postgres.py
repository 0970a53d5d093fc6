"""PostgreSQL for tests: one cluster per session, one database per test.

`postgres_url` gives a test an empty database. `postgres_cluster` gives it a whole cluster of its own, which may be
stopped, killed and started again. With `TEST_DATABASE_URL` the databases of `postgres_url` are made on that server.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from replayer.store import Store
from tests.processes import end_with_parent

MISSING = (
    "PostgreSQL's server programs are needed and were not found on the PATH, by `pg_config --bindir` or in "
    "/usr/lib/postgresql/*/bin. Install them (on Debian and Ubuntu: apt-get install --no-install-recommends "
    "postgresql), or set TEST_DATABASE_URL to a server on which databases may be made."
)

START_SECONDS = 60.0
"""How long a server may take to answer; it takes a tenth of a second, and more after a crash."""

LONGEST_SOCKET = 107
"""Bytes that the path of a Unix socket may have."""


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, or None."""
    places = [Path(found).resolve().parent for found in (shutil.which("postgres"),) if found]
    if config := shutil.which("pg_config"):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        places += [Path(said)] if said else []
    places += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4), reverse=True
    )
    complete = (place for place in places if all((place / name).exists() for name in ("initdb", "postgres")))
    return next(complete, None)


class Cluster:
    """One server with a data folder of its own, reached by a Unix socket alone. A context manager.

    Nothing is flushed to the disk: what was committed outlives `kill`, not the machine. `disk` is the size in MiB of a
    disk of its own, which `fill_disk` fills: only where `disks_can_be_made`. `options` are further settings of the
    server, each a name and a value.
    """

    def __init__(self, *, disk: int = 0, **options: str) -> None:
        found = programs()
        if found is None:
            raise RuntimeError(MISSING)
        self._programs = found
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._user = _unprivileged_user()
        self.folder = Path(tempfile.mkdtemp(prefix="us-pg-", dir="/tmp"))  # 0700, and short
        self._log = self.folder / "log"
        self.data = self.folder / "data"
        assert len(str(self.folder / ".s.PGSQL.5432")) < LONGEST_SOCKET
        self._mounted = disk > 0
        if self._mounted:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={disk}m,mode=0700", "tmpfs", str(self.folder)]
            subprocess.run(mount, check=True, capture_output=True)
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    def _initialise(self) -> None:
        command = [str(self._programs / "initdb"), "-D", str(self.data), "-U", "understudy", "-E", "UTF8"]
        command += ["--locale=C", "-A", "trust", "--no-sync", "--no-instructions"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_user())
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")

    def url(self, database: str = "postgres", user: str = "understudy", password: str = "") -> str:
        """The address of a database as users of Understudy write it."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start the server, and return when it answers. After `kill` it recovers first."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "60",
            "shared_buffers": "32MB",
            "log_min_messages": "warning",
            **self._options,
        }
        command = [str(self._programs / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        deadline = time.monotonic() + START_SECONDS
        while True:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=end_with_parent,
                    **self._as_user(),
                )
            if self._answers(deadline):
                return
            self._process.wait()  # children of a killed server may hold its memory for a moment
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {self._log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.1)

    def _answers(self, deadline: float) -> bool:
        assert self._process is not None
        while self._process.poll() is None:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
                return True
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    self.kill()
                time.sleep(0.02)
        return False

    def stop(self) -> None:
        """End the server as an administrator would: connections are ended, everything is written."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to the server and to all of its children, as when the machine dies."""
        if self._process is not None:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
            pids = [int(word) for word in children.read_text().split()] if children.exists() else []
            self._signal(signal.SIGKILL)
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_SECONDS)
            self._process = None

    def create_database(self, name: str = "", template: str = "") -> str:
        """A new database and its URL."""
        chosen = name or f"us_{secrets.token_hex(6)}"
        create_database(self.url(), chosen, template)
        return self.url(chosen)

    def execute(self, statement: str, database: str = "postgres") -> None:
        """One statement outside of a transaction, as the cluster's owner."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def close(self) -> None:
        """End the server at once, and remove all that it wrote."""
        if self._process is not None:
            self._signal(signal.SIGQUIT)
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def fill_disk(self) -> None:
        """Leave no room on the disk of its own."""
        assert self._mounted
        with (self.folder / "filler").open("ab", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(1 << 16))

    def empty_disk(self) -> None:
        """Give the room back, and start the server if the want of it has ended it."""
        (self.folder / "filler").unlink()
        if self._process is not None and self._process.poll() is not None:
            self.start()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _as_user(self) -> dict[str, Any]:
        """PostgreSQL refuses to run as root."""
        if self._user is None:
            return {}
        entry = pwd.getpwnam(self._user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def disks_can_be_made() -> bool:
    """Whether this user may mount a disk in memory."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
        if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
            return False
        subprocess.run(["umount", folder], check=True, capture_output=True)
        return True


def create_database(url: str, name: str, template: str = "") -> None:
    """Make a database on the server of `url`."""
    command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template:
        command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(command)


def drop_database(url: str, name: str) -> None:
    """Remove a database from the server of `url`, whoever is connected to it."""
    command = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(command)


def _unprivileged_user() -> str | None:
    """Who runs the server: None for whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody", "daemon") if name in names)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a database on a server where others can be made: `TEST_DATABASE_URL`, or a cluster of this session."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    try:
        cluster = Cluster()
    except RuntimeError as failure:
        pytest.fail(str(failure), pytrace=False)
    with cluster:
        yield cluster.url()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """A database with the tables of the store and no rows, of which others are made: migrating each takes longer."""
    name = f"us_template_{secrets.token_hex(6)}"
    create_database(postgres_server, name)
    Store.open(_with_database(postgres_server, name)).close()
    yield name
    drop_database(postgres_server, name)


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[str]:
    """The URL of an empty database, which is gone after the test. One for a store has the tables already."""
    name = f"us_{secrets.token_hex(6)}"
    template = request.getfixturevalue("postgres_template") if "store" in request.fixturenames else ""
    create_database(postgres_server, name, template)
    yield _with_database(postgres_server, name)
    drop_database(postgres_server, name)


@pytest.fixture
def postgres_cluster() -> Iterator[Cluster]:
    """A cluster of this test alone, to be killed and started again."""
    try:
        cluster = Cluster()
    except RuntimeError as failure:
        pytest.fail(str(failure), pytrace=False)
    with cluster:
        yield cluster


def _with_database(url: str, name: str) -> str:
    """The URL with another database's name."""
    head, mark, query = url.partition("?")
    scheme, _, rest = head.partition("://")
    authority = rest.partition("/")[0]
    return f"{scheme}://{authority}/{name}{mark}{query}"
