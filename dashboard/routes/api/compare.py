"""Two runs, held against each other."""

from __future__ import annotations

from fastapi import APIRouter, Request

from replayer.accounts import Role
from replayer.tokens import TokenScope

from ...access import needs
from .asking import PREFIX, problems, review_of, run_of
from .findings import shown
from .models import Compared, RunId, Was

router = APIRouter(prefix=f"{PREFIX}/runs", tags=["runs"])


@router.get("/{run}/compare/{other}", response_model=Compared, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def compare(request: Request, run: RunId, other: RunId) -> Compared:
    """What is new in a run, graver, still there or gone, beside another one."""
    review = review_of(request)
    later, earlier, found = review.between(*(run_of(review, each).id for each in (run, other)))
    return Compared(
        new=[shown(later, each) for each in found.new],
        graver=[Was(was=shown(earlier, was), now=shown(later, now)) for was, now in found.graver],
        still=[Was(was=shown(earlier, was), now=shown(later, now)) for was, now in found.still],
        gone=[shown(earlier, each) for each in found.gone],
        unknown=[shown(earlier, each) for each in found.unknown],
    )
