"""Which routes an application has, as its framework lists them; and telling it to a signed replay that asks.

Standard library only, and nothing of ours: a child process that serves a `wsgi:` target reads this file by its path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

ROUTES_PATH = "/.understudy/routes"
"""What a replay asks an observing deploy for, below its base URL."""

MEDIA_TYPE = "application/vnd.understudy.routes+json"

_INNER = ("__self__", "_app", "wsgi_app", "app", "application")  # where middlewares keep what they wrap
_DEPTH = 12  # middlewares around one another
_IMPLIED = {"HEAD", "OPTIONS"}  # which frameworks answer by themselves


def routes_of(application: Any) -> list[tuple[str, str]] | None:
    """(method, template) of every route, sorted; None when nobody can tell.

    Flask's and werkzeug's `url_map` is read, also inside middlewares. A dispatcher of several applications names
    the routes of none.
    """
    for _ in range(_DEPTH):
        if hasattr(application, "mounts"):
            return None
        rules = getattr(getattr(application, "url_map", None), "iter_rules", None)
        if rules is not None:
            return sorted({(method, rule.rule) for rule in rules() for method in _methods(rule)})
        application = next((inner for name in _INNER if (inner := getattr(application, name, None)) is not None), None)
        if application is None:
            return None
    return None


def routes_answer(application: Any, start_response: Any) -> Iterable[bytes]:
    """The response to a signed replay that asks for the routes."""
    body = json.dumps({"routes": routes_of(application)}).encode()
    start_response("200 OK", [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(body)))])
    return [body]


def _methods(rule: Any) -> set[str]:
    if rule.build_only or getattr(rule, "websocket", False):
        return set()
    return set(rule.methods or {"GET"}) - _IMPLIED
