"""Who may ask for what: every route is denied unless it says who may use it, and what changes something proves itself.

A route says so by one decorator. A test walks all routes of the application and holds the table in the docs.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote

from fastapi import Request

from replayer.accounts import Accounts, Person, Role

from .errors import ApiError

COOKIE = "understudy_login"
FIELD, HEADER = "csrf", "x-csrf-token"
SAFE = frozenset(["GET", "HEAD", "OPTIONS"])
MAX_FORM = 64 * 1024
"""Bytes of a form."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_ATTRIBUTE = "understudy_access"
_ANYONE = "anyone"


class LoginNeeded(Exception):
    """Somebody asks for a page without having logged in."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.address = f"/login?next={quote(back, safe='')}" if back != "/" else "/login"


def anyone(endpoint: Endpoint) -> Endpoint:
    """The route is for everybody, or has a way of its own to know who asks."""
    setattr(endpoint, _ATTRIBUTE, _ANYONE)
    return endpoint


def needs(role: Role) -> Callable[[Endpoint], Endpoint]:
    """The route is for people who are logged in with this role or a higher one."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, role)
        return endpoint

    return mark


def access_of(endpoint: object) -> Role | str | None:
    """The role that a route needs, "anyone", or None: nobody thought of it, and it is denied."""
    found: Role | str | None = getattr(endpoint, _ATTRIBUTE, None)
    return found


async def authorize(request: Request) -> None:
    """Runs before every route. Leaves who asks in `request.state.person`."""
    needed = access_of(request.scope.get("endpoint"))
    if needed == _ANYONE:
        return
    if not isinstance(needed, Role):
        raise ApiError(403, "forbidden", "Nobody may use this.")
    secret = request.cookies.get(COOKIE, "")
    accounts: Accounts = request.app.state.accounts()
    person = accounts.person(secret) if secret else None
    if person is None:
        if wants_page(request) and request.method in SAFE:
            query = f"?{request.url.query}" if request.url.query else ""
            raise LoginNeeded(request.url.path + query)
        raise ApiError(401, "unauthorized", "Log in first.")
    if request.method not in SAFE:
        await _prove(request, secret)
    if not person.role.may(needed):
        raise ApiError(403, "forbidden", f"This takes the role {needed.value}; {person.name} is {person.role.value}.")
    request.state.person = person
    request.state.csrf = csrf_of(secret)


def wants_page(request: Request) -> bool:
    """Whether a person in a browser asks, and not a program."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def person_of(request: Request) -> Person:
    """Who asks; only in routes that need a role."""
    person: Person = request.state.person
    return person


def csrf_of(secret: str) -> str:
    """What a form of this login carries: a page of another site can not know it."""
    return hmac.new(secret.encode(), b"form", sha256).hexdigest()


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent, each once. Raises ApiError for what is no form, or too large a one."""
    known: dict[str, str] | None = getattr(request.state, "form", None)
    if known is not None:
        return known
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise ApiError(415, "media_type", "A form is sent as application/x-www-form-urlencoded.")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_FORM:
            raise ApiError(413, "too_large", f"A form may have {MAX_FORM} bytes.", {"Connection": "close"})
    try:
        pairs = parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        raise ApiError(400, "no_form", "The form can not be read.") from None
    request.state.form = dict(pairs)
    return dict(pairs)


async def _prove(request: Request, secret: str) -> None:
    """Raises ApiError unless the request comes from a page of ours."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ApiError(403, "csrf", "The request comes from another site.")
    shown = request.headers.get(HEADER, "")
    if not shown:
        shown = (await form_of(request)).get(FIELD, "")
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), csrf_of(secret).encode()):
        raise ApiError(403, "csrf", "The form is not one of this login. Load the page again, and send it once more.")
