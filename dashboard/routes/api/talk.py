"""What people say to each other of a finding, and who looks after it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from diffing.grouping import Finding
from replayer.accounts import Role
from replayer.talk import LONGEST
from replayer.tokens import TokenScope

from ...access import needs, person_of
from ...errors import ApiError
from ..runs import talk_of
from .asking import PREFIX, body_of, finding_of, problems, review_of, run_of, takes
from .findings import comment_of
from .models import Comment, Fingerprint, Model, RunId, Text

router = APIRouter(prefix=PREFIX, tags=["findings"])

CommentId = Annotated[str, Path(max_length=200, description="Of a comment.")]


class NewComment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=LONGEST)]


class Assignee(Model):
    """Who looks after a finding."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    assignee: Annotated[Text | None, Field(description="The name of a user; null for nobody.")]


@router.post(
    "/runs/{run}/findings/{fingerprint}/comments",
    status_code=201,
    response_model=Comment,
    responses=problems(404, 409, 413, 415),
    openapi_extra=takes(NewComment),
)
@needs(Role.REVIEWER, TokenScope.DECIDE)
def comment(
    request: Request,
    run: RunId,
    fingerprint: Fingerprint,
    given: Annotated[NewComment, Depends(body_of(NewComment))],
) -> Comment:
    """Say something of a finding. On a tagged route nothing is approved until it is resolved."""
    run, finding = _finding(request, run, fingerprint)
    talk = talk_of(request)
    return comment_of(talk.comment(run, finding, given.text, person_of(request).name), talk.mentions())


@router.post("/comments/{comment}/resolve", response_model=Comment, responses=problems(404, 409))
@needs(Role.REVIEWER, TokenScope.DECIDE)
def resolve(request: Request, comment: CommentId) -> Comment:
    """Say that a comment is dealt with. It stays on record."""
    talk = talk_of(request)
    if not any(each.id == comment for said in talk.all().comments.values() for each in said):
        raise ApiError(404, "not_found", f"There is no comment {comment!r}.")
    return comment_of(talk.resolve(comment, person_of(request).name), talk.mentions())


@router.post(
    "/runs/{run}/findings/{fingerprint}/assignee",
    response_model=Assignee,
    responses=problems(404, 409, 413, 415),
    openapi_extra=takes(Assignee),
)
@needs(Role.REVIEWER, TokenScope.DECIDE)
def assign(
    request: Request, run: RunId, fingerprint: Fingerprint, given: Annotated[Assignee, Depends(body_of(Assignee))]
) -> Assignee:
    """Say who looks after a finding from now on."""
    _, finding = _finding(request, run, fingerprint)
    talk = talk_of(request)
    talk.assign(finding, given.assignee or "", person_of(request).name)
    return Assignee(assignee=talk.all().assignee(finding) or None)


def _finding(request: Request, run: str, fingerprint: str) -> tuple[str, Finding]:
    """The whole id of a run, and a finding of it. Raises ApiError."""
    review = review_of(request)
    info = run_of(review, run)
    return info.id, finding_of(review, info, fingerprint)
