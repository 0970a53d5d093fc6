"""Logging in and out; and the first time, the link that `understudy serve` shows to whoever started it."""

from __future__ import annotations

import math
import secrets
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from replayer.accounts import LOGIN_SECONDS, Accounts, Person, Role

from ..access import COOKIE, anyone, form_of, needs, refuse_other_sites
from ..errors import ApiError
from ..pages import page
from ..throttle import Throttle

router = APIRouter(include_in_schema=False)

WRONG = "Name and password do not belong together."


@router.get("/login")
@anyone
def ask(request: Request, next: str = "/") -> Response:
    return _asked(request, next)


@router.post("/login")
@anyone
async def log_in(request: Request) -> Response:
    refuse_other_sites(request)
    form = await form_of(request)
    name, throttle = form.get("name", ""), _throttle(request)
    keys = (f"name {name.casefold()[:100]}", f"address {request.client.host if request.client else ''}")
    if wait := throttle.wait(*keys):
        seconds = math.ceil(wait)
        message = f"Too many attempts failed. Try again in {seconds} s."
        return _asked(request, form.get("next", "/"), message, 429, {"Retry-After": str(seconds)})
    accounts: Accounts = request.app.state.accounts()
    secret = await run_in_threadpool(accounts.log_in, name, form.get("password", ""))
    if secret is None:
        throttle.failed(*keys)
        return _asked(request, form.get("next", "/"), WRONG, 401)
    throttle.succeeded(*keys)
    return _logged_in(request, secret, form.get("next", "/"))


@router.get("/welcome")
@anyone
async def welcome(request: Request, token: str = "") -> Response:
    """The link of the first run: it works once, on the machine on which the server was started."""
    shown: str = request.app.state.first_link
    if not shown or not secrets.compare_digest(token.encode("utf-8", "replace"), shown.encode()):
        raise ApiError(403, "link", "This link does not work any more. Start `understudy serve` again for another one.")
    request.app.state.first_link = ""
    accounts: Accounts = request.app.state.accounts()
    secret = await run_in_threadpool(accounts.welcome, Person(request.app.state.first_name, Role.ADMIN))
    return _logged_in(request, secret, "/")


@router.post("/logout")
@needs(Role.VIEWER)
def log_out(request: Request) -> Response:
    request.app.state.accounts().log_out(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return answer


def _throttle(request: Request) -> Throttle:
    found: Throttle = request.app.state.throttle
    return found


def _asked(
    request: Request, back: str, problem: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    answer: Any = page(request, "login.html.j2", status, back=_inside(back), problem=problem)
    answer.headers.update(headers or {})
    found: Response = answer
    return found


def _logged_in(request: Request, secret: str, back: str) -> Response:
    answer = RedirectResponse(_inside(back), 303)
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(LOGIN_SECONDS),
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


def _inside(address: str) -> str:
    """A path of this server, whatever was asked for: no page of ours leads elsewhere."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if inside and "\\" not in address else "/"
