"""Recordings: what they are called, what their producers counted, what of them was damaged."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from recorder.exchange import ProducerReport, RouteCount

from ..errors import ConflictError, UsageError, nearest
from .bodies import free_bodies
from .dialect import finite, give_back_space, insert_new, read, reading, storable, write, writing
from .numbers import rebased
from .records import DamageRecord, NotOpen, RecordingInfo
from .routes import route_key, route_numbers
from .tables import damage, losses, producer_counts, producers, recordings, routes

LARGEST = 2**63 - 1
"""The largest number that a column holds."""


DAMAGE_KEPT = 1000
"""Damaged pieces of a recording that are described one by one."""

FURTHER, NOT_DESCRIBED = "further pieces", "not described one by one"

Origin = tuple[str, str, str]
"""Service, release and key id: pseudonyms of two keys must not be mixed, and a recording is of one service."""


class RecordingStore:
    """The part of the store that holds recordings, but for their exchanges."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_recording(
        self, name: str, *, service: str, release: str, key_id: str, source: str, fingerprint: str = ""
    ) -> RecordingInfo:
        """A new, empty recording. Raises UsageError when the name is empty, too long or taken."""
        values = new_recording(name, (service, release, key_id), source, fingerprint)
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(recordings).values(values))
        except IntegrityError:
            raise ConflictError(
                f"There is a recording {name!r} already.", "Choose another name with --name, or delete that one first."
            ) from None
        return self.recording(name)

    def add_report(self, recording_id: int, report: ProducerReport, *, still_open: bool = False) -> None:
        """Keep a producer's counters in place of its earlier ones; an earlier report than that is ignored.

        Raises NotOpen when there is no such recording, or, with `still_open`, when it is closed.
        """
        write(self._engine, partial(_add_report, recording_id, report, still_open))

    def add_damage(self, recording_id: int, found: Iterable[DamageRecord]) -> None:
        """Note what could not be read of the recording's source; what has been noted already is left out.

        After the first thousand pieces the others are counted in one record, whose offset says how many they are.
        """
        pieces = tuple(found)
        if pieces:
            write(self._engine, partial(_add_damage, recording_id, pieces))

    def close_recording(self, recording_id: int) -> None:
        """Say that the recording is complete. Closing it again changes nothing."""
        query = update(recordings).where(recordings.c.id == recording_id, recordings.c.closed.is_(None))
        write(self._engine, lambda given: given.execute(query.values(closed=time.time())))

    def recordings(self) -> list[RecordingInfo]:
        """All recordings, the newest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(recordings).order_by(recordings.c.created.desc(), recordings.c.id.desc()))
            return [recording_of(row) for row in rows]

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

    def route_counts(self, recording_id: int) -> list[RouteCount]:
        """What all producers of a recording have seen, by route; empty when none has reported."""
        return read(self._engine, lambda given: route_counts(given, recording_id))

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
        return read(self._engine, partial(_damage, recording_id))

    def delete_recording(self, recording_id: int) -> None:
        """Delete a recording and the bodies that nothing else carries; runs of it stay, with its name."""
        write(self._engine, partial(_delete, recording_id))
        give_back_space(self._engine)

    def _find_recording(self, condition: ColumnElement[bool]) -> RecordingInfo | None:
        with reading(self._engine) as connection:
            row = connection.execute(select(recordings).where(condition).order_by(recordings.c.id)).first()
        return None if row is None else recording_of(row)


def route_counts(connection: Connection, recording_id: int) -> list[RouteCount]:
    """What all producers of a recording have seen, by route."""
    sums = [func.sum(producer_counts.c[name]) for name in ("seen", "sampled_out", "dropped")]
    query = (
        select(routes.c.method, routes.c.route, *sums)
        .join_from(producer_counts, routes)
        .where(producer_counts.c.recording == recording_id)
        .group_by(routes.c.method, routes.c.route)
        .order_by(routes.c.route, routes.c.method)
    )
    return [RouteCount(row[0], row[1], *map(int, row[2:])) for row in connection.execute(query)]


def check_name(name: str) -> str:
    """The name. Raises UsageError when it can be none of a recording."""
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise UsageError(f"A recording's name has 1 to 200 printable characters, not {name[:60]!r}.")
    return name


def new_recording(name: str, origin: Origin, source: str, fingerprint: str = "") -> dict[str, Any]:
    """The row of a recording that holds nothing yet. Raises UsageError as `check_name` does."""
    service, release, key_id = origin
    return {
        "name": check_name(name),
        "service": service,
        "release": release,
        "key_id": key_id,
        "source": source,
        "fingerprint": fingerprint,
        "created": time.time(),
        "exchanges": 0,
    }


def lock_recording(connection: Connection, recording_id: int, *, still_open: bool = False) -> None:
    """Let nobody else change the recording until the transaction ends.

    Raises NotOpen when there is none, or, with `still_open`, when it is closed.
    """
    query = select(recordings.c.closed).where(recordings.c.id == recording_id).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise NotOpen(f"There is no recording {recording_id}.")
    if still_open and row.closed is not None:
        raise NotOpen(f"The recording {recording_id} is closed.")


def _add_report(recording_id: int, report: ProducerReport, still_open: bool, connection: Connection) -> None:
    lock_recording(connection, recording_id, still_open=still_open)
    producer = storable(report.producer)
    mine = (producers.c.recording == recording_id, producers.c.producer == producer)
    at = connection.execute(select(producers.c.at).where(*mine)).scalar()
    if at is not None and at > report.at:
        return
    report = rebased(connection, recording_id, report)
    _forget_producer(connection, recording_id, producer)
    key = {"recording": recording_id, "producer": producer}
    connection.execute(insert(producers).values(key | {"at": finite(report.at)}))
    numbers = route_numbers(connection, {route_key(row.method, row.route) for row in report.counts})
    rows = [
        key
        | {
            "route": numbers[route_key(row.method, row.route)],
            "seen": min(row.seen, LARGEST),
            "sampled_out": min(row.sampled_out, LARGEST),
            "dropped": min(row.dropped, LARGEST),
        }
        for row in report.counts
    ]
    lost = [key | {"reason": storable(reason), "count": min(count, LARGEST)} for reason, count in report.losses]
    insert_new(connection, producer_counts, rows)
    insert_new(connection, losses, lost)


def _add_damage(recording_id: int, found: Sequence[DamageRecord], connection: Connection) -> None:
    lock_recording(connection, recording_id)
    known = _damage(recording_id, connection)
    fresh = [item for item in dict.fromkeys(map(_storable, found)) if item not in set(known)]
    room = max(DAMAGE_KEPT - len(known), 0)
    kept, rest = fresh[:room], fresh[room:]
    if rest:
        more = next((item for item in known if item.path == FURTHER), DamageRecord(FURTHER, 0, 0, NOT_DESCRIBED))
        more = replace(
            more, offset=more.offset + len(rest), bytes_lost=more.bytes_lost + sum(i.bytes_lost for i in rest)
        )
        connection.execute(delete(damage).where(damage.c.recording == recording_id, damage.c.path == FURTHER))
        kept.append(more)
    if kept:
        connection.execute(insert(damage), [{"recording": recording_id, **asdict(item)} for item in kept])


def _storable(item: DamageRecord) -> DamageRecord:
    return replace(item, path=storable(item.path), reason=storable(item.reason))


def _damage(recording_id: int, connection: Connection) -> list[DamageRecord]:
    columns = (damage.c.path, damage.c.offset, damage.c.bytes_lost, damage.c.reason)
    query = select(*columns).where(damage.c.recording == recording_id).order_by(damage.c.id)
    return [DamageRecord(*row) for row in connection.execute(query)]


def _delete(recording_id: int, connection: Connection) -> None:
    connection.execute(delete(recordings).where(recordings.c.id == recording_id))
    free_bodies(connection)


def _forget_producer(connection: Connection, recording_id: int, producer: str) -> None:
    for table in (producers, producer_counts, losses):
        query = delete(table).where(table.c.recording == recording_id, table.c.producer == producer)
        connection.execute(query)


def recording_of(row: Any) -> RecordingInfo:
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
