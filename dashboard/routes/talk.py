"""What people say to each other of a finding, and who looks after it."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from diffing.grouping import Finding
from replayer.accounts import Role

from ..access import form_of, needs, person_of
from .runs import review_of, talk_of

router = APIRouter(include_in_schema=False)


@router.post("/runs/{run}/findings/{fingerprint}/comments")
@needs(Role.REVIEWER)
async def comment(request: Request, run: str, fingerprint: str) -> Response:
    """Say something of a finding."""
    form = await form_of(request)
    return await run_in_threadpool(_commented, request, run, fingerprint, form.get("text", ""), form.get("q", ""))


@router.post("/runs/{run}/findings/{fingerprint}/comments/{identity}/resolve")
@needs(Role.REVIEWER)
async def resolve(request: Request, run: str, fingerprint: str, identity: str) -> Response:
    """Say that a comment is dealt with."""
    form = await form_of(request)
    await run_in_threadpool(talk_of(request).resolve, identity, person_of(request).name)
    return _back(run, fingerprint, form.get("q", ""))


@router.post("/runs/{run}/findings/{fingerprint}/assignee")
@needs(Role.REVIEWER)
async def assign(request: Request, run: str, fingerprint: str) -> Response:
    """Say who looks after a finding."""
    form = await form_of(request)
    return await run_in_threadpool(_assigned, request, run, fingerprint, form.get("assignee", ""), form.get("q", ""))


def finding_of(request: Request, run: str, fingerprint: str) -> tuple[str, Finding]:
    """The whole id of a run, and a finding of it."""
    review = review_of(request)
    info = review.run(run)
    return info.id, review.finding(review.report(info.id), fingerprint)


def _commented(request: Request, run: str, fingerprint: str, text: str, q: str) -> Response:
    run, finding = finding_of(request, run, fingerprint)
    talk_of(request).comment(run, finding, text, person_of(request).name)
    return _back(run, fingerprint, q)


def _assigned(request: Request, run: str, fingerprint: str, assignee: str, q: str) -> Response:
    run, finding = finding_of(request, run, fingerprint)
    talk_of(request).assign(finding, assignee, person_of(request).name)
    return _back(run, fingerprint, q)


def _back(run: str, fingerprint: str, q: str) -> Response:
    query = f"?{urlencode({'q': q})}" if q else ""
    return RedirectResponse(f"/runs/{quote(run)}/findings/{quote(fingerprint)}{query}#talk", 303)
