"""Runs: all of them, one, its report and its ledger; starting one, what it says, and ending it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from replayer.accounts import Role
from replayer.review import CoverageRoute, Flakiness, document, sketch
from replayer.starting import GateWish, Starter
from replayer.store import RunInfo
from replayer.tokens import TokenScope

from ...access import needs, person_of
from ...errors import ApiError
from ..runs import exported, routes_found
from .asking import PREFIX, Cursor, Limit, body_of, finding_of, part_of, problems, review_of, run_of, takes
from .models import Fingerprint, Ledger, Log, NewRun, Page, Report, Run, RunId, moment
from .run_models import RunDetail, RunRoute

router = APIRouter(prefix=f"{PREFIX}/runs", tags=["runs"])


@router.get("", response_model=Page[Run], responses=problems())
@needs(Role.VIEWER, TokenScope.READ)
def all_runs(request: Request, cursor: Cursor = "", limit: Limit = 50) -> Page[Run]:
    """All runs, the newest first."""
    part, after = part_of(review_of(request).runs(), lambda info: (-info.started, info.id), cursor, limit)
    return Page[Run](items=[shown(info) for info in part], next=after)


@router.post("", status_code=201, response_model=Run, responses=problems(409, 413, 415), openapi_extra=takes(NewRun))
@needs(Role.ADMIN, TokenScope.RUNS)
def start(request: Request, given: Annotated[NewRun, Depends(body_of(NewRun))]) -> Run:
    """Start a gate on targets of the server's settings file, as the page does: one at a time."""
    wish = GateWish(given.recording, given.candidate, tuple(given.baselines), given.passes)
    return shown(review_of(request).run(_starter(request).start(wish, person_of(request).name)))


@router.get("/{run}", response_model=RunDetail, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def one_run(request: Request, run: RunId) -> RunDetail:
    """One run, how far it is, and what it has found by now."""
    review = review_of(request)
    info = run_of(review, run)
    found = review.found(info.id)
    told = {"count": found.count, "confirmed": found.confirmed, "flaky": found.flaky}
    return RunDetail.model_validate(
        {**dict(shown(info)), "found": {**told, "findings": [sketch(each) for each in found.findings]}}
    )


@router.get("/{run}/report", response_model=Report, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def report(request: Request, run: RunId) -> Report:
    """The report of a finished run."""
    review = review_of(request)
    return Report.model_validate(document(review.report(run_of(review, run).id)))


@router.get(
    "/{run}/export",
    response_class=Response,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "As a file."},
        **problems(404),
    },
)
@needs(Role.VIEWER, TokenScope.READ)
def export(request: Request, run: RunId) -> Response:
    """The report of a finished run as one HTML file that needs no server."""
    review = review_of(request)
    return exported(review.report(run_of(review, run).id))


@router.get("/{run}/ledger", response_model=Ledger, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def ledger(request: Request, run: RunId) -> Ledger:
    """Where every exchange of a finished run ended."""
    review = review_of(request)
    return Ledger.model_validate(document(review.report(run_of(review, run).id))["ledger"])


@router.get("/{run}/routes", response_model=Page[RunRoute], responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def routes(request: Request, run: RunId, cursor: Cursor = "", limit: Limit = 50) -> Page[RunRoute]:
    """What a finished run replayed of which route, what it found there, and in how many runs the route was flaky."""
    review = review_of(request)
    info = run_of(review, run)
    report = review.report(info.id)
    found, flaky = routes_found(report), review.flakiness(info)

    def row(each: CoverageRoute) -> RunRoute:
        place = (each.method, each.route)
        often = flaky.get(place, Flakiness(0, 0))
        facts = {"findings": found[place], "runs": often.runs, "flaky": often.flaky}
        return RunRoute.model_validate({**asdict(each), **facts})

    part, after = part_of(
        report.coverage.routes, lambda each: (int(not each.known), each.route, each.method), cursor, limit
    )
    return Page[RunRoute](items=[row(each) for each in part], next=after)


@router.post("/{run}/again", status_code=201, response_model=Run, responses=problems(404, 409))
@needs(Role.ADMIN, TokenScope.RUNS)
def again(request: Request, run: RunId) -> Run:
    """Start a gate as this one was asked for: the same recording, candidate, baselines, branch and budget."""
    review = review_of(request)
    return shown(review.run(_starter(request).again(run_of(review, run).id, person_of(request).name)))


@router.post("/{run}/findings/{fingerprint}/again", status_code=201, response_model=Run, responses=problems(404, 409))
@needs(Role.ADMIN, TokenScope.RUNS)
def finding_again(request: Request, run: RunId, fingerprint: Fingerprint) -> Run:
    """Start a run that replays one finding alone, with what its exchanges depend on. It gives no verdict."""
    review = review_of(request)
    info = run_of(review, run)
    found = finding_of(review, info, fingerprint)
    return shown(review.run(_starter(request).again(info.id, person_of(request).name, found.fingerprint)))


@router.post("/{run}/cancel", status_code=202, response_model=Run, responses=problems(404, 409))
@needs(Role.ADMIN, TokenScope.RUNS)
def cancel(request: Request, run: RunId) -> Run:
    """Ask a run that is under way to end. It ends within seconds, and says so in its state."""
    review = review_of(request)
    info = run_of(review, run)
    review.stop(info.id, person_of(request).name)
    return shown(review.run(info.id))


@router.get("/{run}/log", response_model=Log, responses=problems(404))
@needs(Role.ADMIN, TokenScope.RUNS)
def log(request: Request, run: RunId) -> Log:
    """What the process of a run says that was started here."""
    info = run_of(review_of(request), run)
    said = _starter(request).log_end(info.id)
    if said is None:
        raise ApiError(
            404, "not_found", f"The run {info.id} was not started at this server: there is no log of it here."
        )
    return Log(text=said)


def _starter(request: Request) -> Starter:
    found: Starter = request.app.state.starter
    return found


def shown(info: RunInfo) -> Run:
    return Run.model_validate(
        {
            "id": info.id,
            "recording": info.recording,
            "candidate": info.candidate,
            "baselines": info.baselines,
            "state": info.state,
            "started_at": moment(info.started),
            "ended_at": moment(info.ended),
            "verdict": info.verdict or None,
            "exit_code": info.exit_code,
            "branch": info.branch,
            "commit": info.commit,
            "executor": info.executor,
            "progress": info.progress,
            "findings": info.summary.get("findings"),
            "finding": info.finding or None,
            "retrial": info.summary.get("retrial"),
        }
    )
