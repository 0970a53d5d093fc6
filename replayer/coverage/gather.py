"""What a recording holds and a run of it reached, route by route and status by status."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from diffing.app_routes import AppRoutes, Route
from diffing.routes import RouteTable, matches

from ..openapi.reading import OpenApi
from ..store import Store
from ..store.records import RecordingInfo
from .model import RouteCell, StatusCell

NO_RESPONSE = "none"

Counts = Mapping[Route, Mapping[str, int]]
"""Exchanges by route and status."""


def seen_in(store: Store, info: RecordingInfo, routes: AppRoutes | None) -> Counts:
    """What a recording holds, under the names that `routes` has; what is none of these keeps its own."""
    totals = store.route_totals(info.id)
    templates = ((total.method, "", total.route) for total in totals if total.route)
    table = RouteTable([*templates, *store.unrouted(info.id)])
    counts: dict[Route, Counter[str]] = defaultdict(Counter)
    for glance in store.glances(info.id, lambda _: True):
        route = routes.of(glance.method, glance.target, glance.route) if routes else None
        route = route or (glance.method, table.route(glance.method, glance.target, glance.route))
        counts[route][str(glance.status) if glance.status else NO_RESPONSE] += 1
    return counts


def routes_in(store: Store, info: RecordingInfo) -> dict[Route, int]:
    """How many exchanges of each route a recording holds, without reading them."""
    totals = store.route_totals(info.id)
    unrouted = [*store.unrouted(info.id)]
    table = RouteTable([*((total.method, "", total.route) for total in totals if total.route), *unrouted])
    counts = Counter({(total.method, total.route): total.count for total in totals if total.route})
    counts.update((method, table.route(method, target)) for method, target, _ in unrouted)
    return dict(counts)


def replayed_in(report: Mapping[str, Any] | None, routes: AppRoutes | None) -> Counts:
    """What the candidate of a run answered, by its JSON report."""
    counts: dict[Route, Counter[str]] = defaultdict(Counter)
    for row in report["coverage"]["routes"] if report else ():
        route = routes.of(row["method"], "", row["route"]) if routes else None
        counts[route or (row["method"], row["route"])].update(row["statuses"])
    return counts


def run_routes(report: Mapping[str, Any]) -> tuple[Route, ...]:
    """The routes that a run knew of when they were not those of its recording; else none."""
    coverage = report["coverage"]
    if coverage.get("routes_from", "recording") == "recording":
        return ()
    return tuple((row["method"], row["route"]) for row in coverage["routes"] if row.get("known", True))


def cells(
    seen: Counts,
    replayed: Counts,
    routes: AppRoutes | None,
    api: OpenApi | None = None,
    new: Iterable[Route] = (),
    excluded: Iterable[str] = (),
) -> tuple[RouteCell, ...]:
    """One cell for each route that anybody knows of. With `routes`, only these are asked for."""
    patterns = tuple(excluded)
    described = _described(routes, api)
    fresh = frozenset(new)
    everything = {*seen, *replayed, *(routes.all if routes else ())}
    found = []
    for method, route in sorted(everything, key=lambda each: (each[1], each[0])):
        before, after = seen.get((method, route), {}), replayed.get((method, route), {})
        statuses = sorted({*before, *after, *described.get((method, route), ())})
        found.append(
            RouteCell(
                method,
                route,
                tuple(StatusCell(status, before.get(status, 0), after.get(status, 0)) for status in statuses),
                known=(method, route) in routes.all
                if routes
                else not any(matches(pattern, method, route) for pattern in patterns),
                new=(method, route) in fresh,
            )
        )
    return tuple(found)


def _described(routes: AppRoutes | None, api: OpenApi | None) -> dict[Route, set[str]]:
    """The statuses that a description names one by one; `4XX` and `default` name none."""
    found: dict[Route, set[str]] = defaultdict(set)
    for operation in api.operations if api and routes else ():
        route = routes.of(operation.method, "", operation.route) if routes else None
        if route:
            found[route].update(status for status in operation.statuses if status.isdigit())
    return found
