"""Approvals in the database: added and withdrawn, never changed otherwise and never deleted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, select, update

from diffing.approvals import Approval, Decision, Scope, Subject, Withdrawal
from diffing.difference import Location, Part, Severity

from .dialect import insert_new, reading, write
from .tables import approvals


class ApprovalStore:
    """The part of the store that holds what people decided. It outlives the runs that it was decided on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_approvals(self, given: Sequence[Approval]) -> None:
        """Keep decisions, all at once; one whose id is there already stays as it is."""
        rows = [_row(each) for each in given]
        if rows:
            write(self._engine, lambda connection: insert_new(connection, approvals, rows))

    def withdraw_approvals(self, identities: Sequence[str], withdrawal: Withdrawal) -> None:
        """Set a tombstone on each; the first one stays. An unknown id is none of the store's: nothing happens."""
        unwithdrawn = update(approvals).where(approvals.c.id.in_(identities), approvals.c.withdrawn.is_(None))
        values = {
            "withdrawn": withdrawal.created.timestamp(),
            "withdrawn_by": withdrawal.author,
            "withdrawn_why": withdrawal.reason,
        }
        write(self._engine, lambda given: given.execute(unwithdrawn.values(values)))

    def approvals(self) -> tuple[Approval, ...]:
        """Everything that was ever decided, in the order in which it was kept."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(approvals).order_by(approvals.c.number)).all()
        return tuple(_approval(row) for row in rows)


def _row(approval: Approval) -> dict[str, Any]:
    subject = approval.subject
    return {
        "id": approval.id,
        "fingerprint": approval.fingerprint,
        "decision": approval.decision.value,
        "scope": approval.scope.value,
        "of": approval.of,
        "author": approval.author,
        "reason": approval.reason,
        "created": approval.created.timestamp(),
        "until": approval.until.isoformat() if approval.until else None,
        "subject": json.dumps(
            {
                "method": subject.method,
                "route": subject.route,
                "part": subject.location.part.value,
                "path": subject.location.path,
                "kind": subject.kind,
                "transition": subject.transition,
                "severity": subject.severity.value,
            }
        ),
        "members": json.dumps(approval.members),
        "run": approval.run,
        "withdrawn_by": "",
        "withdrawn_why": "",
    }


def _approval(row: Any) -> Approval:
    subject = json.loads(row.subject)
    return Approval(
        id=row.id,
        fingerprint=row.fingerprint,
        scope=Scope(row.scope),
        author=row.author,
        reason=row.reason,
        created=_moment(row.created),
        subject=Subject(
            method=subject["method"],
            route=subject["route"],
            location=Location(Part(subject["part"]), subject["path"]),
            kind=subject["kind"],
            transition=subject["transition"],
            severity=Severity(subject["severity"]),
        ),
        of=row.of,
        until=date.fromisoformat(row.until) if row.until else None,
        decision=Decision(row.decision),
        members=tuple(json.loads(row.members)),
        withdrawn=None
        if row.withdrawn is None
        else Withdrawal(row.withdrawn_by, _moment(row.withdrawn), row.withdrawn_why),
        run=row.run,
        stored=True,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), UTC)
