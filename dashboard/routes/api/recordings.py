"""Recordings: all of them, and one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from replayer.accounts import Role
from replayer.store import RecordingInfo
from replayer.tokens import TokenScope

from ...access import needs
from .asking import PREFIX, Cursor, Limit, part_of, problems, review_of
from .models import Page, RecordedRoute, Recording, RecordingInFull, moment

router = APIRouter(prefix=f"{PREFIX}/recordings", tags=["recordings"])


@router.get("", response_model=Page[Recording], responses=problems())
@needs(Role.VIEWER, TokenScope.READ)
def recordings(request: Request, cursor: Cursor = "", limit: Limit = 50) -> Page[Recording]:
    """All recordings, the newest first."""
    part, after = part_of(review_of(request).recordings(), lambda info: (-info.id,), cursor, limit)
    return Page[Recording](items=[shown(info) for info in part], next=after)


@router.get("/{recording}", response_model=RecordingInFull, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def recording(request: Request, recording: Annotated[int, Path(ge=1, lt=2**31)]) -> RecordingInFull:
    """One recording: its routes, and what of it is missing."""
    found = review_of(request).recording(recording)
    return RecordingInFull(
        **dict(shown(found.info)),
        missing=found.gaps.missing,
        lost=found.gaps.lost,
        damaged=found.damaged,
        routes=[RecordedRoute.model_validate(each) for each in found.routes],
    )


def shown(info: RecordingInfo) -> Recording:
    return Recording(
        id=info.id,
        name=info.name,
        service=info.service,
        release=info.release,
        source=info.source,
        exchanges=info.exchanges,
        created_at=moment(info.created),
        closed_at=moment(info.closed),
        begins_at=moment(info.first),
        ends_at=moment(info.last),
    )
