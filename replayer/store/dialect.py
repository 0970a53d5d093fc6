"""Everything that differs between databases once they are open: transactions, locking, inserting what may be there.

(How they are opened: `engines.py`. What they report when something is wrong: `failures.py`. How processes that share
one wake each other: `bell.py`.)
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
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
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError

from .failures import contended, failure_of, lost

T = TypeVar("T")

REPEATS = 4
"""How often a transaction is made again that other transactions stood in the way of."""

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

_SCHEMA_LOCK, _BODIES_LOCK, _COLLECTING_LOCK = (
    0x756E6401,
    0x756E6402,
    0x756E6403,
)  # PostgreSQL advisory locks: "und" and a number


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
    arrays = ", ".join(f"{_pg_array(table.c[name])}::{_pg_type(table, name)}[]" for name in columns)
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
    if not values:
        return []
    names, table = ", ".join(each.name for each in columns), column.table.name
    few = () if within is None else tuple(within[1])
    if connection.dialect.name == "postgresql":
        # an array of the few as well, and the planner reads all that one of them has
        condition = "" if within is None else f"{within[0].name} IN ({', '.join(['%s'] * len(few))}) AND "
        array = f"{_pg_array(column)}::{_pg_type(column.table, column.name)}[]"
        query = f"SELECT {names} FROM {table} WHERE {condition}{column.name} = ANY({array})"
        return list(connection.exec_driver_sql(query, (*few, list(values))).all())
    condition = "" if within is None else f"{within[0].name} IN ({_marks(len(few))}) AND "
    head = f"SELECT {names} FROM {table} WHERE {condition}{column.name}"
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


def _pg_array(column: Column[Any]) -> str:
    """The placeholder of an array of a column's values: bytes as they are, where text would take them fourfold."""
    return "%b" if isinstance(column.type, LargeBinary) else "%s"


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
    return _repeating(engine, work, _no_transaction if engine.dialect.name == "postgresql" else Engine.connect)


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


def _no_transaction(engine: Engine) -> Connection:
    """A connection whose statements stand alone: PostgreSQL shows each what is committed at the time in any case, and
    is spared a beginning and an end.
    """
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


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
