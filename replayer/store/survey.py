"""Reading a large recording twice: all of it at a glance, in flat memory, and a few exchanges of it in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from recorder.exchange import Exchange

from .blocks import BlockReader
from .dialect import read
from .exchanges import BODIES_PAGE, ROWS, ExchangeStore
from .tables import exchanges, routes

PAGE = 2000
"""Exchanges looked up at a time."""

GLANCES = 100
"""Exchanges whose bodies are read at a time: as few as their bodies may be large."""


class Glance(NamedTuple):
    """What is looked at of every exchange. Bodies are known by their numbers, which equal ones share; None: empty."""

    number: int  # of the row in the store, by which it is read in full
    method: str
    target: str
    route: str
    scheme: str
    request_headers: list[list[str]]
    request_body: int | None
    request_data: bytes | None  # None: the body's number was known
    status: int  # 0: no response
    response_headers: list[list[str]]
    response_body: int | None
    response_data: bytes | None
    started: float
    ended: float
    client: str
    links: list[str]
    principal: str


@dataclass(frozen=True, slots=True)
class RouteTotal:
    """How many exchanges of a recording the framework gave to one route."""

    method: str
    route: str
    count: int


class SurveyStore(ExchangeStore):
    """The part of the store that reads large recordings."""

    def glances(self, recording_id: int, known: Callable[[int], bool] = lambda _: False) -> Iterator[Glance]:
        """Every exchange of a recording in the order in which it was stored, without the bodies that are `known`."""
        reader = BlockReader(most=2)  # rows stand in the order of their blocks
        for rows in self._pages_of(_ROWS.where(exchanges.c.recording == recording_id)):
            for start in range(0, len(rows), GLANCES):
                part = rows[start : start + GLANCES]
                yield from read(self._engine, partial(self._glances, reader, part, known))

    def exchanges_numbered(self, numbers: Sequence[int]) -> Iterator[tuple[int, Exchange]]:
        """(number, exchange) of the rows with these numbers, in the order of the numbers."""
        reader = BlockReader(most=2)
        wanted = sorted(numbers)
        for start in range(0, len(wanted), BODIES_PAGE):
            query = _ROWS.where(exchanges.c.number.in_(wanted[start : start + BODIES_PAGE]))
            rows = read(self._engine, partial(_all, query))
            found = read(self._engine, partial(self._read, reader, rows))
            yield from zip((row.number for row in rows), found, strict=True)

    def route_totals(self, recording_id: int) -> tuple[RouteTotal, ...]:
        """How many exchanges each recorded template has; those that no template answered are under ""."""
        query = (
            select(routes.c.method, routes.c.route, func.count())
            .join_from(exchanges, routes, exchanges.c.route == routes.c.id)
            .where(exchanges.c.recording == recording_id)
            .group_by(routes.c.method, routes.c.route)
            .order_by(routes.c.method, routes.c.route)
        )
        return tuple(RouteTotal(*row) for row in read(self._engine, partial(_all, query)))

    def unrouted(self, recording_id: int) -> Iterator[tuple[str, str, str]]:
        """(method, target, "") of every exchange that no template answered."""
        reader = BlockReader(most=2)
        nowhere = select(routes.c.id).where(routes.c.route == "")
        query = _ROWS.where(exchanges.c.recording == recording_id, exchanges.c.route.in_(nowhere))
        for rows in self._pages_of(query):
            for row in rows:
                blocks = read(self._engine, partial(_block, reader, row.block))
                method, target = blocks[row.slot][:2]
                yield method, target, ""

    def _pages_of(self, query: Select[Any]) -> Iterator[Sequence[Any]]:
        after = -1
        while True:
            rows = read(self._engine, partial(_all, query.where(exchanges.c.number > after).limit(PAGE)))
            yield rows
            if len(rows) < PAGE:
                return
            after = rows[-1].number

    def _glances(
        self, reader: BlockReader, rows: Sequence[Any], known: Callable[[int], bool], connection: Connection
    ) -> list[Glance]:
        blocks = reader.load(connection, (row.block for row in rows))
        wanted = {number for row in rows for number in row[-2:] if number is not None and not known(number)}
        bodies = self._bodies.get(connection, wanted)
        return [_glance(row, blocks[row.block][row.slot], bodies) for row in rows]


_ROWS = ROWS.order_by(exchanges.c.number)


def _glance(row: Any, record: list[Any], bodies: dict[int | None, bytes]) -> Glance:
    number, _, started, ended, _, _, request_body, response_body = row
    response = record[7]
    return Glance(
        number,
        record[0],
        record[1],
        record[8],
        record[3],
        record[2],
        request_body,
        bodies.get(request_body),
        0 if response is None else response[0],
        [] if response is None else response[2],
        response_body,
        bodies.get(response_body),
        started,
        ended,
        record[10],
        record[11],
        record[12],
    )


def _block(reader: BlockReader, number: int, connection: Connection) -> Sequence[list[Any]]:
    return reader.load(connection, [number])[number]


def _all(query: Select[Any], connection: Connection) -> Sequence[Any]:
    return connection.execute(query).all()
