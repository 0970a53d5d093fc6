"""Pages of runs: all of them, what one found, and what of it was not compared."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from diffing.approvals import Scope
from diffing.grouping import Finding
from replayer.accounts import Role
from replayer.review import FLAKY_RUNS, MOST_AT_ONCE, CoverageRoute, Review, RunReport, outcome, to_html, warmth
from replayer.talk import Talk

from ..access import needs, person_of
from ..filters import narrowed, parse, states_of
from ..live import seen
from ..overview import jumps, mine, overview, reason_parts, words
from ..pages import page

router = APIRouter(include_in_schema=False)

PAGE = 50
"""Findings or runs on one page."""

MINUTES_EACH = 1.5
"""What a person takes to judge one finding, about: for the estimate of a whole run."""


def review_of(request: Request) -> Review:
    found: Review = request.app.state.review()
    return found


def talk_of(request: Request) -> Talk:
    found: Talk = request.app.state.talk()
    return found


@router.get("/")
@needs(Role.VIEWER)
def all_runs(request: Request, first: Annotated[int, Query(ge=0)] = 0) -> Response:
    runs = review_of(request).runs()
    return page(request, "runs.html.j2", runs=runs[first : first + PAGE], first=first, count=len(runs), size=PAGE)


@router.get("/runs/{run}")
@needs(Role.VIEWER)
def one_run(
    request: Request,
    run: str,
    q: str = "",
    first: Annotated[int, Query(ge=0)] = 0,
    all: bool = False,
    decided: str = "",
    group: str = "",
) -> Response:
    """A run and its findings; with `all`, those that the filter shows are on one page, and checked."""
    review = review_of(request)
    info = review.run(run)
    logged = request.app.state.starter.has_log(info.id)
    if info.state != "finished":
        found = review.found(info.id)
        now = seen(info, time.time(), found)
        return page(request, "unfinished.html.j2", run=info, seen=now, found=found, logged=logged)
    report = review.report(info.id)
    talked = talk_of(request).all()
    shown = narrowed(report, ordered(report), parse(q, person_of(request).name), talked)
    undecided = [each for each in report.findings if "undecided" in states_of(report, each)]
    return page(
        request,
        "run.html.j2",
        run=info,
        report=report,
        outcome=outcome(report),
        total=report.ledger.total,
        shown=shown[:MOST_AT_ONCE] if all else shown[first : first + PAGE],
        found=len(shown),
        first=0 if all else first,
        size=MOST_AT_ONCE if all else PAGE,
        all=all,
        q=q,
        decided=decided,
        group=group,
        scopes=[scope.value for scope in Scope],
        undecided=undecided,
        minutes=round(MINUTES_EACH * len(undecided)) or 1,
        figures=overview(report),
        jumps=jumps(report, shown),
        mine=mine(report, talked, person_of(request).name),
        words=words(report),
        reason_parts=reason_parts,
        age=review.age(info),
        states_of=states_of,
        talked=talked,
        logged=logged,
    )


@router.get("/runs/{run}/export")
@needs(Role.VIEWER)
def export(request: Request, run: str) -> Response:
    """The report as one file that needs no server, as `understudy runs show --html` writes it."""
    review = review_of(request)
    return exported(review.report(review.run(run).id))


@router.get("/runs/{run}/ledger")
@needs(Role.VIEWER)
def ledger(request: Request, run: str) -> Response:
    review = review_of(request)
    info = review.run(run)
    report = review.report(info.id)
    return page(request, "ledger.html.j2", run=info, report=report, total=report.ledger.total)


@router.get("/runs/{run}/routes")
@needs(Role.VIEWER)
def routes(request: Request, run: str) -> Response:
    """What was replayed of which route, and what was found there."""
    review = review_of(request)
    info = review.run(run)
    report = review.report(info.id)
    found = routes_found(report)
    return page(
        request,
        "routes.html.j2",
        run=info,
        report=report,
        routes=routes_in_order(report),
        statuses=sorted({status for each in report.coverage.routes for status in each.statuses}),
        found=found,
        flaky=review.flakiness(info),
        latest=FLAKY_RUNS,
        warmth=warmth,
        filter_of=lambda each: f"method:{shlex.quote(each.method)} route:{shlex.quote(each.route)}",
    )


def routes_in_order(report: RunReport) -> list[CoverageRoute]:
    """The routes of a run: those that coverage asks for come first."""
    return sorted(report.coverage.routes, key=lambda each: (not each.known, each.route, each.method))


def routes_found(report: RunReport) -> Counter[tuple[str, str]]:
    """How many findings each route has, by method and route."""
    return Counter(place for each in report.findings for place in _routes_of(each))


def exported(report: RunReport) -> Response:
    """A report as an attachment: recorded values are not shown as a page of this server."""
    name = f"understudy-{report.run_id}.html"
    return HTMLResponse(to_html(report), headers={"Content-Disposition": f'attachment; filename="{name}"'})


def ordered(report: RunReport) -> Sequence[Finding]:
    """Findings of tagged routes first, of these and the others the gravest, then the new; what is decided is last."""
    return sorted(
        report.findings,
        key=lambda each: (
            "undecided" not in states_of(report, each),
            not each.tags,
            each.severity.rank,
            not report.is_new(each),
        ),
    )


def _routes_of(finding: Finding) -> set[tuple[str, str]]:
    """(method, route) of all its places."""
    return {(finding.method, finding.route), *((each.method, each.route) for each in finding.members)}
