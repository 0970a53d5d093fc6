"""The page of everything that was done, and by whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from replayer.accounts import Role
from replayer.audit import Event, events

from ..access import may, needs
from ..pages import page
from .runs import PAGE

router = APIRouter(include_in_schema=False)


def events_for(request: Request) -> list[Event]:
    """What whoever asks may know of, the newest first: who logged in and may do what is for admins."""
    state = request.app.state
    return events(state.store(), state.settings, accounts=may(request, Role.ADMIN))


@router.get("/audit")
@needs(Role.VIEWER)
def audit(request: Request, first: Annotated[int, Query(ge=0)] = 0) -> Response:
    found = events_for(request)
    return page(request, "audit.html.j2", events=found[first : first + PAGE], first=first, count=len(found), size=PAGE)
