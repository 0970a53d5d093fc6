"""Alerts in the database: what was told of each finding, and an outbox of messages that wait until they are taken.

Both are written in one transaction: what counts as told has its message in the outbox.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, and_, case, func, insert, select, update

from .dialect import read, storable, write
from .tables import alerts, runs
from .told import Ended, Subject, digest_of, note, note_ended

WAITING = "waiting"
DELIVERED = "delivered"
REFUSED = "refused"  # the message itself was not taken
OVERDUE = "overdue"  # it waited so long that it is of no use any more

LEASE_SECONDS = 60.0
"""For so long a message belongs to the process that sends it; it takes a tenth of that."""
USEFUL_SECONDS = 3 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class PlannedAlert:
    """One message that a run has to send; the `slot` is its place within the run and the channel."""

    way: str
    destination: str
    slot: str
    content: Mapping[str, Any]
    below: str = ""  # the slot of the message in whose thread it belongs


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """One message of the outbox. Times are seconds since the epoch."""

    number: int
    run: str
    way: str
    destination: str
    slot: str
    content: Mapping[str, Any]
    state: str  # WAITING, DELIVERED, REFUSED or OVERDUE
    revision: int  # of its content
    ref: str  # by which it can be edited; "" for one that was not delivered, or can not be
    thread: str  # the `ref` of the message above it; "" while there is none
    below: str
    attempts: int  # that came to nothing, since its content is what it is
    not_before: float
    said: str  # why it was not delivered
    created: float
    delivered: float | None


Plan = Callable[[Mapping[str, str], Sequence[Ended], Collection[tuple[str, str]]], Sequence[PlannedAlert]]
"""News by fingerprint, what ended, and (way, destination) of the run's messages so far, to all messages of the run."""


class AlertStore:
    """The part of the store that remembers what was told, and what is still to be."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def plan_alerts(
        self,
        run_id: str,
        scope: Sequence[str],
        subjects: Sequence[Subject],
        ended: Callable[[str, str, bool], str],
        plan: Plan,
    ) -> None:
        """Note what is told of the findings of a run, and put its messages into the outbox.

        `scope` (project and branch) is within what a finding counts as told. `ended` says of a route and a fingerprint
        that were told before, maybe by this very run, how that ended; "" for what did not. Calling it again with the
        same comes to the same.
        """
        digest = digest_of(scope)

        def work(connection: Connection) -> None:
            now = time.time()
            news = {each.fingerprint: note(connection, digest, run_id, each, now) for each in subjects}
            over = note_ended(connection, digest, run_id, set(news), ended, now)
            run = connection.execute(select(runs.c.number).where(runs.c.id == run_id).with_for_update()).scalar_one()
            there = select(alerts.c.way, alerts.c.destination).where(alerts.c.run == run)
            before = {(row.way, row.destination) for row in connection.execute(there)}
            for each in plan(news, over, before):
                _put(connection, run, each, now)

        write(self._engine, work)

    def add_alert(self, run_id: str, alert: PlannedAlert) -> None:
        """Put one message into the outbox, or change what it says; one that says the same already stays as it is."""
        query = select(runs.c.number).where(runs.c.id == run_id)
        write(
            self._engine,
            lambda given: _put(given, int(given.execute(query.with_for_update()).scalar_one()), alert, time.time()),
        )

    def alerts(self, run_id: str = "", *, waiting: bool = False) -> list[StoredAlert]:
        """Messages in the order in which they were planned: of one run, those that wait, or all."""
        query = _query().order_by(alerts.c.number)
        if run_id:
            query = query.where(runs.c.id == run_id)
        if waiting:
            query = query.where(alerts.c.state == WAITING)
        return [_stored(row) for row in read(self._engine, lambda given: given.execute(query).all())]

    def claim_alert(self, ways: Collection[str], first: str = "") -> StoredAlert | None:
        """The first message that can be sent now, for this process alone for a while; None when there is none.

        Those of the run `first` come first. What waits for the message above it is passed over.
        """
        return write(self._engine, partial(_claim, frozenset(ways), first))

    def settle_alert(
        self, alert: StoredAlert, state: str, *, ref: str = "", said: str = "", not_before: float = 0.0
    ) -> None:
        """Note what came of an attempt. Content that was changed meanwhile is still to be sent."""
        now = time.time()
        mine = alerts.c.number == alert.number
        current = and_(mine, alerts.c.revision == alert.revision)
        failed = state != DELIVERED

        def work(connection: Connection) -> None:
            values: dict[str, Any] = {"leased": 0.0, "limited": 0, "said": storable(said)}
            if not failed:
                values |= {"ref": ref, "delivered": now}
            connection.execute(update(alerts).where(mine).values(values))
            later = {"state": state, "attempts": alert.attempts + failed, "not_before": not_before}
            connection.execute(update(alerts).where(current).values(later))

        write(self._engine, work)

    def rest_alerts(self, way: str, until: float, why: str, *, asked: bool) -> None:
        """Nothing goes this way before a time; `asked`: because the server wants it so."""
        waiting = and_(alerts.c.way == way, alerts.c.state == WAITING, alerts.c.not_before < until)
        values = {"not_before": until, "limited": int(asked), "said": storable(why)}
        write(self._engine, lambda given: given.execute(update(alerts).where(waiting).values(values)))

    def hurry_alerts(self, ways: Collection[str]) -> None:
        """End the pauses after failures, but not those that a server asked for."""
        waiting = and_(alerts.c.way.in_(ways), alerts.c.state == WAITING, alerts.c.limited == 0)
        write(self._engine, lambda given: given.execute(update(alerts).where(waiting).values(not_before=0.0)))

    def next_alert_at(self, ways: Collection[str]) -> float | None:
        """When the next pause of a message that waits is over; None when none of them pauses."""
        pausing = and_(alerts.c.way.in_(ways), alerts.c.state == WAITING, alerts.c.not_before > time.time())
        query = select(func.min(alerts.c.not_before)).where(pausing)
        found = read(self._engine, lambda given: given.execute(query).scalar())
        return None if found is None else float(found)


def _claim(ways: frozenset[str], first: str, connection: Connection) -> StoredAlert | None:
    now = time.time()
    stale = and_(alerts.c.state == WAITING, alerts.c.changed < now - USEFUL_SECONDS)
    connection.execute(update(alerts).where(stale).values(state=OVERDUE))
    query = (
        _query()
        .where(alerts.c.state == WAITING, alerts.c.leased < now, alerts.c.way.in_(ways), alerts.c.not_before <= now)
        .order_by(case((runs.c.id == first, 0), else_=1), alerts.c.number)
    )
    for row in connection.execute(query).all():
        found = _stored(row)
        if found.below and not found.thread:
            continue
        taken = update(alerts).where(alerts.c.number == found.number, alerts.c.leased < now)
        if connection.execute(taken.values(leased=now + LEASE_SECONDS)).rowcount:
            return found
    return None


def _put(connection: Connection, run: int, alert: PlannedAlert, now: float) -> None:
    mine = and_(
        alerts.c.run == run,
        alerts.c.way == alert.way,
        alerts.c.destination == alert.destination,
        alerts.c.slot == alert.slot,
    )
    content = json.dumps(alert.content, sort_keys=True)
    row = connection.execute(select(alerts.c.content, alerts.c.revision).where(mine).with_for_update()).first()
    fresh = {"content": content, "state": WAITING, "attempts": 0, "said": "", "changed": now}
    fresh |= _pause(connection, alert.way)
    if row is None:
        place = {"run": run, "way": alert.way, "destination": alert.destination, "slot": alert.slot}
        rest = {"below": alert.below, "revision": 1, "ref": "", "leased": 0.0}
        connection.execute(insert(alerts).values(**place, **rest, **fresh, created=now))
    elif row.content != content:
        connection.execute(update(alerts).where(mine).values(**fresh, revision=row.revision + 1))


def _pause(connection: Connection, way: str) -> dict[str, Any]:
    """The pause that a server asked for holds for what comes after, too."""
    asked = and_(alerts.c.way == way, alerts.c.state == WAITING, alerts.c.limited == 1)
    until = connection.execute(select(func.max(alerts.c.not_before)).where(asked)).scalar()
    return {"not_before": until or 0.0, "limited": int(until is not None)}


def _query() -> Any:
    above = alerts.alias("above")
    thread = (
        select(above.c.ref)
        .where(
            above.c.run == alerts.c.run,
            above.c.way == alerts.c.way,
            above.c.destination == alerts.c.destination,
            above.c.slot == alerts.c.below,
        )
        .scalar_subquery()
    )
    return select(alerts, runs.c.id.label("run_id"), thread.label("thread")).join(runs, runs.c.number == alerts.c.run)


def _stored(row: Any) -> StoredAlert:
    return StoredAlert(
        number=row.number,
        run=row.run_id,
        way=row.way,
        destination=row.destination,
        slot=row.slot,
        content=json.loads(row.content),
        state=row.state,
        revision=row.revision,
        ref=row.ref,
        thread=row.thread or "",
        below=row.below,
        attempts=row.attempts,
        not_before=row.not_before,
        said=row.said,
        created=row.created,
        delivered=row.delivered,
    )
