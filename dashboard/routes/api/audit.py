"""Everything that was done, and by whom."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from replayer.accounts import Role
from replayer.audit import to_csv, to_json
from replayer.tokens import TokenScope

from ...access import needs
from ..audit import events_for
from .asking import PREFIX, Cursor, Limit, part_of, problems
from .models import Model, Page, Text

router = APIRouter(prefix=f"{PREFIX}/audit", tags=["audit"])


class AuditEvent(Model):
    """One thing that somebody did. Logins, users and tokens are told to admins, and to tokens with the scope `runs`."""

    id: str
    at: datetime
    actor: Text
    action: str = Field(description="A noun and what was done to it: `decision.made`, `user.changed`.")
    subject: Text
    before: Text
    after: Text
    reason: Text


@router.get("", response_model=Page[AuditEvent], responses=problems())
@needs(Role.VIEWER, TokenScope.READ)
def audit(request: Request, cursor: Cursor = "", limit: Limit = 50) -> Page[AuditEvent]:
    """Everything that was done, the newest first."""
    part, after = part_of(events_for(request), lambda each: (-each.at.timestamp(), each.id), cursor, limit)
    return Page[AuditEvent](items=[AuditEvent.model_validate(each) for each in part], next=after)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "array", "items": AuditEvent.model_json_schema()}},
            },
            "description": "All of it as a file: a line for each event, or a JSON array.",
        },
        **problems(),
    },
)
@needs(Role.VIEWER, TokenScope.READ)
def export(
    request: Request, format: Annotated[Literal["csv", "json"], Query(description="Of the file.")] = "csv"
) -> StreamingResponse:
    """Everything that was done, as a file."""
    found = events_for(request)
    lines, kind = (
        (to_csv(found), "text/csv; charset=utf-8") if format == "csv" else (to_json(found), "application/json")
    )
    headers = {"Content-Disposition": f'attachment; filename="understudy-audit.{format}"'}
    return StreamingResponse(lines, media_type=kind, headers=headers)
