"""Everything that differs between databases: opening, transactions, locking, inserting what may be there already.

(What they report when something is wrong differs, too: see `failures.py`.)
"""

from __future__ import annotations

import errno
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Engine,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    any_,
    create_engine,
    event,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from ..errors import UsageError
from .failures import OTHER, contended, failure_of, lost, shown, shown_text

T = TypeVar("T")

BUSY_SECONDS = 60.0
"""How long a writer waits for another one; one batch takes some ten milliseconds."""

CACHE_KIB = 32 * 1024
"""SQLite's page cache per connection: the index over body hashes is written in random order."""

MINIMUM_POSTGRESQL = 13
"""The oldest version of PostgreSQL that is supported; older ones get no fixes any more."""

REPEATS = 4
"""How often a transaction is made again that other transactions stood in the way of."""

POOL_OVERFLOW = 40
"""Connections to PostgreSQL beside the five that are kept: one for each thread of a server that asks at once."""

RECONNECT_SECONDS = 0.5
"""Before the one repetition of a transaction whose connection was lost."""

LOOKUP = 500
"""Values in one IN (...): well below every database's limit."""

_PG_TYPES = (
    (BigInteger, "int8"),
    (SmallInteger, "int2"),
    (Integer, "int4"),
    (Double, "float8"),
    (LargeBinary, "bytea"),
    (String, "text"),
)

_POSTGRESQL_DEFAULTS = {
    # seconds but for the last, which is milliseconds: a server that went away without a word is noticed
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "application_name": "understudy",
}

_making = threading.Lock()
"""Held while the file of a database is made, so that no thread connects to it before it is closed again."""

_SCHEMA_LOCK, _BODIES_LOCK, _COLLECTING_LOCK = (
    0x756E6401,
    0x756E6402,
    0x756E6403,
)  # PostgreSQL advisory locks: "und" and a number


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


def insert_new(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert the rows but for those that break a unique constraint, which are there already."""
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert many rows, in their order, by the fastest way that the database has: COPY in PostgreSQL."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql(_sqlite_insert(connection, table, columns), [tuple(row) for row in rows])
        return
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, columns))
    statement = f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)"
    driver: Any = connection.connection.driver_connection  # psycopg's: SQLAlchemy knows nothing of COPY
    dialect: Any = connection.dialect
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_pg_type(table, name) for name in columns])
            for row in rows:
                copy.write_row(row)
    except dialect.loaded_dbapi.Error as error:  # as SQLAlchemy would
        gone = dialect.is_disconnect(error, driver, None)
        if gone:
            connection.invalidate(error)
        base = dialect.loaded_dbapi.Error
        raise DBAPIError.instance(statement, None, error, base, connection_invalidated=gone, dialect=dialect) from error


def insert_absent(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert many rows but for those that break a unique constraint, in one statement."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        statement = _sqlite_insert(connection, table, columns, "OR IGNORE ")
        connection.exec_driver_sql(statement, [tuple(row) for row in rows])
        return
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, columns))
    arrays = ", ".join(f"%s::{_pg_type(table, name)}[]" for name in columns)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
        tuple([row[place] for row in rows] for place in range(len(columns))),
    )


def rows_among(
    connection: Connection,
    columns: Sequence[Column[Any]],
    column: Column[Any],
    values: Sequence[Any],
    within: tuple[Column[Any], Sequence[int]] | None = None,
) -> list[Any]:
    """Those columns of the rows whose column has one of many values; `within`, and another one has one of a few.

    A list of parameters takes SQLAlchemy longer to prepare than a database to answer: here it is one array, or given to
    the driver as it is.
    """
    if connection.dialect.name == "postgresql":
        query = select(*columns).where(column == any_(literal(list(values), postgresql.ARRAY(column.type))))
        if within is not None:
            query = query.where(within[0].in_(within[1]))
        return list(connection.execute(query).all())
    few = () if within is None else tuple(within[1])
    condition = "" if within is None else f"{within[0].name} IN ({_marks(len(few))}) AND "
    head = f"SELECT {', '.join(each.name for each in columns)} FROM {column.table.name} WHERE {condition}{column.name}"
    rows: list[Any] = []
    for start in range(0, len(values), LOOKUP):
        part = values[start : start + LOOKUP]
        rows += connection.exec_driver_sql(f"{head} IN ({_marks(len(part))})", (*few, *part)).all()
    return rows


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _sqlite_insert(connection: Connection, table: Table, columns: Sequence[str], how: str = "") -> str:
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, columns))
    return f"INSERT {how}INTO {table.name} ({names}) VALUES ({_marks(len(columns))})"


def _pg_type(table: Table, column: str) -> str:
    """The name that PostgreSQL itself has for a column's type."""
    kind = table.c[column].type
    return next(name for of, name in _PG_TYPES if isinstance(kind, of))


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: on SQLite it takes the write lock at once, so that it cannot fail half-way."""
    with reporting(engine), _transaction(engine) as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that reads."""
    with reporting(engine), engine.connect() as connection:
        yield connection


def write(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do `work` in a transaction that writes, and do all of it again where that may help.

    That is up to four times when other transactions stood in the way (a deadlock), and once when the connection was
    lost. Nobody knows then whether the first try was committed: `work` has to come to the same in that case.
    """
    return _repeating(engine, work, _transaction)


def read(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do `work`, which only reads, with a connection, and again with another one when the connection was lost."""
    return _repeating(engine, work, lambda given: given.connect())


def _repeating(
    engine: Engine, work: Callable[[Connection], T], opened: Callable[[Engine], AbstractContextManager[Connection]]
) -> T:
    tries = losses = 0
    with reporting(engine):
        while True:
            try:
                with opened(engine) as connection:
                    return work(connection)
            except DBAPIError as error:
                tries += 1
                losses += lost(error)
                if not (losses == 1 if lost(error) else contended(error) and tries <= REPEATS):
                    raise
                time.sleep(RECONNECT_SECONDS if lost(error) else 0.01 * 2**tries)


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection = connection.execution_options(understudy_writes=True)
        with connection.begin():
            yield connection


@contextmanager
def reporting(engine: Engine, *, opening: bool = False) -> Iterator[None]:
    """Turn what the database itself reports (a full disk, a damaged file, a lost server) into one sentence."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise failure_of(engine.url, error, opening=opening) from error


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


def storable(text: str) -> str:
    """Text that every database takes: what came over the wire may hold NUL and parts of characters."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def lock_schema(connection: Connection) -> None:
    """Let nobody else migrate until the transaction ends. On SQLite, `writing` has done that."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})


def lock_collecting(connection: Connection) -> None:
    """Let nobody else open a recording until the transaction ends. On SQLite, `writing` has done that."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _COLLECTING_LOCK})


def lock_bodies(connection: Connection, *, deleting: bool) -> None:
    """Keep bodies from being deleted while others come to share them. On SQLite, `writing` has done that."""
    if connection.dialect.name == "postgresql":
        function = "pg_advisory_xact_lock" if deleting else "pg_advisory_xact_lock_shared"
        connection.execute(text(f"SELECT {function}(:key)"), {"key": _BODIES_LOCK})


def give_back_space(engine: Engine) -> None:
    """Return what deleted rows took to the file system, where the database does not see to that itself."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            raw = connection.connection.driver_connection
            if isinstance(raw, sqlite3.Connection):
                raw.executescript("PRAGMA incremental_vacuum")  # `execute` would free a single page
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def finite(moment: float) -> float:
    """A time as every database takes it; what is none becomes the epoch."""
    return moment if math.isfinite(moment) else 0.0


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
        return create_engine(
            url, pool_pre_ping=True, max_overflow=POOL_OVERFLOW, connect_args=defaults | {"client_encoding": "utf8"}
        )
    except (ImportError, NoSuchModuleError) as error:
        raise UsageError(
            f"PostgreSQL needs a driver that cannot be loaded: {error}.", "pip install 'understudy[server]'"
        ) from None
