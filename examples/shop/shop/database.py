"""One SQLAlchemy session per request, on a SQLite file shared by all workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, request
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

BUSY_MS = 10_000
READS = frozenset({"GET", "HEAD", "OPTIONS"})


def open_engine(path: Path) -> Engine:
    """An engine whose transactions really begin where SQLAlchemy says so.

    Python's sqlite3 delays BEGIN until the first write; a transaction that read before then fails at once, without
    waiting, when another process has written meanwhile. Writers therefore begin with IMMEDIATE.
    """
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def db() -> Session:
    """The session of this request."""
    if "db" not in g:
        engine: Engine = current_app.extensions["shop_engine"]
        writes = request.method not in READS
        g.db = Session(engine.execution_options(begin="BEGIN IMMEDIATE") if writes else engine, expire_on_commit=False)
    session: Session = g.db
    return session


def init_app(app: Flask, path: Path) -> None:
    app.extensions["shop_engine"] = open_engine(path)
    app.after_request(_finish)
    app.teardown_appcontext(_close)


def _finish(response: Response) -> Response:
    """Keeps what a successful request did; an error leaves nothing behind that was not committed on purpose."""
    if "db" in g:
        if response.status_code < 400:
            g.db.commit()
        else:
            g.db.rollback()
    return response


def _close(_error: BaseException | None) -> None:
    session: Session | None = g.pop("db", None)
    if session is not None:
        session.close()
