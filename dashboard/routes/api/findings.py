"""Findings of a run, and what is decided on them."""

from __future__ import annotations

import base64
from codecs import getincrementaldecoder
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from diffing.approvals import Decision as Choice
from diffing.approvals import Scope
from diffing.grouping import Finding as Found
from recorder.exchange import Body, Exchange, OutboundCall, RecordedResponse
from replayer.accounts import Role
from replayer.review import Exemplar as Example
from replayer.review import RunReport, Verdict, finding_document
from replayer.review import Sighting as Seen
from replayer.rule_desk import RuleDesk
from replayer.store import CommentRecord, StoredAnswer
from replayer.talk import Mentions
from replayer.tokens import TokenScope

from ...access import needs, person_of
from ...filters import narrowed, parse, states_of
from ..findings import raw_body
from ..runs import talk_of
from . import models
from .asking import PREFIX, Cursor, Key, Limit, body_of, finding_of, part_of, problems, review_of, run_of, takes
from .decisions import shown as decision_shown
from .models import (
    Content,
    Exemplar,
    Finding,
    FindingInFull,
    Fingerprint,
    NewDecision,
    Page,
    RunId,
    TargetAnswer,
)
from .run_models import Sighting

router = APIRouter(prefix=f"{PREFIX}/runs/{{run}}/findings", tags=["findings"])

MAX_CONTENT = 64 * 1024
"""Bytes that are shown of a body."""


@router.get("", response_model=Page[Finding], responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def findings(
    request: Request,
    run: RunId,
    q: Annotated[
        str, Query(max_length=1000, description="The filter of the page: `severity:breaking !state:approved`.")
    ] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[Finding]:
    """The findings of a finished run: those of tagged routes first, of these and the others the gravest."""
    review = review_of(request)
    report = review.report(run_of(review, run).id)
    part, after = part_of(_narrowed(request, report, q), _place, cursor, limit)
    return Page[Finding](items=[shown(report, each) for each in part], next=after)


@router.get("/{fingerprint}", response_model=FindingInFull, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def finding(request: Request, run: RunId, fingerprint: Fingerprint) -> FindingInFull:
    """One finding with its exemplars: the recorded request, and what both sides answered."""
    review = review_of(request)
    info = run_of(review, run)
    report = review.report(info.id)
    found = review.finding(report, fingerprint)
    exemplars = [_exemplar(review.exemplar(info, each)) for each in found.exemplars]
    talked = talk_of(request).all()
    comments = [comment_of(each, talked.mentions) for each in talked.comments_on(found)]
    talk = {"assignee": talked.assignee(found) or None, "comments": comments}
    rules: RuleDesk = request.app.state.rules()
    hidden_by = [each.rule.name for each in rules.hiding(found)]
    return FindingInFull(**{**dict(shown(report, found)), "exemplars": exemplars, "hidden_by": hidden_by, **talk})


@router.get("/{fingerprint}/history", response_model=Page[Sighting], responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def history(request: Request, run: RunId, fingerprint: Fingerprint) -> Page[Sighting]:
    """In which of the latest 20 finished runs of the recording the finding shows, the newest first."""
    review = review_of(request)
    info = run_of(review, run)
    found = review.finding(review.report(info.id), fingerprint)
    return Page[Sighting](items=[_sighting(each) for each in review.sightings(info, found)], next=None)


@router.get(
    "/{fingerprint}/raw",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}, "description": "As a file."},
        **problems(404),
    },
)
@needs(Role.ADMIN, TokenScope.RUNS)
def raw(
    request: Request,
    run: RunId,
    fingerprint: Fingerprint,
    side: Literal["request", "baseline", "candidate"],
    exemplar: Annotated[int, Query(ge=0, description="Its number, from 0.")] = 0,
) -> Response:
    """A body of an exemplar as it is kept, byte by byte. That it was read goes on record."""
    review = review_of(request)
    info = run_of(review, run)
    return raw_body(request, info, review.finding(review.report(info.id), fingerprint), side, exemplar)


@router.post(
    "/{fingerprint}/decisions",
    status_code=201,
    response_model=models.Decision,
    responses={
        200: {"model": models.Decision, "description": "The same was decided before."},
        **problems(404, 409, 413, 415),
    },
    openapi_extra=takes(NewDecision),
)
@needs(Role.REVIEWER, TokenScope.DECIDE)
def decide(
    request: Request,
    response: Response,
    run: RunId,
    fingerprint: Fingerprint,
    given: Annotated[NewDecision, Depends(body_of(NewDecision))],
) -> models.Decision:
    """Decide on a finding, in the name of who asks. A gate that waits hears of it."""
    review = review_of(request)
    info = run_of(review, run)
    finding_of(review, info, fingerprint)
    kept = review.decide(info.id, fingerprint, verdict_of(given), person_of(request).name)
    if not kept.homes:
        response.status_code = 200
    return decision_shown(review, kept.approval.id)


def verdict_of(given: NewDecision) -> Verdict:
    """What somebody wants to decide. What is put down to the environment is of its run."""
    decision = Choice(given.decision)
    default = Scope.RUN if decision is Choice.ENVIRONMENT else Scope.ALWAYS
    return Verdict(decision, given.reason, Scope(given.scope) if given.scope else default, given.until)


def _narrowed(request: Request, report: RunReport, q: str) -> list[Found]:
    return narrowed(report, report.findings, parse(q, person_of(request).name), talk_of(request).all())


def _place(found: Found) -> Key:
    return int(not found.tags), found.severity.rank, found.fingerprint


def comment_of(comment: CommentRecord, mentions: Mentions) -> models.Comment:
    """A comment of the store."""
    return models.Comment(
        id=comment.id,
        by=comment.author,
        text=comment.text,
        mentions=list(mentions.of(comment.text)),
        run=comment.run,
        created_at=models.moment(comment.created),
        resolved_by=comment.resolved_by or None,
        resolved_at=models.moment(comment.resolved),
    )


def shown(report: RunReport, found: Found) -> Finding:
    """A finding of this report."""
    return Finding(**{**finding_document(report, found), "states": states_of(report, found)})


def _sighting(each: Seen) -> Sighting:
    there = {"severity": each.severity, "state": each.state, "count": each.count, "out_of": each.out_of}
    shows = {"fingerprint": each.fingerprint, **there} if each.fingerprint else {}
    return Sighting.model_validate(
        {"run": each.run.id, "compared": each.compared, "alone": each.alone or None, **shows}
    )


def _exemplar(example: Example) -> Exemplar:
    return Exemplar(
        exchange=example.exchange_id,
        request=_request(example.recorded) if example.recorded else None,
        baseline=_answer(example.baseline),
        candidate=_answer(example.candidate),
    )


def _request(exchange: Exchange) -> models.Request:
    request = exchange.request
    return models.Request(
        method=request.method, target=request.target, headers=list(request.headers), body=_content(request.body)
    )


def _answer(answer: StoredAnswer | None) -> TargetAnswer | None:
    if answer is None:
        return None
    observed = answer.observed
    return TargetAnswer(
        response=_response(answer.response) if answer.response else None,
        failure=answer.failure,
        seconds=answer.ended - answer.started if answer.ended else None,
        sql=[models.Statement.model_validate(each) for each in observed.sql] if observed and observed.sql else None,
        outbound=[_call(each) for each in observed.outbound] if observed and observed.outbound else None,
    )


def _call(call: OutboundCall) -> models.Call:
    request, response = call.request, call.response
    return models.Call(
        method=request.method,
        target=request.target,
        body=_content(request.body),
        outcome=call.outcome.value,
        status=response.status if response else None,
    )


def _response(response: RecordedResponse) -> models.Response:
    return models.Response(
        status=response.status, reason=response.reason, headers=list(response.headers), body=_content(response.body)
    )


def _content(body: Body) -> Content:
    data = body.data[:MAX_CONTENT]
    cut = len(data) < len(body.data) or not body.complete
    try:
        text = getincrementaldecoder("utf-8")().decode(data, final=not cut)  # what is cut may end within a character
    except UnicodeDecodeError:
        return Content(text=None, base64=base64.b64encode(data).decode(), size=body.size, cut=cut)
    return Content(text=text, base64=None, size=body.size, cut=cut)
