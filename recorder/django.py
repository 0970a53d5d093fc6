"""Django: `recorder.django.RouteMiddleware` tells the recorder the route template and the principal of a request.

Add it anywhere in `MIDDLEWARE`; `wsgi.py` wraps the application: `RecorderMiddleware(get_wsgi_application())`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
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
    user = getattr(request, "_cached_user", None)  # set once the application has looked at `request.user`
    if user is not None and PRINCIPAL not in meta and getattr(user, "is_authenticated", False):
        meta[PRINCIPAL] = str(user.pk)


def route_template(route: str) -> str:
    """Django's route as a template that begins with a slash, like those of other frameworks."""
    return "/" + route.removeprefix("^").replace("/^", "/")
