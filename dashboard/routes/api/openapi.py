"""The description of the API, for whoever may use a part of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from replayer.accounts import Role
from replayer.tokens import TokenScope

from ...access import COOKIE, needs
from .asking import PREFIX, problems

router = APIRouter(prefix=PREFIX, tags=["openapi"])

SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "Made by `understudy tokens add`."},
    "login": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "What changes something needs X-CSRF-Token, too: `csrf` of /api/v1/me.",
    },
}


@router.get("/openapi.json", responses={200: {"model": dict[str, Any]}, **problems()}, response_class=JSONResponse)
@needs(Role.VIEWER, *TokenScope)
def description(request: Request) -> JSONResponse:
    """This description, in OpenAPI 3.1."""
    return JSONResponse(described(request.app))


def described(app: Any) -> dict[str, Any]:
    """The API of an application in OpenAPI 3.1: of its routes, those that are not kept out of it."""
    whole: dict[str, Any] = app.openapi()
    components = {**whole.get("components", {}), "securitySchemes": SCHEMES}
    return {**whole, "components": components, "security": [{name: []} for name in SCHEMES]}
