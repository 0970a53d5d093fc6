"""The page of the settings in force."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from replayer.accounts import Role
from replayer.settings_shown import shown_settings

from ..access import needs
from ..pages import page

router = APIRouter(include_in_schema=False)


@router.get("/settings")
@needs(Role.ADMIN)
def settings(request: Request) -> Response:
    state = request.app.state
    return page(request, "settings.html.j2", shown=shown_settings(state.settings, state.store()))
