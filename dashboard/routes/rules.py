"""Pages of noise rules: all that there are, and one that somebody thinks of."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from replayer.accounts import Role
from replayer.rule_desk import DAYS, KIND_WORDS, RUNS, RuleDesk, RuleWish, rule_toml
from replayer.service import UsageError

from ..access import form_of, may, needs, person_of
from ..errors import refusal
from ..pages import page

router = APIRouter(include_in_schema=False)


def desk_of(request: Request) -> RuleDesk:
    found: RuleDesk = request.app.state.rules()
    return found


@router.get("/rules")
@needs(Role.VIEWER)
def rules(request: Request, kept: str = "") -> Response:
    desk = desk_of(request)
    new = desk.kept(kept) if kept else None
    return page(request, "rules.html.j2", rules=desk.rules(), kept=new, toml=rule_toml(new.rule) if new else "")


@router.get("/rules.toml")
@needs(Role.VIEWER)
def toml(request: Request) -> Response:
    """What the store alone has, as a file to be pasted into the settings file."""
    headers = {"Content-Disposition": 'attachment; filename="understudy.rules.toml"'}
    return Response(desk_of(request).toml(), media_type="application/toml", headers=headers)


@router.post("/rules/{rule}/withdraw")
@needs(Role.REVIEWER)
async def withdraw(request: Request, rule: str) -> Response:
    """Take a rule of the store back."""
    form = await form_of(request)
    author = person_of(request).name
    await run_in_threadpool(desk_of(request).withdraw, rule, author, form.get("reason", ""))
    return RedirectResponse("/rules", 303)


@router.get("/runs/{run}/findings/{fingerprint}/rule")
@needs(Role.VIEWER)
def ask(
    request: Request,
    run: str,
    fingerprint: str,
    route: str = "",
    path: str = "",
    kind: str = "",
    at: Annotated[int, Query(ge=-1)] = -1,
    runs: Annotated[int, Query(ge=1, le=20)] = RUNS,
) -> Response:
    """What a rule would hide, before anybody keeps it."""
    return _asked(request, run, fingerprint, RuleWish(route, path, kind, at), runs)


@router.post("/runs/{run}/findings/{fingerprint}/rule")
@needs(Role.REVIEWER)
async def keep(request: Request, run: str, fingerprint: str) -> Response:
    """Keep a rule; or say what speaks against it."""
    form = await form_of(request)
    wish = RuleWish(
        form.get("route", ""),
        form.get("path", ""),
        form.get("kind", ""),
        _number(form.get("at", ""), otherwise=-1),
        form.get("reason", ""),
        _number(form.get("days", "")),
        anyway="anyway" in form,
    )
    return await run_in_threadpool(_kept, request, run, fingerprint, wish)


def _kept(request: Request, run: str, fingerprint: str, wish: RuleWish) -> Response:
    try:
        kept = desk_of(request).keep(run, fingerprint, wish, person_of(request).name, may(request, Role.ADMIN))
    except UsageError as error:
        return _asked(request, run, fingerprint, wish, RUNS, f"{error.message} {error.hint}".strip(), refusal(error)[0])
    return RedirectResponse(f"/rules?kept={quote(kept.id)}", 303)


def _asked(
    request: Request, run: str, fingerprint: str, wish: RuleWish, runs: int, problem: str = "", status: int = 200
) -> Response:
    return page(
        request,
        "rule.html.j2",
        status,
        asked=desk_of(request).ask(run, fingerprint, wish, may(request, Role.ADMIN), runs),
        wish=wish,
        looked=runs,
        refused=problem,
        kinds=KIND_WORDS,
        days=DAYS,
    )


def _number(text: str, otherwise: int = 0) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else otherwise
