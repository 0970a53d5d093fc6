"""Pages of noise rules: all that there are."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from replayer.accounts import Role
from replayer.rule_desk import RuleDesk

from ..access import needs
from ..pages import page

router = APIRouter(include_in_schema=False)


def desk_of(request: Request) -> RuleDesk:
    found: RuleDesk = request.app.state.rules()
    return found


@router.get("/rules")
@needs(Role.VIEWER)
def rules(request: Request) -> Response:
    return page(request, "rules.html.j2", rules=desk_of(request).rules())
