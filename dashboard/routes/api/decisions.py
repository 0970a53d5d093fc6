"""Everything that was decided, and taking a decision back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from diffing.approvals import Approval
from replayer.accounts import Role
from replayer.review import Review
from replayer.tokens import TokenScope

from ...access import needs, person_of
from ...errors import ApiError
from .asking import PREFIX, Cursor, Limit, body_of, part_of, problems, review_of, takes
from .models import Decision, Location, NewWithdrawal, Page, Withdrawal

router = APIRouter(prefix=f"{PREFIX}/decisions", tags=["decisions"])

Identity = Annotated[str, Path(max_length=200, description="Of a decision.")]


@router.get("", response_model=Page[Decision], responses=problems())
@needs(Role.VIEWER, TokenScope.READ)
def decisions(request: Request, cursor: Cursor = "", limit: Limit = 50) -> Page[Decision]:
    """Everything that was ever decided, the newest first, what was taken back included."""
    part, after = part_of(
        review_of(request).decisions(), lambda row: (-row[0].created.timestamp(), row[0].id), cursor, limit
    )
    return Page[Decision](items=[of(*row) for row in part], next=after)


@router.get(
    "/understudy.approvals.toml",
    response_class=Response,
    responses={
        200: {"content": {"application/toml": {"schema": {"type": "string"}}}, "description": "A file."},
        **problems(),
    },
)
@needs(Role.VIEWER, TokenScope.READ)
def file(request: Request) -> Response:
    """What only the database has of decisions that hold, as the file of a repository: but for those of one run."""
    headers = {"Content-Disposition": 'attachment; filename="understudy.approvals.toml"'}
    return Response(review_of(request).decisions_file(), media_type="application/toml", headers=headers)


@router.get("/{identity}", response_model=Decision, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def decision(request: Request, identity: Identity) -> Decision:
    """One decision, and what it is worth today."""
    return shown(review_of(request), identity)


@router.post(
    "/{identity}/withdraw",
    response_model=Decision,
    responses=problems(404, 409, 413, 415),
    openapi_extra=takes(NewWithdrawal),
)
@needs(Role.REVIEWER, TokenScope.DECIDE)
def withdraw(
    request: Request, identity: Identity, given: Annotated[NewWithdrawal, Depends(body_of(NewWithdrawal))]
) -> Decision:
    """Take a decision back. It stays on record."""
    review = review_of(request)
    shown(review, identity)
    review.withdraw(identity, person_of(request).name, given.reason)
    return shown(review, identity)


def shown(review: Review, identity: str) -> Decision:
    """The decision of this id. Raises ApiError."""
    found = next((row for row in review.decisions() if row[0].id == identity), None)
    if found is None:
        raise ApiError(404, "not_found", f"There is no decision {identity!r}.")
    return of(*found)


def of(approval: Approval, state: str) -> Decision:
    """A decision, and what it is worth."""
    subject, gone = approval.subject, approval.withdrawn
    return Decision.model_validate(
        {
            "id": approval.id,
            "decision": approval.decision.value,
            "state": state,
            "fingerprint": approval.fingerprint,
            "members": list(approval.members),
            "by": approval.author,
            "reason": approval.reason,
            "scope": approval.scope.value,
            "of": approval.of,
            "until": approval.until,
            "created_at": approval.created,
            "method": subject.method,
            "route": subject.route,
            "location": Location.model_validate({"part": subject.location.part.value, "path": subject.location.path}),
            "kind": subject.kind,
            "transition": subject.transition,
            "severity": subject.severity.value,
            "run": approval.run,
            "filed": approval.filed,
            "withdrawn": Withdrawal(by=gone.author, at=gone.created, reason=gone.reason) if gone else None,
        }
    )
