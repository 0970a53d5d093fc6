"""What is kept, how much room it takes, and how recordings and runs go, with what only they hold."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import ColumnElement, Connection, Engine, Select, delete, exists, func, select, union

from ..errors import UsageError
from .bodies import free_bodies
from .dialect import give_back_space, read, write
from .recordings import lock_recording
from .tables import answers, blocks, bodies, exchanges, noise_profiles, recordings, results, routes, runs

ROW_BYTES = 150
"""About what the row of an exchange, an answer or a result takes with its indexes, beside what is in blocks."""

DEAD_SECONDS = 24 * 3600.0
"""A run that is under way and gave no sign of life for so long holds nothing back any more."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What a deletion gave back."""

    bodies: int
    bytes: int  # of what is kept, as `kept_bytes` counts


class RetainingStore:
    """The part of the store that lets go."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def kept_bytes(self, without: Collection[int] = ()) -> int:
        """About how much room everything takes, or would take without these recordings.

        Bodies and blocks are counted as they are compressed, rows by their usual size. A database may be larger: what
        was deleted from PostgreSQL is used again before it is given back.
        """
        return read(self._engine, partial(_kept_bytes, tuple(without)))

    def routes_kept(self) -> dict[int, dict[tuple[str, str], int]]:
        """How many exchanges of each route each recording holds, by recording."""
        columns = (exchanges.c.recording, routes.c.method, routes.c.route)
        query = select(*columns, func.count(exchanges.c.number)).join_from(exchanges, routes).group_by(*columns)
        found: dict[int, dict[tuple[str, str], int]] = {}
        for recording, method, route, count in read(self._engine, lambda given: given.execute(query).all()):
            found.setdefault(recording, {})[method, route] = count
        return found

    def recordings_in_use(self) -> dict[int, str]:
        """The recordings that a run under way reads, each with the id of one."""
        query = select(runs.c.recording, runs.c.id).where(_under_way(), runs.c.recording.is_not(None))
        return {row.recording: row.id for row in read(self._engine, lambda given: given.execute(query).all())}

    def runs_in_use(self) -> dict[str, str]:
        """The runs that are to stay, by id, and why: those under way, and those whose answers later runs use."""
        alive = select(runs.c.id).where(_under_way())
        learned = select(noise_profiles.c.run)
        return {
            **dict.fromkeys(read(self._engine, partial(_all, learned)), "later runs use what it learned"),
            **dict.fromkeys(read(self._engine, partial(_all, alive)), "it is under way"),
        }

    def delete_recordings(self, recording_ids: Iterable[int]) -> Freed:
        """Delete recordings, and the bodies that nothing else carries; runs of them stay, with their names.

        Raises UsageError, and deletes none, when a run under way reads one of them.
        """
        return self._freed(partial(_delete_recordings, tuple(recording_ids)))

    def delete_runs(self, run_ids: Iterable[str]) -> Freed:
        """Delete runs with their results, answers and reports, and the bodies that nothing else carries.

        What was approved in them stays. Raises UsageError, and deletes none, when one is under way.
        """
        return self._freed(partial(_delete_runs, tuple(run_ids)))

    def _freed(self, work: partial[int]) -> Freed:
        before = self.kept_bytes()
        freed = write(self._engine, work)
        give_back_space(self._engine)
        return Freed(freed, before - self.kept_bytes())


def _under_way() -> ColumnElement[bool]:
    alive = func.coalesce(runs.c.beat, runs.c.started) > time.time() - DEAD_SECONDS
    return runs.c.ended.is_(None) & runs.c.state.not_in(("failed", "cancelled", "finished")) & alive


def _kept_bytes(without: tuple[int, ...], connection: Connection) -> int:
    stay = exchanges.c.recording.not_in(without)
    used = union(
        select(exchanges.c.request_body).where(exchanges.c.request_body.is_not(None), stay),
        select(exchanges.c.response_body).where(exchanges.c.response_body.is_not(None), stay),
        select(answers.c.body).where(answers.c.body.is_not(None)),
    ).subquery()
    sums = (
        select(func.sum(func.length(bodies.c.data))).join_from(bodies, used, bodies.c.id == used.c[0]),
        select(func.sum(func.length(blocks.c.data))).where(
            blocks.c.recording.is_(None) | blocks.c.recording.not_in(without)
        ),
        select(func.sum(func.length(runs.c.report))),
    )
    counts = (
        select(func.count(exchanges.c.number)).where(stay),
        select(func.count(answers.c.number)),
        select(func.count(results.c.id)),
    )
    packed = sum(int(connection.execute(query).scalar() or 0) for query in sums)
    return packed + ROW_BYTES * sum(int(connection.execute(query).scalar() or 0) for query in counts)


def _delete_recordings(recording_ids: tuple[int, ...], connection: Connection) -> int:
    for number in sorted(recording_ids):
        lock_recording(connection, number)
        reader = connection.execute(select(runs.c.id).where(runs.c.recording == number, _under_way())).scalar()
        if reader is not None:
            name = connection.execute(select(recordings.c.name).where(recordings.c.id == number)).scalar()
            raise UsageError(
                f"The recording {name!r} is being replayed by the run {reader}.",
                f"Wait for it, or end it: understudy runs cancel {reader}",
            )
        connection.execute(delete(recordings).where(recordings.c.id == number))
    return free_bodies(connection)


def _delete_runs(run_ids: tuple[str, ...], connection: Connection) -> int:
    for run_id in run_ids:
        found = connection.execute(select(runs.c.number).where(runs.c.id == run_id).with_for_update()).scalar()
        if found is None:
            continue
        if connection.execute(select(exists().where(runs.c.number == found, _under_way()))).scalar():
            raise UsageError(
                f"The run {run_id} is under way.", f"Wait for it, or end it: understudy runs cancel {run_id}"
            )
        connection.execute(delete(runs).where(runs.c.number == found))
    return free_bodies(connection)


def _all(query: Select[str], connection: Connection) -> list[str]:
    return list(connection.execute(query).scalars())
