"""Notes the SQL statements of SQLAlchemy and Django in the current request's observation.

Neither is imported here: a process that has not loaded one does not use it. Applications load them late, so that
`look` is called again when more modules are there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from .guard import Guard
from .observation import current
from .sql import CountedStatements, add_rows

_STEP = "counting a statement"
_MYSQL = frozenset(["mysql", "mariadb"])


class SqlHook:
    """What counts statements in this process; made once per middleware, installed once per process."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._pending = list(_INSTALL)
        self.watches = False
        """Whether `watch` is to be called in each request's thread."""

    def watch(self) -> None:
        """Notes the statements of Django's connections that this thread had opened before."""
        _watch_connections(self._guard)

    def look(self) -> Callable[[], CountedStatements] | None:
        """Hooks what has been loaded since the last time; how what statements are counted in is made.

        None where nothing in this process can tell of any statement.
        """
        for name in tuple(self._pending):
            if name in sys.modules:
                try:
                    _installed(name)
                except Exception as error:
                    self._guard.failed(f"counting the statements of {name.partition('.')[0]}", error)
                    continue
                self._pending.remove(name)
                self.watches = self.watches or name == _DJANGO
        return None if len(self._pending) == len(_INSTALL) else partial(CountedStatements, self._guard)


def _installed(name: str) -> None:
    with _lock:
        if name not in _done:
            _INSTALL[name]()
            _done.add(name)


_lock = threading.Lock()
_done: set[str] = set()


def _statements() -> CountedStatements | None:
    """Where the current request's statements are counted."""
    observation = current()
    statements = observation.counted() if observation is not None else None
    return statements if type(statements) is CountedStatements else None


# -- SQLAlchemy -----------------------------------------------------------------------------------------------------


def _install_sqlalchemy() -> None:
    """Listens to every engine of the process, those that are there already and those of asyncio included."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def before(conn: Any, cursor: Any, statement: Any, parameters: Any, context: Any, executemany: bool) -> None:
        statements = _statements()
        if statements is None:
            return
        try:
            context.understudy_tally = statements.note(statement, conn.dialect.name in _MYSQL)
            context.understudy_began = perf_counter()
        except Exception as error:
            statements.guard.failed(_STEP, error)

    def after(conn: Any, cursor: Any, statement: Any, parameters: Any, context: Any, executemany: bool) -> None:
        statements = _statements()
        if statements is None:
            return
        try:
            statements.seconds += perf_counter() - context.understudy_began
            add_rows(context.understudy_tally, cursor.rowcount)
        except Exception as error:
            statements.guard.failed(_STEP, error)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)


# -- Django ---------------------------------------------------------------------------------------------------------

_DJANGO = "django.db"
_Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


def _install_django() -> None:
    from django.db.backends.signals import connection_created

    def created(connection: Any, **_: Any) -> None:
        _wrap(connection)

    connection_created.connect(created, weak=False, dispatch_uid="understudy")


def _watch_connections(guard: Guard) -> None:
    """Those that this thread had opened before; `connection_created` tells of all others."""
    if getattr(_thread, "watched", False):
        return
    _thread.watched = True
    try:
        from django.db import connections

        for alias in connections:
            found = getattr(connections._connections, alias, None)  # asking `connections` itself would make one
            if found is not None:
                _wrap(found)
    except Exception as error:
        guard.failed("counting the statements of django", error)


_thread = threading.local()


def _wrap(connection: Any) -> None:
    wrappers = connection.execute_wrappers
    if _counting not in wrappers:
        # first: `with connection.execute_wrapper(…)` takes away the last one when it ends
        wrappers.insert(0, _counting)


def _counting(execute: _Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Django's execute wrapper that counts."""
    statements = _statements()
    if statements is None:
        return execute(sql, params, many, context)
    tally = None
    try:
        tally = statements.note(sql, context["connection"].vendor in _MYSQL)
    except Exception as error:
        statements.guard.failed(_STEP, error)
    began = perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        statements.seconds += perf_counter() - began
        if tally is not None:
            add_rows(tally, getattr(context["cursor"].cursor, "rowcount", None))


_INSTALL: dict[str, Callable[[], None]] = {"sqlalchemy.engine": _install_sqlalchemy, _DJANGO: _install_django}
