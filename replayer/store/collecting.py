"""Recordings that are collected: open while exchanges arrive, one at a time for each service, release and key.

They have no fingerprint, as nothing is there whose content could be known before the end. When one is closed, the next
batch opens its successor, in which every producer goes on counting from where it stood.
"""

from __future__ import annotations

from functools import partial

import orjson
from sqlalchemy import Connection, Engine, Select, func, insert, select

from recorder.exchange import RouteCount

from ..errors import UsageError
from .dialect import insert_new, lock_collecting, read, write
from .numbers import Base, missing
from .recordings import Origin, new_recording, recording_of, route_counts
from .records import Gaps, RecordingInfo
from .tables import exchanges, losses, producer_counts, producer_numbers, recordings, routes


class CollectingStore:
    """The part of the store that holds recordings which are open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open_recording(self, origin: Origin, source: str, name: str = "") -> RecordingInfo:
        """The recording that batches of this origin go into now; made when there is none.

        With a `name`, the recording of that name: it may hold several releases. Raises UsageError when it is closed,
        or of another service or key.
        """
        return write(self._engine, partial(_named if name else _current, origin, source, name))

    def collecting(self) -> list[RecordingInfo]:
        """The recordings that are being collected, the newest first."""
        query = select(recordings).where(recordings.c.fingerprint == "", recordings.c.closed.is_(None))
        rows = read(self._engine, lambda given: given.execute(query.order_by(recordings.c.id.desc())).all())
        return [recording_of(row) for row in rows]

    def collected_before(self, recording: RecordingInfo, moment: float) -> list[int]:
        """The numbers of this recording's predecessors that were open at some time after `moment`."""
        query = _siblings(recording).where(recordings.c.closed > moment, recordings.c.id != recording.id)
        rows = read(self._engine, lambda given: given.execute(query.order_by(recordings.c.id.desc()).limit(20)).all())
        return [row.id for row in rows]

    def gaps(self, recording: RecordingInfo) -> Gaps:
        """What the sequence numbers of a recording's producers tell of, and is neither there nor in its siblings."""
        return read(self._engine, partial(_gaps, recording))

    def seen_counts(self, recording: RecordingInfo) -> list[RouteCount]:
        """What the producers of a recording have seen, by route.

        What was lost on the way to a collected recording without any report of it has a row of its own, `*`: it was
        seen, and nobody knows by which route.
        """
        return read(self._engine, partial(_seen_counts, recording))


def _seen_counts(recording: RecordingInfo, connection: Connection) -> list[RouteCount]:
    counts = route_counts(connection, recording.id)
    if recording.fingerprint:
        return counts
    number = func.count(exchanges.c.number)
    query = select(routes.c.method, routes.c.route, number).join_from(exchanges, routes)
    query = query.where(exchanges.c.recording == recording.id).group_by(routes.c.method, routes.c.route)
    kept = {(method, route): count for method, route, count in connection.execute(query).all()}
    told = sum(
        max(row.seen - row.sampled_out - row.dropped - kept.get((row.method, row.route), 0), 0) for row in counts
    )
    untold = _gaps(recording, connection).lost - told
    return [*counts, RouteCount("*", "", untold, 0, 0)] if untold > 0 else counts


def _siblings(recording: RecordingInfo) -> Select[int]:
    """Recordings that were collected of the same producers."""
    return select(recordings.c.id).where(
        recordings.c.fingerprint == "",
        recordings.c.service == recording.service,
        recordings.c.key_id == recording.key_id,
    )


def _named(origin: Origin, source: str, name: str, connection: Connection) -> RecordingInfo:
    service, _, key_id = origin
    lock_collecting(connection)
    row = connection.execute(select(recordings).where(recordings.c.name == name)).first()
    if row is None:
        return _create(connection, origin, source, name)
    if row.closed is not None:
        raise UsageError(f"The recording {name!r} is closed.", "Choose another name with --recording.")
    if row.fingerprint or (row.service, row.key_id) != (service, key_id):
        what = "is being imported" if row.fingerprint else "was begun with another service or key than what arrives now"
        raise UsageError(
            f"The recording {name!r} {what}: {service!r} with the key {key_id}.",
            "Leave --recording out: each service and key then gets a recording of its own.",
        )
    return recording_of(row)


def _current(origin: Origin, source: str, _: str, connection: Connection) -> RecordingInfo:
    service, release, key_id = origin
    lock_collecting(connection)
    same = (
        recordings.c.fingerprint == "",
        recordings.c.closed.is_(None),
        recordings.c.service == service,
        recordings.c.release == release,
        recordings.c.key_id == key_id,
    )
    row = connection.execute(select(recordings).where(*same).order_by(recordings.c.id)).first()
    if row is not None:
        return recording_of(row)
    stem = "".join(c if c.isprintable() else "_" for c in "-".join(filter(None, (service, release))))[:180]
    stem = stem.strip() or "unnamed"
    taken = select(recordings.c.name).where(recordings.c.name.startswith(stem, autoescape=True))
    names = set(connection.execute(taken).scalars())
    candidates = (f"{stem}-{number}" if number > 1 else stem for number in range(1, len(names) + 3))
    return _create(connection, origin, source, next(name for name in candidates if name not in names))


def _create(connection: Connection, origin: Origin, source: str, name: str) -> RecordingInfo:
    values = new_recording(name, origin, source)
    (number,) = connection.execute(insert(recordings).values(values).returning(recordings.c.id)).one()
    made = recording_of(connection.execute(select(recordings).where(recordings.c.id == number)).one())
    _carry(connection, made)
    return made


def _carry(connection: Connection, made: RecordingInfo) -> None:
    """Note where each producer of the predecessor stands."""
    before = _siblings(made).where(recordings.c.release == made.release, recordings.c.id != made.id)
    predecessor = connection.execute(before.order_by(recordings.c.id.desc())).scalar()
    if predecessor is None:
        return
    query = select(producer_numbers).where(producer_numbers.c.recording == predecessor)
    rows = []
    for row in connection.execute(query).all():
        base, intervals = Base.unpack(row.base), orjson.loads(row.numbers)
        counts, lost = _counted(connection, predecessor, row.producer)
        total = base.absolute(counts, lost)
        first = max(intervals[-1][1] + 1 if intervals else 0, base.first)
        carried = Base(first, total.counts, total.losses, settled=False)
        rows.append({"recording": made.id, "producer": row.producer, "numbers": b"[]", "base": carried.pack()})
    insert_new(connection, producer_numbers, rows)


def _counted(
    connection: Connection, recording_id: int, producer: str
) -> tuple[list[RouteCount], list[tuple[str, int]]]:
    of_it = (producer_counts.c.recording == recording_id, producer_counts.c.producer == producer)
    columns = (producer_counts.c.seen, producer_counts.c.sampled_out, producer_counts.c.dropped)
    counts = select(routes.c.method, routes.c.route, *columns).join_from(producer_counts, routes).where(*of_it)
    lost = select(losses.c.reason, losses.c["count"]).where(
        losses.c.recording == recording_id, losses.c.producer == producer
    )
    return (
        [RouteCount(*row) for row in connection.execute(counts).all()],
        [(reason, count) for reason, count in connection.execute(lost).all()],
    )


def _gaps(recording: RecordingInfo, connection: Connection) -> Gaps:
    mine = select(producer_numbers).where(producer_numbers.c.recording == recording.id)
    beside: dict[str, list[list[list[int]]]] = {}
    if not recording.fingerprint:
        others = select(producer_numbers.c.producer, producer_numbers.c.numbers).where(
            producer_numbers.c.recording.in_(_siblings(recording)), producer_numbers.c.recording != recording.id
        )
        for producer, numbers in connection.execute(others).all():
            beside.setdefault(producer, []).append(orjson.loads(numbers))
    found = lost = 0
    for row in connection.execute(mine).all():
        base = Base.unpack(row.base)
        holes = missing(base.first, orjson.loads(row.numbers), beside.get(row.producer, ()))
        counts, _ = _counted(connection, recording.id, row.producer) if holes else ([], [])
        found += holes
        lost += max(holes - sum(count.dropped for count in counts), 0)
    return Gaps(found, lost)
