"""Which routes a target says it has: a `wsgi:` target's process does so by itself, an observing deploy when asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recorder.exchange import RecordedRequest, header
from recorder.route_map import MEDIA_TYPE, ROUTES_PATH

from .client import Client

Routes = tuple[tuple[str, str], ...]
"""Methods with templates."""

MAX_ROUTES = 100_000
"""More than that is no answer of ours."""


async def asked_routes(client: Client) -> Routes | None:
    """What a deploy answers to the signed question; None when it does not observe, or can not tell."""
    reply = await client.send(RecordedRequest("GET", ROUTES_PATH, (("Accept", MEDIA_TYPE),)))
    response = reply.response
    if response is None or response.status != 200 or header(response.headers, "content-type") != MEDIA_TYPE:
        return None
    try:
        return routes_told(json.loads(response.body.data))
    except (ValueError, RecursionError):
        return None


def routes_told(told: object) -> Routes | None:
    """The routes in what was told; None when there are none in it."""
    found: Any = told.get("routes") if isinstance(told, Mapping) else None
    if not isinstance(found, list) or len(found) > MAX_ROUTES:
        return None
    if not all(isinstance(each, list) and len(each) == 2 and all(isinstance(w, str) for w in each) for each in found):
        return None
    return tuple((method, route) for method, route in found)
