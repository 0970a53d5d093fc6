"""Django: `recorder.django.RouteMiddleware` tells the recorder the route template and the principal of a request.

Add it anywhere in `MIDDLEWARE`; `wsgi.py` wraps the application: `RecorderMiddleware(get_wsgi_application())`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from .route import ENDPOINT, PRINCIPAL, ROUTE


class RouteMiddleware:
    """Notes `resolver_match` in the request's META, which is the WSGI environ. Works in sync and async chains."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._is_async = inspect.iscoroutinefunction(get_response)
        if self._is_async:
            from asgiref.sync import markcoroutinefunction

            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if self._is_async:
            return self._answer(request)
        try:
            return self._get_response(request)
        finally:
            _note(request)

    async def _answer(self, request: Any) -> Any:
        answer: Awaitable[Any] = self._get_response(request)
        try:
            return await answer
        finally:
            _note(request)


def _note(request: Any) -> None:
    meta = request.META
    match = getattr(request, "resolver_match", None)
    if match is not None and ROUTE not in meta:
        meta[ROUTE] = route_template(match.route)
        meta[ENDPOINT] = match.view_name or ""
    if PRINCIPAL not in meta:
        for user in _users(request):
            if getattr(user, "is_authenticated", False) and getattr(user, "pk", None) is not None:
                meta[PRINCIPAL] = str(user.pk)
                break


def _users(request: Any) -> Iterator[Any]:
    """Whom the application may have found the request to be made by, without asking for a user that nobody asked for.

    A login, and whoever checks a token (REST frameworks), put the user in the place of the session's lazy one. After
    a logout nobody is there any more, and the session's user is still known.
    """
    user = vars(request).get("user")
    # Not isinstance(): a lazy object answers for its `__class__` by loading the user.
    wrapped = object.__getattribute__(user, "__dict__").get("_wrapped", user) if hasattr(type(user), "_setup") else user
    yield None if type(wrapped) is object else wrapped  # Django's mark of a lazy object that is still empty
    yield vars(request).get("_cached_user")  # AuthenticationMiddleware's, once looked at
    yield vars(request).get("_acached_user")


_ANCHORS = re.compile(r"\\[AbBZz]|[\^$]")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9,]+\})[?+]?")
_SET = re.compile(r"\\[dDsSwW]")
_ESCAPED = re.compile(r"\\(\W)")


def route_template(route: str) -> str:
    """Django's route as a template that begins with a slash, like those of other frameworks.

    Regular expressions (`re_path`, every router of a REST framework) become what a person would write:
    `^api/^orders/(?P<pk>[^/.]+)/$` is `/api/orders/<pk>/`. Of a group without a name only its place is left.
    """
    parts: list[str] = []
    at = 0
    while at < len(route):
        if route[at] == "<":  # a converter of `path()`
            end = route.find(">", at) + 1 or len(route)
            parts.append(route[at:end])
        elif route[at] == "(":
            end = _group_end(route, at)
            name = re.match(r"\(\?P<(\w+)>", route[at:])
            optional = route[at:].startswith("(?") and name is None  # not captured: (?:…), (?i), (?=…)
            parts.append("" if optional else f"<{name[1]}>" if name else "<var>")
            end += _quantified(route, end)
        elif route[at] == "[" or _SET.match(route, at):
            end = _class_end(route, at) if route[at] == "[" else at + 2
            parts.append("<var>")
            end += _quantified(route, end)
        else:
            anchor, escaped = _ANCHORS.match(route, at), _ESCAPED.match(route, at)
            end = anchor.end() if anchor else escaped.end() if escaped else at + 1
            parts.append("" if anchor else escaped[1] if escaped else route[at])
            if route[at:end] == "/" and route[end : end + 1] == "?":  # a slash that may be left out
                end += 1
        at = end
    return "/" + "".join(parts)


def _quantified(route: str, at: int) -> int:
    found = _QUANTIFIER.match(route, at)
    return len(found.group()) if found else 0


def _group_end(route: str, at: int) -> int:
    """Behind the parenthesis that closes the one at this place."""
    depth = 0
    while at < len(route):
        if route[at] == "\\":
            at += 1
        elif route[at] == "[":
            at = _class_end(route, at) - 1
        else:
            depth += {"(": 1, ")": -1}.get(route[at], 0)
            if depth == 0:
                return at + 1
        at += 1
    return len(route)


def _class_end(route: str, at: int) -> int:
    """Behind the bracket that closes a set of characters; one that comes first stands for itself."""
    at += 2 if route[at + 1 : at + 2] == "^" else 1
    at += route[at : at + 1] == "]"
    while at < len(route) and route[at] != "]":
        at += 2 if route[at] == "\\" else 1
    return min(at + 1, len(route))
