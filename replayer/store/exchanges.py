"""The exchanges of recordings: added in batches, read in pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, Select, select, tuple_, update

from recorder.exchange import Exchange

from . import codec
from .blocks import BlockReader, add_blocks
from .bodies import BodyStore
from .dialect import finite, insert_rows, read, rows_among, write
from .numbers import note_numbers
from .recordings import lock_recording
from .records import Added
from .routes import route_key, route_numbers
from .tables import exchanges, recordings

BATCH = 1024
"""Exchanges in one transaction: sixteen batches of a recorder. SQLite commits cost as much as some hundred rows."""

BATCH_BYTES = 32 * 1024 * 1024
"""Bytes of bodies in one transaction, so that large ones do not fill the memory."""

PAGE = 500
"""Exchanges looked up at a time, so that a reader holds no transaction open while its caller works."""

BODIES_PAGE = 50
"""Exchanges whose bodies are read at a time: few, as each may have two of a megabyte."""


class ExchangeStore:
    """The part of the store that holds exchanges."""

    def __init__(self, engine: Engine, bodies: BodyStore) -> None:
        self._engine = engine
        self._bodies = bodies

    def add_exchanges(
        self,
        recording_id: int,
        added: Iterable[Exchange],
        *,
        elsewhere: Sequence[int] = (),
        still_open: bool = False,
    ) -> Added:
        """Add exchanges, in batches of one transaction each; those whose id the recording holds are left out.

        Neither are those added that the recordings `elsewhere` hold. Raises NotOpen for a recording that does not
        exist, or, with `still_open`, is closed.
        """
        count = duplicates = 0
        for batch in _batches(added):
            fresh = write(self._engine, partial(self._add, recording_id, batch, elsewhere, still_open))
            count += fresh
            duplicates += len(batch) - fresh
        return Added(count, duplicates)

    def _add(
        self,
        recording_id: int,
        batch: list[Exchange],
        elsewhere: Sequence[int],
        still_open: bool,
        connection: Connection,
    ) -> int:
        """Add what the recordings do not hold of a batch, and say how many that is."""
        lock_recording(connection, recording_id, still_open=still_open)
        fresh = self._fresh(connection, [recording_id, *elsewhere], batch)
        if fresh:
            self._insert(connection, recording_id, fresh)
        return len(fresh)

    def exchanges(self, recording_id: int) -> Iterator[Exchange]:
        """A recording's exchanges by start time, read page by page."""
        reader = BlockReader()
        after: tuple[float, int] | None = None
        while True:
            query = _PAGE_QUERY.where(exchanges.c.recording == recording_id)
            if after is not None:
                query = query.where(tuple_(exchanges.c.started, exchanges.c.number) > after)
            rows = read(self._engine, partial(_rows, query))
            for start in range(0, len(rows), BODIES_PAGE):
                yield from read(self._engine, partial(self._read, reader, rows[start : start + BODIES_PAGE]))
            if len(rows) < PAGE:
                return
            after = (rows[-1].started, rows[-1].number)

    def exchange(self, recording_id: int, exchange_id: str) -> Exchange | None:
        """One exchange of a recording, or None."""
        query = _PAGE_QUERY.where(
            exchanges.c.recording == recording_id, exchanges.c.exchange_id == codec.packed_id(exchange_id)
        )
        found = read(self._engine, lambda given: self._read(BlockReader(), given.execute(query).all(), given))
        return found[0] if found else None

    def exchanges_named(self, recording_id: int, exchange_ids: Sequence[str]) -> dict[str, Exchange]:
        """These exchanges of a recording, by id; those that it does not hold are left out."""
        reader, found = BlockReader(), dict[str, Exchange]()
        column, within = exchanges.c.exchange_id, (exchanges.c.recording, (recording_id,))
        for start in range(0, len(exchange_ids), BODIES_PAGE):
            keys = [codec.packed_id(each) for each in exchange_ids[start : start + BODIES_PAGE]]
            query = partial(rows_among, columns=_NEEDED, column=column, values=keys, within=within)
            rows = read(self._engine, query)
            found |= {exchange.id: exchange for exchange in read(self._engine, partial(self._read, reader, rows))}
        return found

    def _fresh(
        self, connection: Connection, recording_ids: Sequence[int], batch: list[Exchange]
    ) -> dict[bytes, Exchange]:
        """The exchanges of a batch that the recordings do not hold, by id."""
        by_id: dict[bytes, Exchange] = {}
        for exchange in batch:
            by_id.setdefault(codec.packed_id(exchange.id), exchange)
        column = exchanges.c.exchange_id
        within = (exchanges.c.recording, recording_ids)
        for (key,) in rows_among(connection, [column], column, list(by_id), within):
            by_id.pop(bytes(key), None)
        return by_id

    def _insert(self, connection: Connection, recording_id: int, fresh: Mapping[bytes, Exchange]) -> None:
        batch = list(fresh.values())
        _count(connection, recording_id, batch)
        note_numbers(connection, recording_id, batch)
        contents = [item.request.body.data for item in batch]
        contents += [item.response.body.data for item in batch if item.response is not None]
        numbers = self._bodies.put(connection, recording_id, contents)
        keys = {(item.request.method, item.route) for item in batch}
        known = {key: route_key(*key) for key in keys}
        routed = route_numbers(connection, set(known.values()))
        places = add_blocks(connection, [codec.record_of(item) for item in batch], recording=recording_id)
        rows = [
            (
                recording_id,
                key,
                finite(item.started),
                finite(item.ended),
                routed[known[item.request.method, item.route]],
                None if item.response is None else item.response.status,
                *place,
                numbers.get(item.request.body.data),
                None if item.response is None else numbers.get(item.response.body.data),
            )
            for (key, item), place in zip(fresh.items(), places, strict=True)
        ]
        insert_rows(connection, exchanges, _COLUMNS, rows)

    def _read(self, reader: BlockReader, rows: Sequence[Any], connection: Connection) -> list[Exchange]:
        blocks = reader.load(connection, (row.block for row in rows))
        bodies = self._bodies.get(connection, [number for row in rows for number in row[-2:]])
        return [
            codec.exchange_of(
                blocks[row.block][row.slot],
                codec.unpacked_id(row.exchange_id),
                row.started,
                row.ended,
                bodies[row.request_body],
                bodies[row.response_body],
            )
            for row in rows
        ]


_COLUMNS = (
    "recording",
    "exchange_id",
    "started",
    "ended",
    "route",
    "status",
    "block",
    "slot",
    "request_body",
    "response_body",
)

_NEEDED = (
    exchanges.c.number,
    exchanges.c.exchange_id,
    exchanges.c.started,
    exchanges.c.ended,
    exchanges.c.block,
    exchanges.c.slot,
    exchanges.c.request_body,
    exchanges.c.response_body,
)
ROWS = select(*_NEEDED)
"""What is needed to read exchanges: where they stand, and their bodies."""
_PAGE_QUERY = ROWS.order_by(exchanges.c.started, exchanges.c.number).limit(PAGE)


def _batches(items: Iterable[Exchange]) -> Iterator[list[Exchange]]:
    """The exchanges in lists that are bounded in number and in bytes."""
    batch: list[Exchange] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item.request.body.data) + (len(item.response.body.data) if item.response is not None else 0)
        if len(batch) == BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _count(connection: Connection, recording_id: int, batch: list[Exchange]) -> None:
    """Bring the recording's own row up to date."""
    times = [finite(item.started) for item in batch]
    query = select(recordings.c.first, recordings.c.last).where(recordings.c.id == recording_id)
    times += [moment for moment in connection.execute(query).one() if moment is not None]
    change = update(recordings).where(recordings.c.id == recording_id)
    connection.execute(change.values(exchanges=recordings.c.exchanges + len(batch), first=min(times), last=max(times)))


def _rows(query: Select[Any], connection: Connection) -> Sequence[Any]:
    return connection.execute(query).all()
