"""The page of all recordings."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response

from replayer.accounts import Role

from ..access import needs
from ..pages import page
from .runs import review_of

router = APIRouter(include_in_schema=False)


@router.get("/recordings")
@needs(Role.VIEWER)
def recordings(request: Request) -> Response:
    return page(request, "recordings.html.j2", recordings=review_of(request).recordings(), now=time.time())
