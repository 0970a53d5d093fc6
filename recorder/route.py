"""Which route answered, and for whom: what frameworks leave in the environ, and what is asked of them to leave."""

from __future__ import annotations

import sys
from typing import Any

ROUTE = "understudy.route"
ENDPOINT = "understudy.endpoint"
PRINCIPAL = "understudy.principal"


def route_of(environ: dict[str, Any], script_before: str) -> tuple[str, str]:
    """The route's template and the endpoint's name; empty where nothing is known.

    An application that was mounted inside the recorded one names its routes from its own root: the part of the path
    that was consumed on the way (SCRIPT_NAME grew) is put before them.
    """
    route = environ.get(ROUTE)
    if route is None:
        # Flask empties the key when it is done with the request, other users of werkzeug leave it
        request = environ.get("werkzeug.request")
        rule = getattr(request, "url_rule", None)
        route = getattr(rule, "rule", "")
        endpoint = getattr(rule, "endpoint", "")
    else:
        endpoint = environ.get(ENDPOINT, "")
    script = environ.get("SCRIPT_NAME", "")
    if route and script != script_before and script.startswith(script_before):
        route = script[len(script_before) :] + route
    return str(route), str(endpoint)


def principal_of(environ: dict[str, Any]) -> str:
    """Who is logged in, as the application or its framework said; empty when nobody did."""
    found = environ.get(PRINCIPAL)
    return "" if found is None else str(found)


def watch_frameworks() -> None:
    """Asks the frameworks that this process has loaded to leave route and principal in the environ.

    Idempotent, and cheap when there is nothing new to ask.
    """
    if "flask" in sys.modules:
        from .flask import watch

        watch()
