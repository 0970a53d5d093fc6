"""SQL statements counted per request: the request thread notes references, shapes are made when they are asked for."""

from __future__ import annotations

from typing import Any

from .exchange import SqlStatement
from .guard import Guard
from .sql_shape import Shape, shape_of

MAX_SHAPES = 200
"""Shapes told apart in one request; statements of any others are counted together."""
MAX_TEXTS = 256
"""Distinct statements that are noted as they came; more are reduced to their shapes at once."""
MAX_HELD = 4 * 1024
"""Characters of a statement that is noted as it came: the application's own text, mostly, but maybe nobody else's."""
MORE = Shape("more", "(and more)")
UNKNOWN = -1  # rows, where no driver told them

COUNT, ROWS = 0, 1
_TALLY_WEIGHT = 300
_Tally = list[int]  # how often, and rows in all


class CountedStatements:
    """One request's statements, noted by any of its threads."""

    __slots__ = ("_mysql", "_shapes", "_texts", "guard", "seconds", "weight")

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._texts: dict[Any, _Tally] = {}
        self._shapes: dict[Shape, _Tally] = {}
        self._mysql = False
        self.seconds = 0.0
        self.weight = 0  # bytes of memory that it holds, about

    def note(self, statement: Any, mysql: bool) -> _Tally:
        """Counts an execution, of many parameters or one, and gives the tally to which its rows may be added."""
        tally = self._texts.get(statement) if type(statement) is str else None  # what psycopg composes has no hash
        if tally is None:
            tally = self._new(statement, mysql)
        tally[COUNT] += 1
        return tally

    def taken(self) -> tuple[SqlStatement, ...]:
        """Every shape with its count and rows, in the order in which they were first seen."""
        found: dict[Shape, _Tally] = {}
        noted = [(shape_of(text, self._mysql), tally) for text, tally in self._texts.copy().items()]
        for shape, (count, rows) in (*noted, *self._shapes.copy().items()):
            sum_of = found.get(shape)
            if sum_of is None:
                key = shape if len(found) < MAX_SHAPES or shape is MORE else MORE
                sum_of = found.setdefault(key, [0, UNKNOWN])
            sum_of[COUNT] += count
            if rows >= 0:
                sum_of[ROWS] = max(0, sum_of[ROWS]) + rows
        return tuple(SqlStatement(*shape, count, rows) for shape, (count, rows) in found.items() if count)

    def _new(self, statement: Any, mysql: bool) -> _Tally:
        self._mysql = self._mysql or mysql
        if type(statement) is str and len(statement) <= MAX_HELD and len(self._texts) < MAX_TEXTS:
            self.weight += _TALLY_WEIGHT + len(statement)
            return self._texts.setdefault(statement, [0, UNKNOWN])
        shape = shape_of(statement, mysql)
        if len(self._shapes) >= MAX_SHAPES and shape not in self._shapes:
            shape = MORE
        if shape not in self._shapes:
            self.weight += _TALLY_WEIGHT
        return self._shapes.setdefault(shape, [0, UNKNOWN])


def add_rows(tally: _Tally, rows: Any) -> None:
    """Adds the rows that a statement returned or changed, as its driver says; -1 and None: it cannot tell."""
    if type(rows) is int and rows >= 0:
        tally[ROWS] = max(0, tally[ROWS]) + rows
