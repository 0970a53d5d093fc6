"""Noise rules in the database: added and withdrawn, never changed otherwise and never deleted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, select, update

from diffing.approvals import Withdrawal
from diffing.difference import Part
from diffing.noise import NoiseRule

from .dialect import insert_new, reading, write
from .records import KeptRule
from .tables import noise_rules


class RuleStore:
    """The part of the store that holds noise rules. They outlive the runs that they were made from."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_rule(self, kept: KeptRule) -> None:
        """Keep a rule; one whose id is there already stays as it is."""
        rule = kept.rule
        values = {
            "id": kept.id,
            "route": rule.route,
            "path": rule.path,
            "part": rule.part.value if rule.part else "",
            "kind": rule.kind,
            "reason": rule.reason,
            "author": rule.author,
            "until": rule.until.isoformat() if rule.until else None,
            "created": kept.created.timestamp(),
            "run": kept.run,
            "fingerprint": kept.fingerprint,
            "withdrawn_by": "",
            "withdrawn_why": "",
        }
        write(self._engine, lambda given: insert_new(given, noise_rules, [values]))

    def withdraw_rule(self, identity: str, withdrawal: Withdrawal) -> None:
        """Set a tombstone; the first one stays. An unknown id: nothing happens."""
        unwithdrawn = update(noise_rules).where(noise_rules.c.id == identity, noise_rules.c.withdrawn.is_(None))
        values = {
            "withdrawn": withdrawal.created.timestamp(),
            "withdrawn_by": withdrawal.author,
            "withdrawn_why": withdrawal.reason,
        }
        write(self._engine, lambda given: given.execute(unwithdrawn.values(values)))

    def kept_rules(self) -> tuple[KeptRule, ...]:
        """Every rule that was ever kept, the oldest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(noise_rules).order_by(noise_rules.c.number)).all()
        return tuple(_kept(row) for row in rows)


def _kept(row: Any) -> KeptRule:
    rule = NoiseRule(
        route=row.route,
        path=row.path,
        part=Part(row.part) if row.part else None,
        kind=row.kind,
        reason=row.reason,
        until=date.fromisoformat(row.until) if row.until else None,
        author=row.author,
    )
    gone = None
    if row.withdrawn is not None:
        gone = Withdrawal(row.withdrawn_by, _moment(row.withdrawn), row.withdrawn_why)
    return KeptRule(row.id, rule, _moment(row.created), row.run, row.fingerprint, gone)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), UTC)
