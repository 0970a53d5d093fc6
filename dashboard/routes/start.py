"""Starting a run from a page, what it says meanwhile, and ending it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from replayer.accounts import Role
from replayer.service import UsageError
from replayer.starting import PASSES, GateWish, Starter

from ..access import form_of, needs, person_of
from ..errors import refusal
from ..pages import page
from .runs import review_of

router = APIRouter(include_in_schema=False)

BASELINE = "baseline "
"""Before the name of a target that is a baseline, in the name of its box."""


def starter_of(request: Request) -> Starter:
    found: Starter = request.app.state.starter
    return found


@router.get("/start")
@needs(Role.ADMIN)
def ask(request: Request, recording: str = "") -> Response:
    return _asked(request, GateWish(recording, ""))


@router.post("/start")
@needs(Role.ADMIN)
async def start(request: Request) -> Response:
    """Begin a run, and lead to its page; or say what is wrong with it."""
    form = await form_of(request)
    passes = form.get("passes", "")
    wish = GateWish(
        form.get("recording", ""),
        form.get("candidate", ""),
        tuple(name.removeprefix(BASELINE) for name in form if name.startswith(BASELINE)),
        int(passes) if passes.isascii() and passes.isdecimal() and len(passes) < 4 else 0,
    )
    return await run_in_threadpool(_started, request, wish)


@router.post("/runs/{run}/again")
@needs(Role.ADMIN)
def again(request: Request, run: str) -> Response:
    """Begin a run as this one was asked for, and lead to its page."""
    other = starter_of(request).again(review_of(request).run(run).id, person_of(request).name)
    return RedirectResponse(f"/runs/{other}", 303)


@router.post("/runs/{run}/findings/{fingerprint}/again")
@needs(Role.ADMIN)
def finding_again(request: Request, run: str, fingerprint: str) -> Response:
    """Begin a run that replays one finding alone, and lead to its page."""
    review = review_of(request)
    info = review.run(run)
    found = review.finding(review.report(info.id), fingerprint)
    other = starter_of(request).again(info.id, person_of(request).name, found.fingerprint)
    return RedirectResponse(f"/runs/{other}", 303)


@router.post("/runs/{run}/cancel")
@needs(Role.ADMIN)
def cancel(request: Request, run: str) -> Response:
    """Ask a run that is under way to end."""
    review = review_of(request)
    info = review.run(run)
    review.stop(info.id, person_of(request).name)
    return RedirectResponse(f"/runs/{info.id}", 303)


@router.get("/runs/{run}/log")
@needs(Role.ADMIN)
def log(request: Request, run: str) -> Response:
    info = review_of(request).run(run)
    said = starter_of(request).log_end(info.id)
    if said is None:
        raise UsageError(f"The run {info.id} was not started from a page of this server: there is no log of it here.")
    return page(request, "log.html.j2", run=info, said=said)


def _started(request: Request, wish: GateWish) -> Response:
    try:
        run = starter_of(request).start(wish, person_of(request).name)
    except UsageError as error:
        return _asked(request, wish, f"{error.message} {error.hint}".strip(), refusal(error)[0])
    return RedirectResponse(f"/runs/{run}", 303)


def _asked(request: Request, wish: GateWish, problem: str = "", status: int = 200) -> Response:
    starter = starter_of(request)
    return page(
        request,
        "start.html.j2",
        status,
        recordings=[each.name for each in review_of(request).recordings()],
        targets=starter.targets,
        under_way=starter.under_way(),
        wish=wish,
        passes=PASSES,
        prefix=BASELINE,
        problem=problem,
    )
