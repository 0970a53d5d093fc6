"""The routes that somebody says there are, and which of them an exchange is for."""

from __future__ import annotations

from collections.abc import Iterable

from .routes import RouteTable, canonical, matches

Route = tuple[str, str]
"""A method and a template."""


class AppRoutes:
    """Routes as an application, a description or earlier recordings name them.

    Two names of one route are one, `/orders/<int:id>` and `/orders/{id}`: the first that was given is kept.
    """

    def __init__(self, routes: Iterable[Route], excluded: Iterable[str] = ()) -> None:
        patterns = tuple(excluded)
        self._named: dict[Route, Route] = {}
        for method, template in routes:
            if not any(matches(pattern, method, template) for pattern in patterns):
                self._named.setdefault((method.upper(), canonical(template)), (method.upper(), template))
        self._table = RouteTable((method, "", template) for method, template in self._named.values())

    @property
    def all(self) -> frozenset[Route]:
        """Every route, by its name."""
        return frozenset(self._named.values())

    def without(self, others: Iterable[Route]) -> frozenset[Route]:
        """The routes that are not among the others, whatever these call them."""
        known = {(method.upper(), canonical(template)) for method, template in others}
        return frozenset(route for key, route in self._named.items() if key not in known)

    def of(self, method: str, path: str, template: str = "") -> Route | None:
        """The route of an exchange: by the template that was recorded, else by its path, if any. None: it is for none.

        HEAD is answered by the route of GET.
        """
        for asked in (method, "GET") if method == "HEAD" else (method,):
            found = template and self._named.get((asked, canonical(template)))
            if not found and path:
                fitting = self._table.route(asked, path)
                found = self._named.get((asked, canonical(fitting)))
            if found:
                return found
        return None
