"""Django: `recorder.django.RouteMiddleware` tells the recorder the route template and the principal of a request.

Add it anywhere in `MIDDLEWARE`; `wsgi.py` wraps the application: `RecorderMiddleware(get_wsgi_application())`.
"""

from __future__ import annotations

import inspect
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


def route_template(route: str) -> str:
    """Django's route as a template that begins with a slash, like those of other frameworks."""
    return "/" + route.removeprefix("^").replace("/^", "/")
