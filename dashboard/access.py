"""Who may ask for what: every route is denied unless it says who may use it, and what changes something proves itself.

A route says so by one decorator. A test walks all routes of the application and holds the table in the docs. People
have a cookie; programs have a token, which opens the routes that name its scope, and no page.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from replayer.accounts import Accounts, Person, Role
from replayer.tokens import Bearer, Tokens, TokenScope

from .errors import ApiError

COOKIE = "understudy_login"
FIELD, HEADER = "csrf", "x-csrf-token"
SAFE = frozenset(["GET", "HEAD", "OPTIONS"])
MAX_FORM = 64 * 1024
"""Bytes of a form."""
MAX_FIELDS = 1_000
"""Fields of a form: the findings that are decided on at once, and some more."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_ATTRIBUTE = "understudy_access"
_ANYONE = "anyone"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class LoginNeeded(Exception):
    """Somebody asks for a page without having logged in."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.address = f"/login?next={quote(back, safe='')}" if back != "/" else "/login"


def anyone(endpoint: Endpoint) -> Endpoint:
    """The route is for everybody, or has a way of its own to know who asks."""
    setattr(endpoint, _ATTRIBUTE, _ANYONE)
    return endpoint


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route: people of a role or a higher one, and tokens that have one of the scopes."""

    role: Role
    scopes: frozenset[TokenScope] = frozenset()


def needs(role: Role, *scopes: TokenScope) -> Callable[[Endpoint], Endpoint]:
    """The route is for people with this role or a higher one, and for tokens with one of these scopes."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, Access(role, frozenset(scopes)))
        return endpoint

    return mark


def access_of(endpoint: object) -> Access | str | None:
    """Who may use a route, "anyone", or None: nobody thought of it, and it is denied."""
    found: Access | str | None = getattr(endpoint, _ATTRIBUTE, None)
    return found


async def authorize(request: Request) -> None:
    """Runs before every route. Leaves who asks in `request.state.person`."""
    needed = access_of(request.scope.get("endpoint"))
    if needed == _ANYONE:
        return
    if not isinstance(needed, Access):
        raise ApiError(403, "forbidden", "Nobody may use this.")
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if needed.scopes and scheme.lower() == "bearer":
        await _admit_bearer(request, needed, shown.strip())
    else:
        await _admit_person(request, needed)


async def _admit_bearer(request: Request, needed: Access, shown: str) -> None:
    """A program that shows a token; a cookie beside it is not looked at."""
    bearer = await run_in_threadpool(_bearer, request, shown)
    if bearer is None:
        raise ApiError(401, "token", "The token is none of this server's, or it is over.", _CHALLENGE)
    if not bearer.scopes & needed.scopes:
        names = " or ".join(sorted(scope.value for scope in needed.scopes))
        raise ApiError(403, "forbidden", f"This takes the scope {names}, which the token {bearer.token} has not.")
    request.state.person = bearer.person
    request.state.bearer = bearer


async def _admit_person(request: Request, needed: Access) -> None:
    secret = request.cookies.get(COOKIE, "")
    person = await run_in_threadpool(_person, request, secret) if secret else None
    if person is None:
        if wants_page(request) and request.method in SAFE:
            query = f"?{request.url.query}" if request.url.query else ""
            raise LoginNeeded(request.url.path + query)
        if needed.scopes:
            raise ApiError(401, "unauthorized", "Log in first, or show a token.", _CHALLENGE)
        raise ApiError(401, "unauthorized", "Log in first.")
    if request.method not in SAFE:
        await _prove(request, secret, form=not needed.scopes)
    request.state.person = person  # before the refusal, whose page has the links that this person may follow
    request.state.csrf = csrf_of(secret)
    if not person.role.may(needed.role):
        raise ApiError(
            403, "forbidden", f"This takes the role {needed.role.value}; {person.name} is {person.role.value}."
        )


def _bearer(request: Request, shown: str) -> Bearer | None:
    """Asks the database, which may be slow: not in the thread in which all requests are taken in."""
    tokens: Tokens = request.app.state.tokens()
    return tokens.bearer(shown)


def _person(request: Request, secret: str) -> Person | None:
    """As `_bearer`, of who has a login."""
    accounts: Accounts = request.app.state.accounts()
    return accounts.person(secret)


def wants_page(request: Request) -> bool:
    """Whether a person in a browser asks, and not a program."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def person_of(request: Request) -> Person:
    """Who asks; only in routes that need a role."""
    person: Person = request.state.person
    return person


def bearer_of(request: Request) -> Bearer | None:
    """The program that asks with a token; None: a person does."""
    bearer: Bearer | None = getattr(request.state, "bearer", None)
    return bearer


def may(request: Request, role: Role) -> bool:
    """Whether who asks may do what a role may: a program only as far as the scopes of its token go."""
    bearer = bearer_of(request)
    return person_of(request).role.may(role) and (bearer is None or any(s.role.may(role) for s in bearer.scopes))


def csrf_of(secret: str) -> str:
    """What a form of this login carries: a page of another site can not know it."""
    return hmac.new(secret.encode(), b"form", sha256).hexdigest()


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent, each once. Raises ApiError for what is no form, or too large a one."""
    return dict(await fields_of(request))


async def fields_of(request: Request) -> list[tuple[str, str]]:
    """As `form_of`, each field as often as it was sent."""
    known: list[tuple[str, str]] | None = getattr(request.state, "form", None)
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
        pairs = parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise ApiError(400, "no_form", "The form can not be read.") from None
    request.state.form = pairs
    return pairs


def refuse_other_sites(request: Request) -> None:
    """Raises ApiError for what a browser sends for a page of another site."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ApiError(403, "csrf", "The request comes from another site.")


async def _prove(request: Request, secret: str, form: bool) -> None:
    """Raises ApiError unless the request comes from a page of ours: by a header field, or one of the form."""
    refuse_other_sites(request)
    shown = request.headers.get(HEADER, "")
    if not shown and form:
        shown = (await form_of(request)).get(FIELD, "")
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), csrf_of(secret).encode()):
        raise ApiError(403, "csrf", "The form is not one of this login. Load the page again, and send it once more.")
