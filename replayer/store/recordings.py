"""Recordings and their exchanges."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from recorder.exchange import Exchange, ProducerReport, RouteCount

from ..errors import UsageError
from ..toml_table import nearest
from . import codec
from .blocks import BlockReader, add_blocks
from .bodies import LOOKUP, BodyStore, free_bodies
from .dialect import give_back_space, insert_new, reading, storable, writing
from .records import Added, DamageRecord, RecordingInfo
from .tables import damage, exchanges, losses, producer_counts, producers, recordings, routes

BATCH = 1000
"""Exchanges in one transaction: SQLite commits cost as much as some hundred rows."""

BATCH_BYTES = 32 * 1024 * 1024
"""Bytes of bodies in one transaction, so that large ones do not fill the memory."""

LARGEST = 2**63 - 1
"""The largest number that a column holds."""

PAGE = 500
"""Exchanges looked up at a time, so that a reader holds no transaction open while its caller works."""

BODIES_PAGE = 50
"""Exchanges whose bodies are read at a time: few, as each may have two of a megabyte."""


class RecordingStore:
    """The part of the store that holds recordings."""

    def __init__(self, engine: Engine, bodies: BodyStore) -> None:
        self._engine = engine
        self._bodies = bodies

    def create_recording(
        self, name: str, *, service: str, release: str, key_id: str, source: str, fingerprint: str = ""
    ) -> RecordingInfo:
        """A new, empty recording. Raises UsageError when the name is empty, too long or taken."""
        if not name.strip() or len(name) > 200 or not name.isprintable():
            raise UsageError(f"A recording's name has 1 to 200 printable characters, not {name[:60]!r}.")
        values = {
            "name": name,
            "service": service,
            "release": release,
            "key_id": key_id,
            "source": source,
            "fingerprint": fingerprint,
            "created": time.time(),
            "exchanges": 0,
        }
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(recordings).values(values))
        except IntegrityError:
            raise UsageError(
                f"There is a recording {name!r} already.", "Choose another name with --name, or delete that one first."
            ) from None
        return self.recording(name)

    def add_exchanges(self, recording_id: int, added: Iterable[Exchange]) -> Added:
        """Add exchanges, in batches of one transaction each; those whose id the recording holds are left out.

        Raises UsageError for a recording that does not exist.
        """
        count = duplicates = 0
        for batch in _batches(added):
            with writing(self._engine) as connection:
                fresh = self._fresh(connection, recording_id, batch)
                self._insert(connection, recording_id, fresh)
            count += len(fresh)
            duplicates += len(batch) - len(fresh)
        return Added(count, duplicates)

    def add_report(self, recording_id: int, report: ProducerReport) -> None:
        """Keep a producer's counters in place of its earlier ones; an earlier report than that is ignored."""
        with writing(self._engine) as connection:
            producer = storable(report.producer)
            mine = (producers.c.recording == recording_id, producers.c.producer == producer)
            at = connection.execute(select(producers.c.at).where(*mine)).scalar()
            if at is not None and at > report.at:
                return
            _forget_producer(connection, recording_id, producer)
            key = {"recording": recording_id, "producer": producer}
            connection.execute(insert(producers).values(key | {"at": _finite(report.at)}))
            numbers = self._route_numbers(connection, {_route_key(row.method, row.route) for row in report.counts})
            rows = [
                key
                | {
                    "route": numbers[_route_key(row.method, row.route)],
                    "seen": min(row.seen, LARGEST),
                    "sampled_out": min(row.sampled_out, LARGEST),
                    "dropped": min(row.dropped, LARGEST),
                }
                for row in report.counts
            ]
            lost = [key | {"reason": storable(reason), "count": min(count, LARGEST)} for reason, count in report.losses]
            insert_new(connection, producer_counts, rows)
            insert_new(connection, losses, lost)

    def add_damage(self, recording_id: int, found: Iterable[DamageRecord]) -> None:
        """Note what could not be read of the recording's source; what has been noted already is left out."""
        known = set(self.damage(recording_id))
        rows = [
            {
                "recording": recording_id,
                "path": storable(item.path),
                "offset": item.offset,
                "bytes_lost": item.bytes_lost,
                "reason": storable(item.reason),
            }
            for item in found
            if item not in known
        ]
        if rows:
            with writing(self._engine) as connection:
                connection.execute(insert(damage), rows)

    def close_recording(self, recording_id: int) -> None:
        """Say that the recording is complete. Closing it again changes nothing."""
        with writing(self._engine) as connection:
            query = update(recordings).where(recordings.c.id == recording_id, recordings.c.closed.is_(None))
            connection.execute(query.values(closed=time.time()))

    def recordings(self) -> list[RecordingInfo]:
        """All recordings, the newest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(recordings).order_by(recordings.c.created.desc(), recordings.c.id.desc()))
            return [_recording(row) for row in rows]

    def recording(self, name_or_id: str | int) -> RecordingInfo:
        """One recording by its name, or else by its number. Raises UsageError, naming one that is like it."""
        found = self._find_recording(recordings.c.name == str(name_or_id))
        if found is None and str(name_or_id).isdecimal() and int(name_or_id) < 2**31:
            found = self._find_recording(recordings.c.id == int(name_or_id))
        if found is not None:
            return found
        names = [info.name for info in self.recordings()]
        hint = nearest(str(name_or_id), names[:20], "recordings") or "The store holds no recording yet: import one."
        raise UsageError(f"There is no recording {name_or_id!r}.", hint)

    def recording_by_fingerprint(self, fingerprint: str) -> RecordingInfo | None:
        """The recording that was imported from the content with this fingerprint."""
        return self._find_recording(recordings.c.fingerprint == fingerprint) if fingerprint else None

    def exchanges(self, recording_id: int) -> Iterator[Exchange]:
        """A recording's exchanges by start time, read page by page."""
        reader = BlockReader()
        after: tuple[float, int] | None = None
        while True:
            query = _PAGE_QUERY.where(exchanges.c.recording == recording_id)
            if after is not None:
                query = query.where(tuple_(exchanges.c.started, exchanges.c.number) > after)
            with reading(self._engine) as connection:
                rows = connection.execute(query).all()
            for start in range(0, len(rows), BODIES_PAGE):
                with reading(self._engine) as connection:
                    found = self._read(connection, reader, rows[start : start + BODIES_PAGE])
                yield from found
            if len(rows) < PAGE:
                return
            after = (rows[-1].started, rows[-1].number)

    def exchange(self, recording_id: int, exchange_id: str) -> Exchange | None:
        """One exchange of a recording, or None."""
        query = _PAGE_QUERY.where(
            exchanges.c.recording == recording_id, exchanges.c.exchange_id == codec.packed_id(exchange_id)
        )
        with reading(self._engine) as connection:
            found = self._read(connection, BlockReader(), connection.execute(query).all())
        return found[0] if found else None

    def route_counts(self, recording_id: int) -> list[RouteCount]:
        """What all producers of a recording have seen, by route; empty when none has reported."""
        sums = [func.sum(producer_counts.c[name]) for name in ("seen", "sampled_out", "dropped")]
        query = (
            select(routes.c.method, routes.c.route, *sums)
            .join_from(producer_counts, routes)
            .where(producer_counts.c.recording == recording_id)
            .group_by(routes.c.method, routes.c.route)
            .order_by(routes.c.route, routes.c.method)
        )
        with reading(self._engine) as connection:
            return [RouteCount(row[0], row[1], *map(int, row[2:])) for row in connection.execute(query)]

    def losses(self, recording_id: int) -> list[tuple[str, int]]:
        """Why producers dropped exchanges of a recording: reason and count, summed over producers."""
        query = (
            select(losses.c.reason, func.sum(losses.c["count"]))
            .where(losses.c.recording == recording_id)
            .group_by(losses.c.reason)
            .order_by(losses.c.reason)
        )
        with reading(self._engine) as connection:
            return [(reason, int(count)) for reason, count in connection.execute(query)]

    def damage(self, recording_id: int) -> list[DamageRecord]:
        """What could not be read of a recording's source."""
        columns = (damage.c.path, damage.c.offset, damage.c.bytes_lost, damage.c.reason)
        query = select(*columns).where(damage.c.recording == recording_id).order_by(damage.c.id)
        with reading(self._engine) as connection:
            return [DamageRecord(*row) for row in connection.execute(query)]

    def delete_recording(self, recording_id: int) -> None:
        """Delete a recording and the bodies that nothing else carries; runs of it stay, with its name."""
        with writing(self._engine) as connection:
            connection.execute(delete(recordings).where(recordings.c.id == recording_id))
            free_bodies(connection)
        give_back_space(self._engine)

    def _find_recording(self, condition: ColumnElement[bool]) -> RecordingInfo | None:
        with reading(self._engine) as connection:
            row = connection.execute(select(recordings).where(condition).order_by(recordings.c.id)).first()
        return None if row is None else _recording(row)

    def _fresh(self, connection: Connection, recording_id: int, batch: list[Exchange]) -> list[Exchange]:
        """The exchanges of a batch that the recording does not hold, each once."""
        by_id: dict[bytes, Exchange] = {}
        for exchange in batch:
            by_id.setdefault(codec.packed_id(exchange.id), exchange)
        keys = list(by_id)
        for start in range(0, len(keys), LOOKUP):
            query = select(exchanges.c.exchange_id).where(
                exchanges.c.recording == recording_id, exchanges.c.exchange_id.in_(keys[start : start + LOOKUP])
            )
            for (key,) in connection.execute(query):
                del by_id[bytes(key)]
        return list(by_id.values())

    def _insert(self, connection: Connection, recording_id: int, batch: list[Exchange]) -> None:
        _count(connection, recording_id, batch)
        if not batch:
            return
        contents = [item.request.body.data for item in batch]
        contents += [item.response.body.data for item in batch if item.response is not None]
        numbers = self._bodies.put(connection, recording_id, contents)
        routed = self._route_numbers(connection, {_route_key(item.request.method, item.route) for item in batch})
        places = add_blocks(connection, [codec.record_of(item) for item in batch], recording=recording_id)
        rows = [
            {
                "recording": recording_id,
                "exchange_id": codec.packed_id(item.id),
                "started": _finite(item.started),
                "ended": _finite(item.ended),
                "route": routed[_route_key(item.request.method, item.route)],
                "status": None if item.response is None else item.response.status,
                "block": block,
                "slot": slot,
                "request_body": numbers.get(item.request.body.data),
                "response_body": None if item.response is None else numbers.get(item.response.body.data),
            }
            for item, (block, slot) in zip(batch, places, strict=True)
        ]
        connection.execute(insert(exchanges), rows)

    def _read(self, connection: Connection, reader: BlockReader, rows: Sequence[Any]) -> list[Exchange]:
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

    def _route_numbers(self, connection: Connection, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
        numbers = _known_routes(connection, wanted)
        missing = wanted - numbers.keys()
        if missing:
            insert_new(connection, routes, [{"method": method, "route": route} for method, route in sorted(missing)])
            numbers |= _known_routes(connection, missing)
        return numbers


_PAGE_QUERY = (
    select(
        exchanges.c.number,
        exchanges.c.exchange_id,
        exchanges.c.started,
        exchanges.c.ended,
        exchanges.c.block,
        exchanges.c.slot,
        exchanges.c.request_body,
        exchanges.c.response_body,
    )
    .order_by(exchanges.c.started, exchanges.c.number)
    .limit(PAGE)
)


def _route_key(method: str, route: str) -> tuple[str, str]:
    return storable(method), storable(route)


def _finite(moment: float) -> float:
    """A time as every database takes it; what is none becomes the epoch."""
    return moment if math.isfinite(moment) else 0.0


def _forget_producer(connection: Connection, recording_id: int, producer: str) -> None:
    for table in (producers, producer_counts, losses):
        query = delete(table).where(table.c.recording == recording_id, table.c.producer == producer)
        connection.execute(query)


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


def _known_routes(connection: Connection, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    keys = list(wanted)
    found: dict[tuple[str, str], int] = {}
    for start in range(0, len(keys), LOOKUP):
        query = select(routes.c.method, routes.c.route, routes.c.id).where(
            tuple_(routes.c.method, routes.c.route).in_(keys[start : start + LOOKUP])
        )
        found.update(((method, route), number) for method, route, number in connection.execute(query))
    return found


def _count(connection: Connection, recording_id: int, batch: list[Exchange]) -> None:
    """Bring the recording's own row up to date. Raises UsageError when there is none."""
    query = select(recordings.c.first, recordings.c.last).where(recordings.c.id == recording_id).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise UsageError(f"There is no recording {recording_id}.")
    if not batch:
        return
    times = [_finite(item.started) for item in batch]
    times += [moment for moment in row if moment is not None]
    change = update(recordings).where(recordings.c.id == recording_id)
    connection.execute(change.values(exchanges=recordings.c.exchanges + len(batch), first=min(times), last=max(times)))


def _recording(row: Any) -> RecordingInfo:
    return RecordingInfo(
        id=row.id,
        name=row.name,
        service=row.service,
        release=row.release,
        key_id=row.key_id,
        source=row.source,
        created=row.created,
        closed=row.closed,
        exchanges=row.exchanges,
        first=row.first,
        last=row.last,
        fingerprint=row.fingerprint,
    )
