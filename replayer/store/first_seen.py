"""In which run of a service each finding was seen first. It outlives the runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from sqlalchemy import Connection, Engine, select

from ..first_seen import FirstSeen
from .dialect import insert_new, read, storable, write
from .tables import first_seen

AT_ONCE = 500
"""Fingerprints in one statement."""

MAX_PROJECT = 200
"""Characters of a service's name that tell it from others."""


class FirstSeenStore:
    """The part of the store that knows since when findings are there. `project` is a service, or a recording."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note_first_seen(self, project: str, marks: Iterable[str], seen: FirstSeen) -> None:
        """Note where these fingerprints were seen, for those that were not seen before."""
        facts = {
            "run": seen.run,
            "at": seen.at,
            "candidate": storable(seen.candidate),
            "branch": storable(seen.branch),
            "commit": storable(seen.commit),
        }
        # in one order, so that two runs that end at once do not wait for each other
        rows = [{"project": _project(project), "fingerprint": mark, **facts} for mark in sorted(set(marks))]
        for start in range(0, len(rows), AT_ONCE):
            write(self._engine, partial(_insert, rows[start : start + AT_ONCE]))

    def first_seen(self, project: str, marks: Iterable[str]) -> dict[str, FirstSeen]:
        """Where these fingerprints were seen first, as far as that is known."""
        wanted = sorted(set(marks))
        parts = (wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE))
        return {
            mark: seen for part in parts for mark, seen in read(self._engine, partial(_read, _project(project), part))
        }


def _project(name: str) -> str:
    return storable(name)[:MAX_PROJECT]


def _insert(rows: list[dict[str, object]], connection: Connection) -> None:
    insert_new(connection, first_seen, rows)


def _read(project: str, marks: Sequence[str], connection: Connection) -> list[tuple[str, FirstSeen]]:
    query = select(first_seen).where(first_seen.c.project == project, first_seen.c.fingerprint.in_(marks))
    return [
        (row.fingerprint, FirstSeen(row.run, row.at, row.candidate, row.branch, row.commit, row.id))
        for row in connection.execute(query)
    ]
