"""Which route answered, and for whom: what frameworks leave in the environ."""

from __future__ import annotations

from typing import Any

ROUTE = "understudy.route"
ENDPOINT = "understudy.endpoint"
PRINCIPAL = "understudy.principal"
FLASK_REQUEST = "werkzeug.request"
"""Where Flask leaves its request. It empties the key when it is done, so it is looked at while the response starts."""


def route_of(environ: dict[str, Any], script_before: str, request: Any) -> tuple[str, str]:
    """The route's template and the endpoint's name; empty where nothing is known.

    `request` is what was found at FLASK_REQUEST.

    An application that was mounted inside the recorded one names its routes from its own root: the part of the path
    that was consumed on the way (SCRIPT_NAME grew) is put before them.
    """
    route = environ.get(ROUTE)
    if route is not None:
        endpoint = environ.get(ENDPOINT, "")
    elif request is not None:
        rule = getattr(request, "url_rule", None)
        route = getattr(rule, "rule", "")
        endpoint = getattr(rule, "endpoint", "")
    else:
        return "", ""
    script = environ.get("SCRIPT_NAME", "")
    if route and script != script_before and script.startswith(script_before):
        route = script[len(script_before) :].rstrip("/") + route  # some say "/" where they mean the root
    return str(route), str(endpoint)


def note_login(environ: dict[str, Any]) -> None:
    """Leaves the user that flask_login has loaded in the environ; asked while the response starts."""
    if PRINCIPAL not in environ:
        from .flask import login_id

        principal = login_id()
        if principal:
            environ[PRINCIPAL] = principal


def principal_of(environ: dict[str, Any]) -> str:
    """Who is logged in, as the application or its framework said; empty when nobody did."""
    found = environ.get(PRINCIPAL)
    return "" if found is None else str(found)
