"""Two runs, held against each other."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from replayer.accounts import Role
from replayer.store import RunInfo

from ..access import needs
from ..pages import page
from .runs import review_of

router = APIRouter(include_in_schema=False)

OTHERS = 20
"""Other runs of the same recording that are offered."""


@router.get("/runs/{run}/compare")
@needs(Role.VIEWER)
def choose(request: Request, run: str) -> Response:
    """Which runs there are to hold one against."""
    review = review_of(request)
    info = review.run(run)
    return page(request, "compare.html.j2", run=info, other=None, others=_others(review.runs(), info), found=None)


@router.get("/runs/{run}/compare/{other}")
@needs(Role.VIEWER)
def compare(request: Request, run: str, other: str) -> Response:
    """What is new in a run, gone, still there, or graver, beside another one."""
    review = review_of(request)
    info, against = review.run(run), review.run(other)
    _, _, found = review.between(info.id, against.id)
    return page(
        request, "compare.html.j2", run=info, other=against, others=_others(review.runs(), info, against), found=found
    )


def _others(runs: list[RunInfo], *but: RunInfo) -> list[RunInfo]:
    """Runs of the same recording that are finished, the newest first."""
    left_out = {each.id for each in but}
    fits = (each for each in runs if each.is_judged and each.recording == but[0].recording)
    return [each for each in fits if each.id not in left_out][:OTHERS]
