"""The few files that pages load."""

from __future__ import annotations

from fastapi import APIRouter, Response

from ..access import anyone
from ..errors import ApiError
from ..pages import STATIC, asset

router = APIRouter(include_in_schema=False)


@router.get("/static/{name}")
@anyone
def static(name: str) -> Response:
    if name not in STATIC:
        raise ApiError(404, "not_found", "There is no such file.")
    return Response(
        asset(name), media_type=STATIC[name], headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )
