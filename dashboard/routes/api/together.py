"""One decision on several findings at once, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from replayer.accounts import Role
from replayer.review import MOST_AT_ONCE, Review
from replayer.tokens import TokenScope

from ...access import needs, person_of
from ...errors import ApiError
from .asking import PREFIX, body_of, problems, review_of, run_of, takes
from .decisions import of
from .findings import verdict_of
from .models import Decision, Model, NewDecision, NewWithdrawal, RunId

router = APIRouter(prefix=PREFIX, tags=["decisions"])

Group = Annotated[str, Path(max_length=200, description="Of a decision on several findings.")]


class NewDecisions(NewDecision):
    fingerprints: Annotated[
        list[Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")]],
        Field(min_length=1, max_length=MOST_AT_ONCE, description="Of findings of the run, each in full."),
    ]


class Decisions(Model):
    """One decision on several findings. Its `group` takes back what is new of it."""

    group: str
    items: list[Decision]


@router.post(
    "/runs/{run}/decisions",
    status_code=201,
    response_model=Decisions,
    responses=problems(404, 409, 413, 415),
    openapi_extra=takes(NewDecisions),
)
@needs(Role.REVIEWER, TokenScope.DECIDE)
def decide_all(
    request: Request, run: RunId, given: Annotated[NewDecisions, Depends(body_of(NewDecisions))]
) -> Decisions:
    """Decide on several findings at once, with one reason: on all of them, or on none."""
    review = review_of(request)
    info = run_of(review, run)
    group, kept = review.decide_all(info.id, given.fingerprints, verdict_of(given), person_of(request).name)
    return shown(review, group, [each.approval.id for each in kept])


@router.post(
    "/decisions/groups/{group}/withdraw",
    response_model=Decisions,
    responses=problems(404, 409, 413, 415),
    openapi_extra=takes(NewWithdrawal),
)
@needs(Role.REVIEWER, TokenScope.DECIDE)
def withdraw_all(
    request: Request, group: Group, given: Annotated[NewWithdrawal, Depends(body_of(NewWithdrawal))]
) -> Decisions:
    """Take back what was decided on several findings at once, as far as it stands."""
    review = review_of(request)
    if not any(each.id.startswith(f"{group}-") for each, _ in review.decisions()):
        raise ApiError(404, "not_found", f"There is no decision on several findings {group!r}.")
    return shown(review, group, [each.id for each in review.withdraw_all(group, person_of(request).name, given.reason)])


def shown(review: Review, group: str, identities: Sequence[str]) -> Decisions:
    """Decisions on several findings, in this order."""
    known = {each.id: (each, state) for each, state in review.decisions()}
    return Decisions(group=group, items=[of(*known[identity]) for identity in identities])
