"""Who asks."""

from __future__ import annotations

from fastapi import APIRouter, Request

from replayer.accounts import Role
from replayer.tokens import TokenScope

from ...access import bearer_of, needs, person_of
from .asking import PREFIX, problems
from .models import Me, TokenInfo

router = APIRouter(prefix=PREFIX, tags=["me"])


@router.get("/me", response_model=Me, responses=problems())
@needs(Role.VIEWER, *TokenScope)
def who_am_i(request: Request) -> Me:
    """Who is logged in, or which token was shown and what it may do now."""
    person, bearer = person_of(request), bearer_of(request)
    token = None
    if bearer is not None:
        token = TokenInfo(name=bearer.token, scopes=sorted(scope.value for scope in bearer.scopes))
    csrf = getattr(request.state, "csrf", None)
    return Me(name=person.name, role=person.role.value, token=token, csrf=csrf)
