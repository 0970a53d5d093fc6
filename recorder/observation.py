"""What the application does while it answers one request, beside answering: kept by context, filled by hooks."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

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


class Observation:
    """One request's. A hook finds it by `current()`; None there means that nobody wants to know.

    `run` is the id of the replay that the request belongs to, "" in production. `tape` is what a replay gave along to
    answer outbound calls with, as it came over the wire.
    """

    __slots__ = ("calls", "run", "statements", "tape")

    def __init__(self, run: str = "", tape: str = "") -> None:
        self.run = run
        self.tape = tape
        self.statements: Statements | None = None  # None: nothing counts statements in this process
        self.calls: Calls | None = None  # None: nothing notes calls in this process

    @property
    def weight(self) -> int:
        """Bytes of memory that it holds, about."""
        return sum(kind.weight for kind in (self.statements, self.calls) if kind is not None)

    def taken(self) -> Observed:
        """What was observed, as values."""
        sql = self.statements.taken() if self.statements is not None else None
        outbound = self.calls.taken() if self.calls is not None else None
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
