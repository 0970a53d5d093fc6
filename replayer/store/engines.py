"""Engines of the databases that a URL can name: how a connection is opened, kept in a pool, and begins."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from ..errors import UsageError
from .failures import OTHER, shown, shown_text

BUSY_SECONDS = 60.0
"""How long a writer waits for another one; one batch takes some ten milliseconds."""

CACHE_KIB = 32 * 1024
"""SQLite's page cache per connection: the index over body hashes is written in random order."""

MINIMUM_POSTGRESQL = 13
"""The oldest version of PostgreSQL that is supported; older ones get no fixes any more."""

POOL_OVERFLOW = 40
"""Connections to PostgreSQL beside the five that are kept: one for each thread of a server that asks at once."""

_POSTGRESQL_DEFAULTS = {
    # seconds but for the last, which is milliseconds: a server that went away without a word is noticed
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "application_name": "understudy",
}

RESTED_SECONDS = 1.0
"""A connection that was not used for so long is asked whether it still is one, before it is used."""

_RETURNED = "understudy_returned"  # when a connection came back into the pool

_making = threading.Lock()
"""Held while the file of a database is made, so that no thread connects to it before it is closed again."""


def make_engine(url: str) -> Engine:
    """An engine for a database URL, with its folder made. Raises UsageError for a URL that cannot be used."""
    try:
        parsed = make_url("postgresql:" + url.removeprefix("postgres:") if url.startswith("postgres:") else url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError(
            f"{shown_text(url)!r} is not a database URL.",
            "For example: sqlite:///.understudy/understudy.db, or postgresql://USER@HOST/NAME",
        ) from None
    if backend == "sqlite":
        return _sqlite_engine(parsed)
    if backend == "postgresql":
        return _postgresql_engine(parsed)
    raise UsageError(f"The database {backend!r} is not supported.", "Use sqlite:///PATH or postgresql://HOST/NAME.")


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite database; None for one in memory, and for what is no such URL."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return None
    if parsed.drivername.partition("+")[0] != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database)).absolute()


def check_server(engine: Engine) -> None:
    """Raise UsageError when the server is too old for us, or keeps text in an encoding that lacks characters."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        version = connection.dialect.server_version_info or (0,)
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if int(version[0]) < MINIMUM_POSTGRESQL:
        raise UsageError(
            f"The database {shown(engine.url)} is PostgreSQL {'.'.join(map(str, version))};"
            f" Understudy needs {MINIMUM_POSTGRESQL} or newer.",
            OTHER,
        )
    if encoding not in ("UTF8", "SQL_ASCII"):
        raise UsageError(
            f"The database {shown(engine.url)} keeps text as {encoding}, which lacks most characters.",
            "Create one with UTF8: createdb --encoding=UTF8 --template=template0 NAME",
        )


def _sqlite_engine(url: URL) -> Engine:
    if url.query or url.host or url.get_driver_name() != "pysqlite":
        raise UsageError(f"{url} is not a database URL.", "Write sqlite:/// and a path, which may begin with a slash.")
    if url.database in (None, "", ":memory:"):
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        path = Path(str(url.database)).absolute()
        _make_private(path)
        # the absolute path, so that a later change of folder does not lead to another database
        engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: Path) -> None:
    """Make the database's folder, readable by its owner alone, and the file likewise: recordings are no one else's."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_dir():
            raise UsageError(f"The database {path} is a folder.", "Name a file in it.")
        with _making:
            _make_file(Path(os.path.realpath(path)))
    except OSError as error:
        raise UsageError(f"The database {path} cannot be written: {error.strerror}.") from None


def _make_file(path: Path) -> None:
    """Make the file, unless it is there. One that is there is never opened here: closing it would take the locks away
    that other connections of this process have (https://www.sqlite.org/howtocorrupt.html, 2.2), and the next process
    to close the database would delete the log that they write to.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves; the driver's way commits before DDL
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. SQLite does not wait here for another process, as it does elsewhere."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("understudy_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_engine(url: URL) -> Engine:
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise UsageError(f"The driver of {shown(url)} is not supported.", "Write postgresql:// instead.")
    url = url.set(drivername="postgresql+psycopg")
    defaults = {name: value for name, value in _POSTGRESQL_DEFAULTS.items() if name not in url.query}
    try:
        engine = create_engine(url, max_overflow=POOL_OVERFLOW, connect_args=defaults | {"client_encoding": "utf8"})
    except (ImportError, NoSuchModuleError) as error:
        raise UsageError(
            f"PostgreSQL needs a driver that cannot be loaded: {error}.", "pip install 'understudy[server]'"
        ) from None
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", _ask_after_rest)
    return engine


def _note_return(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_RETURNED] = time.monotonic()


def _ask_after_rest(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Ask a connection that has rested whether it still is one: what lies between may have forgotten it.

    `pool_pre_ping` asks each time, which is one of four questions that a worker has for the database. A connection that
    is lost sooner is noticed in use: `dialect.read` and `dialect.write` then begin again with another one.
    """
    returned = record.info.get(_RETURNED)
    if returned is None or time.monotonic() - returned < RESTED_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.rollback()
    except Exception as error:  # whatever the driver calls it
        raise InvalidatePoolError from error
