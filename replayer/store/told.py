"""What was told of each finding, on each branch: whether a run has news of it, and what is over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, select, update

from .dialect import insert_new, storable
from .tables import told

OPEN = ("new", "worse", "still")
"""States of what was told and is not over."""

REMIND_SECONDS = 7 * 24 * 3600.0
"""After so long what was told and is there still is told again."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One finding of a run, as far as it decides whether there is something to tell."""

    route: str
    fingerprint: str
    rank: int  # 0 for the gravest
    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """What was told before, and how it ended."""

    how: str
    item: Mapping[str, Any]


def note(connection: Connection, scope: str, run_id: str, subject: Subject, now: float) -> str:
    """What is new of one finding, remembered."""
    key = digest_of((subject.route, subject.fingerprint))
    mine = and_(told.c.scope == scope, told.c.subject == key)
    values = {"rank": subject.rank, "run": run_id, "told": now, "item": json.dumps(subject.item)}
    names = {"route": storable(subject.route), "fingerprint": subject.fingerprint}
    insert_new(connection, told, [{"scope": scope, "subject": key, "state": "new", **names, **values}])
    row = connection.execute(select(told).where(mine).with_for_update()).one()
    if row.run == run_id and row.state in OPEN:
        return str(row.state)
    if row.state not in OPEN:
        news = "new"
    elif subject.rank < row.rank:
        news = "worse"
    elif row.told < now - REMIND_SECONDS:
        news = "still"
    else:
        return "known"
    connection.execute(update(told).where(mine).values(state=news, **values))
    return news


def note_ended(
    connection: Connection,
    scope: str,
    run_id: str,
    there: Collection[str],
    ended: Callable[[str, str, bool], str],
    now: float,
) -> list[Ended]:
    """What was told before and is over, remembered."""
    found = []
    for row in connection.execute(select(told).where(told.c.scope == scope).order_by(told.c.id)).all():
        is_open = row.state in OPEN
        if row.fingerprint in there or not (is_open or row.run == run_id):
            continue
        how = ended(row.route, row.fingerprint, row.run == run_id) if is_open else row.state
        if how:
            values = {"state": how, "run": run_id, "told": now}
            connection.execute(update(told).where(told.c.id == row.id).values(values))
            found.append(Ended(how, json.loads(row.item)))
    return found


def digest_of(parts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()
