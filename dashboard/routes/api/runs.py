"""Runs: all of them, one, its report and its ledger; and ending one."""

from __future__ import annotations

from fastapi import APIRouter, Request

from replayer.accounts import Role
from replayer.review import document
from replayer.store import RunInfo
from replayer.tokens import TokenScope

from ...access import needs, person_of
from .asking import PREFIX, Cursor, Limit, part_of, problems, review_of, run_of
from .models import Ledger, Page, Report, Run, RunId, moment

router = APIRouter(prefix=f"{PREFIX}/runs", tags=["runs"])


@router.get("", response_model=Page[Run], responses=problems())
@needs(Role.VIEWER, TokenScope.READ)
def all_runs(request: Request, cursor: Cursor = "", limit: Limit = 50) -> Page[Run]:
    """All runs, the newest first."""
    part, after = part_of(review_of(request).runs(), lambda info: (-info.started, info.id), cursor, limit)
    return Page[Run](items=[shown(info) for info in part], next=after)


@router.get("/{run}", response_model=Run, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def one_run(request: Request, run: RunId) -> Run:
    """One run, and how far it is."""
    return shown(run_of(review_of(request), run))


@router.get("/{run}/report", response_model=Report, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def report(request: Request, run: RunId) -> Report:
    """The report of a finished run."""
    review = review_of(request)
    return Report.model_validate(document(review.report(run_of(review, run).id)))


@router.get("/{run}/ledger", response_model=Ledger, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def ledger(request: Request, run: RunId) -> Ledger:
    """Where every exchange of a finished run ended."""
    review = review_of(request)
    return Ledger.model_validate(document(review.report(run_of(review, run).id))["ledger"])


@router.post("/{run}/cancel", status_code=202, response_model=Run, responses=problems(404))
@needs(Role.ADMIN, TokenScope.RUNS)
def cancel(request: Request, run: RunId) -> Run:
    """Ask a run that is under way to end. It ends within seconds, and says so in its state."""
    review = review_of(request)
    info = run_of(review, run)
    review.stop(info.id, person_of(request).name)
    return shown(review.run(info.id))


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
        }
    )
