"""Pages of one finding, and what people decide there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Annotated, Literal, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from diffing.approvals import Decision, Scope, key_of
from diffing.difference import Part
from diffing.grouping import Finding
from replayer.accounts import Role
from replayer.review import (
    Exemplar,
    RunReport,
    Section,
    Verdict,
    came_of,
    curl_of,
    finding_markdown,
    places_of,
    remarks,
    sections,
    side_by_side,
    text_of,
)
from replayer.service import UsageError
from replayer.store import RunInfo

from ..access import fields_of, form_of, needs, person_of
from ..errors import ApiError
from ..filters import narrowed, parse, states_of
from ..pages import page
from .rules import desk_of
from .runs import PAGE, ordered, review_of, talk_of

router = APIRouter(include_in_schema=False)

Choice = TypeVar("Choice", bound=Enum)


@router.get("/runs/{run}/findings/{fingerprint}")
@needs(Role.VIEWER)
def finding(
    request: Request,
    run: str,
    fingerprint: str,
    q: str = "",
    exemplar: Annotated[int, Query(ge=0)] = 0,
    whole: bool = False,
    view: Literal["split", "unified"] = "split",
    decided: str = "",
) -> Response:
    review = review_of(request)
    info = review.run(run)
    report = review.report(info.id)
    found = review.finding(report, fingerprint)
    me, talk = person_of(request).name, talk_of(request)
    talked = talk.all()
    shown = narrowed(report, ordered(report), parse(q, me), talked)
    place = next((n for n, each in enumerate(shown) if each.fingerprint == fingerprint), -1)
    number = min(exemplar, len(found.exemplars) - 1)
    example = review.exemplar(info, found.exemplars[number]) if found.exemplars else None
    return page(
        request,
        "finding.html.j2",
        run=info,
        report=report,
        finding=found,
        standing=report.standing(found),
        states=states_of(report, found),
        remarks=[*remarks(report, found), *(each.sentence for each in desk_of(request).hiding(found))],
        values=side_by_side(found),
        example=example,
        number=number,
        sent=text_of(example.recorded.request.body.data) if example and example.recorded else "",
        sections=_sections(report, found, example, whole) if example else [],
        whole=whole,
        view=view,
        curl=curl_of(example.recorded) if example else "",
        markdown="\n".join(finding_markdown(report, found)),
        history=review.decisions_on(found),
        retrials=review.retrials(info, found),
        came_of=came_of,
        comments=talked.comments_on(found),
        mentions=talked.mentions,
        assignee=talked.assignee(found),
        me=key_of(me),
        needed=review.reviewers(found),
        people=sorted({*talk.people(), me, talked.assignee(found)} - {""}),
        before=shown[place - 1] if place > 0 else None,
        after=shown[place + 1] if 0 <= place < len(shown) - 1 else None,
        place=place,
        found=len(shown),
        q=q,
        decided=decided,
        scopes=[scope.value for scope in Scope],
    )


@router.post("/runs/{run}/findings/{fingerprint}")
@needs(Role.REVIEWER)
async def decide(request: Request, run: str, fingerprint: str) -> Response:
    """Keep a decision, and go on to the next finding that nobody has decided on."""
    form = await form_of(request)
    return await run_in_threadpool(_decided, request, run, fingerprint, verdict_of(form), _kept(form))


@router.post("/runs/{run}/decisions")
@needs(Role.REVIEWER)
async def decide_all(request: Request, run: str) -> Response:
    """Keep one decision on all findings that are checked, and show what is left."""
    form = await form_of(request)
    chosen = [value for name, value in await fields_of(request) if name == "fingerprint"]
    return await run_in_threadpool(_all_decided, request, run, chosen, verdict_of(form), form.get("q", ""))


@router.post("/decisions/groups/{group}/withdraw")
@needs(Role.REVIEWER)
async def withdraw_all(request: Request, group: str) -> Response:
    """Take back what was decided on several findings at once."""
    form = await form_of(request)
    author = person_of(request).name
    await run_in_threadpool(review_of(request).withdraw_all, group, author, form.get("reason", ""))
    return _back(form)


@router.post("/decisions/{identity}/withdraw")
@needs(Role.REVIEWER)
async def withdraw(request: Request, identity: str) -> Response:
    """Take a decision back."""
    form = await form_of(request)
    author = person_of(request).name
    await run_in_threadpool(review_of(request).withdraw, identity, author, form.get("reason", ""))
    return _back(form)


@router.get("/decisions")
@needs(Role.VIEWER)
def decisions(request: Request, first: Annotated[int, Query(ge=0)] = 0) -> Response:
    found = review_of(request).decisions()
    part = found[first : first + PAGE]
    return page(request, "decisions.html.j2", decisions=part, first=first, count=len(found), size=PAGE)


def _back(form: Mapping[str, str]) -> Response:
    back = form.get("back", "")
    return RedirectResponse(back if back.startswith("/runs/") and back.isascii() else "/decisions", 303)


def _all_decided(request: Request, run: str, chosen: Sequence[str], verdict: Verdict, q: str) -> Response:
    review = review_of(request)
    info = review.run(run)
    group, kept = review.decide_all(info.id, chosen, verdict, person_of(request).name)
    told = {"group": group} if any(each.homes for each in kept) else {}
    query = urlencode({**({"q": q} if q else {}), **told})
    return RedirectResponse(f"/runs/{quote(info.id)}" + (f"?{query}" if query else ""), 303)


@router.get("/runs/{run}/findings/{fingerprint}/history")
@needs(Role.VIEWER)
def history(request: Request, run: str, fingerprint: str) -> Response:
    """In which runs of the recording the finding shows."""
    review = review_of(request)
    info = review.run(run)
    found = review.finding(review.report(info.id), fingerprint)
    return page(request, "history.html.j2", run=info, finding=found, sightings=review.sightings(info, found))


@router.get("/runs/{run}/findings/{fingerprint}/raw")
@needs(Role.ADMIN)
def raw(
    request: Request,
    run: str,
    fingerprint: str,
    side: Literal["request", "baseline", "candidate"],
    exemplar: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """A body as it is kept, byte by byte, as a file; that it was read goes on record."""
    review = review_of(request)
    info = review.run(run)
    return raw_body(request, info, review.finding(review.report(info.id), fingerprint), side, exemplar)


def raw_body(request: Request, run: RunInfo, found: Finding, side: str, exemplar: int) -> Response:
    """The body of one side of a finding's exemplar, as an attachment that no browser shows."""
    if exemplar >= len(found.exemplars):
        raise UsageError(f"The finding {found.fingerprint} has {len(found.exemplars)} exemplars.")
    exchange = found.exemplars[exemplar]
    data = review_of(request).raw_body(run, exchange, side, person_of(request).name)
    name = f"{found.fingerprint}-{exemplar}-{side}.bin"
    return Response(
        data,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _sections(report: RunReport, found: Finding, example: Exemplar, whole: bool) -> list[Section]:
    """Both answers, part by part: the part that the finding is of comes first."""
    places = places_of(report.findings, found.method, found.route)
    part = Part.HEADER if found.location.part is Part.STATUS else found.location.part
    return sorted(sections(example.baseline, example.candidate, places, whole), key=lambda each: each.part is not part)


def verdict_of(form: Mapping[str, str]) -> Verdict:
    """What a form says of a finding. What is put down to the environment is of its run, whatever else is chosen."""
    decision = _one_of(Decision, form.get("decision", ""), "decision")
    if decision is Decision.ENVIRONMENT:
        return Verdict(decision, form.get("reason", ""), Scope.RUN)
    scope = _one_of(Scope, form.get("scope", Scope.ALWAYS.value), "scope")
    return Verdict(decision, form.get("reason", ""), scope, _day(form.get("until", "")))


def _kept(form: Mapping[str, str]) -> dict[str, str]:
    """What the next page is to be like: its filter and its view."""
    asked = {"q": form.get("q", ""), "view": form.get("view", "")}
    return {name: value for name, value in asked.items() if value and (name != "view" or value == "unified")}


def _decided(request: Request, run: str, fingerprint: str, verdict: Verdict, asked: Mapping[str, str]) -> Response:
    review = review_of(request)
    info = review.run(run)
    review.finding(review.report(info.id), fingerprint)
    kept = review.decide(info.id, fingerprint, verdict, person_of(request).name)
    following = _following(request, review.report(info.id), fingerprint, asked.get("q", ""))
    query = urlencode({**asked, "decided": kept.approval.id})
    back = f"/runs/{quote(info.id)}/findings/{quote(following.fingerprint)}" if following else f"/runs/{quote(info.id)}"
    return RedirectResponse(f"{back}?{query}", 303)


def _following(request: Request, report: RunReport, fingerprint: str, q: str) -> Finding | None:
    """The next finding without a decision, of those that the filter shows: none that waits for somebody else."""
    me = person_of(request).name
    shown = narrowed(report, ordered(report), parse(q, me), talk_of(request).all())
    left = [
        each
        for each in shown
        if "undecided" in states_of(report, each)
        and each.fingerprint != fingerprint
        and key_of(me) not in report.standing(each).people
    ]
    return left[0] if left else None


def _one_of(kind: type[Choice], value: str, field: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise ApiError(422, "invalid", f"{field}: {value!r} is none of those that there are.") from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ApiError(422, "invalid", f"until: {text!r} is no date; write 2027-01-31.") from None
