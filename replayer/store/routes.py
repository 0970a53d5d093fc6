"""Routes by number: a method and the framework's own template, which thousands of rows refer to."""

from __future__ import annotations

from sqlalchemy import Connection, select, tuple_

from .dialect import LOOKUP, insert_new, storable
from .tables import routes

RouteKey = tuple[str, str]


def route_key(method: str, route: str) -> RouteKey:
    """The key of a route."""
    return storable(method), storable(route)


def route_numbers(connection: Connection, wanted: set[RouteKey]) -> dict[RouteKey, int]:
    """The numbers of routes, each a method and a template as `route_key` gives them; new ones are added."""
    numbers = _known(connection, wanted)
    missing = wanted - numbers.keys()
    if missing:
        insert_new(connection, routes, [{"method": method, "route": route} for method, route in sorted(missing)])
        numbers |= _known(connection, missing)
    return numbers


def _known(connection: Connection, wanted: set[RouteKey]) -> dict[RouteKey, int]:
    keys = list(wanted)
    found: dict[RouteKey, int] = {}
    for start in range(0, len(keys), LOOKUP):
        query = select(routes.c.method, routes.c.route, routes.c.id).where(
            tuple_(routes.c.method, routes.c.route).in_(keys[start : start + LOOKUP])
        )
        found.update(((method, route), number) for method, route, number in connection.execute(query))
    return found
