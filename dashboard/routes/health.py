"""Whether the server is alive, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter, Request

from ..access import anyone

router = APIRouter(include_in_schema=False)


@router.get("/health")
@anyone
def health() -> dict[str, str]:
    """That the process answers. It says nothing of the database, whose failure a restart would not cure."""
    return {"status": "ok"}


@router.get("/ready")
@anyone
def ready(request: Request) -> dict[str, str]:
    """That the database answers, too; 503 when it does not."""
    request.app.state.receiver.check()
    return {"status": "ok", "database": "ok"}
