"""What the application does while it answers one request, beside answering: kept by context, filled by hooks.

Most requests call nobody, and many ask no database: what statements and calls are noted in is made when the first one
comes, so that the others pay for one small object.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple, Protocol

from .exchange import Observed, OutboundCall, SqlStatement


class Statements(Protocol):
    """The SQL statements of one request, as `sql.py` counts them."""

    def taken(self) -> tuple[SqlStatement, ...]:
        """Every statement's shape with its count and rows; reads what was noted, in any thread."""

    @property
    def seconds(self) -> float:
        """Time spent in the database."""

    @property
    def weight(self) -> int:
        """Bytes of memory that it holds, about."""


class Calls(Protocol):
    """The outbound calls of one request, as `outbound/` notes them."""

    def taken(self) -> tuple[OutboundCall, ...]:
        """Every call in the order in which they began; reads what was noted, in any thread."""

    @property
    def weight(self) -> int:
        """Bytes of the application's memory that are held."""


class Wanted(NamedTuple):
    """What the hooks of this process can note, and how what it is noted in is made; None: nothing would note it."""

    statements: Callable[[], Statements] | None = None
    calls: Callable[[], Calls] | None = None


NOTHING = Wanted()
_making = threading.Lock()


def _after_fork() -> None:
    global _making
    _making = threading.Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Observation:
    """One request's. A hook finds it by `current()`; None there means that nobody wants to know.

    `run` is the id of the replay that the request belongs to, "" in production. `tape` is what a replay gave along to
    answer outbound calls with, as it came over the wire.
    """

    __slots__ = ("calls", "run", "statements", "tape", "wanted")

    def __init__(self, run: str = "", tape: str = "", wanted: Wanted = NOTHING) -> None:
        self.run = run
        self.tape = tape
        self.wanted = wanted
        self.statements: Statements | None = None  # None: there has been none
        self.calls: Calls | None = None  # None: there has been none

    def counted(self) -> Statements | None:
        """Where a statement is to be noted; None when nobody wants to know. Any thread of the request may ask."""
        if self.statements is None and self.wanted.statements is not None:
            with _making:
                if self.statements is None and self.wanted.statements is not None:
                    self.statements = self.wanted.statements()
        return self.statements

    def called(self) -> Calls | None:
        """Where a call is to be noted; None when nobody wants to know. Any thread of the request may ask."""
        if self.calls is None and self.wanted.calls is not None:
            with _making:
                if self.calls is None and self.wanted.calls is not None:
                    self.calls = self.wanted.calls()
        return self.calls

    @property
    def weight(self) -> int:
        """Bytes of memory that it holds, about."""
        return sum(kind.weight for kind in (self.statements, self.calls) if kind is not None)

    def taken(self) -> Observed:
        """What was observed, as values. What nothing was noted in yet is not begun any more."""
        with _making:
            wanted, self.wanted = self.wanted, NOTHING
        sql = self.statements.taken() if self.statements is not None else () if wanted.statements else None
        outbound = self.calls.taken() if self.calls is not None else () if wanted.calls else None
        return Observed(sql, outbound)


_current: ContextVar[Observation | None] = ContextVar("understudy.observation", default=None)

current = _current.get
"""The observation of the request that is being answered in this context."""

begin = _current.set
"""Makes an observation the current one. The thread's next request sets its own, whether `end` was called or not."""


def end(observation: Observation) -> None:
    """Lets go of an observation where it is still the current one."""
    if _current.get() is observation:
        _current.set(None)
