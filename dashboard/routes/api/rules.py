"""Noise rules: all that there are."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from replayer.accounts import Role
from replayer.rule_desk import RuleDesk, RuleRow, history_document
from replayer.tokens import TokenScope

from ...access import needs
from .asking import PREFIX, Cursor, Limit, part_of, problems
from .rule_models import Rule, Rules

router = APIRouter(prefix=f"{PREFIX}/rules", tags=["rules"])


def desk_of(request: Request) -> RuleDesk:
    found: RuleDesk = request.app.state.rules()
    return found


@router.get("", response_model=Rules, responses=problems())
@needs(Role.VIEWER, TokenScope.READ)
def rules(request: Request, cursor: Cursor = "", limit: Limit = 50) -> Rules:
    """Every noise rule beside the latest runs: what it hid, and what is wrong with it."""
    found = desk_of(request).rules()
    part, after = part_of(found.rows, _key, cursor, limit)
    shown = [_shown(row) for row in part]
    return Rules(items=shown, next=after, runs=found.runs, not_judged=list(found.caveats))


def _key(row: RuleRow) -> tuple[str, ...]:
    return row.rule.name, row.rule.part.value if row.rule.part else "", str(row.rule.until)


def _shown(row: RuleRow) -> Rule:
    told: dict[str, Any] = history_document(row.history)
    return Rule.model_validate({**told, "remarks": row.remarks})
