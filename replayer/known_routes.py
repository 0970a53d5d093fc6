"""Which routes there are, by whoever is to say it, and which of them a run has sent anything to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diffing.app_routes import AppRoutes, Route
from diffing.clauses import NewRoutes
from diffing.ledger import LeftOut
from diffing.routes import matches

from .openapi.reading import OpenApi
from .passes import Pass
from .plan import Plan
from .reports.model import Coverage, CoverageRoute
from .store import Store
from .store.records import RecordingInfo

SILENT = (
    "the {side} does not say which routes it has. A wsgi: target that is a Flask application does, and so does a"
    " deploy of one with UNDERSTUDY_OBSERVE=1 and the recording's key."
)


@dataclass(frozen=True, slots=True)
class RouteSource:
    """Who says which routes there are."""

    kind: str = "recording"  # or "app", "openapi", "earlier"
    given: tuple[Route, ...] = ()  # what a description or earlier recordings say
    excluded: tuple[str, ...] = ()  # patterns of routes that nobody asks for
    ask: bool = False  # deploys are asked which routes they have


@dataclass(frozen=True, slots=True)
class Reached:
    """What a run has reached of the routes that there are."""

    coverage: Coverage
    unknown: str = ""  # why the routes could not be had from where they were to come; a sentence
    new: NewRoutes | None = None  # None: neither side says which routes it has, and nobody asked


def described_routes(api: OpenApi) -> tuple[Route, ...]:
    """What a description says there is."""
    return tuple((operation.method, operation.route) for operation in api.operations)


def earlier_routes(store: Store, info: RecordingInfo) -> tuple[Route, ...]:
    """The templates that any recording of the same service has, this one included."""
    recordings = [each for each in store.recordings() if each.service == info.service]
    totals = [total for each in recordings for total in store.route_totals(each.id)]
    return tuple(dict.fromkeys((total.method, total.route) for total in totals if total.route))


def reached(
    source: RouteSource, plan: Plan, baselines: Sequence[Pass], candidate: Pass, left_out: Iterable[LeftOut] = ()
) -> Reached:
    """The routes of a finished run, and what of them was replayed."""
    routes: AppRoutes | None = None
    unknown = ""
    if source.kind == "app":
        if candidate.routes is None:
            unknown = SILENT.format(side="candidate")
        else:
            routes = AppRoutes(candidate.routes, source.excluded)
    elif source.kind != "recording":
        routes = AppRoutes(source.given, source.excluded)
    return Reached(
        coverage_of(source, routes, plan, candidate, left_out), unknown, _new(source, plan, baselines, candidate)
    )


def coverage_of(
    source: RouteSource, routes: AppRoutes | None, plan: Plan, candidate: Pass, left_out: Iterable[LeftOut]
) -> Coverage:
    """Rows for every known route and for everything that was recorded; without `routes`, that is the same."""
    statuses: dict[Route, Counter[str]] = {route: Counter() for route in (routes.all if routes else ())}
    for rest in left_out:
        statuses.setdefault((rest.method, rest.route), Counter())
    for step, answer in zip(plan.steps, candidate.result.answers, strict=True):
        request = step.exchange.request
        route = routes.of(request.method, request.target, step.exchange.route) if routes else None
        counts = statuses.setdefault(route or (request.method, step.route), Counter())
        if answer.response is not None:
            counts[str(answer.response.status)] += 1
    rows = tuple(
        CoverageRoute(
            method,
            route,
            sum(counts.values()),
            dict(sorted(counts.items())),
            known=(method, route) in routes.all
            if routes
            else not any(matches(pattern, method, route) for pattern in source.excluded),
        )
        for (method, route), counts in sorted(statuses.items())
    )
    known = [row for row in rows if row.known]
    return Coverage(len(known), sum(1 for row in known if row.replayed), rows, source.kind)


def _new(source: RouteSource, plan: Plan, baselines: Sequence[Pass], candidate: Pass) -> NewRoutes | None:
    """The candidate's routes that the baseline has not, and which of them got an answer."""
    before = baselines[0].routes if baselines else None
    if candidate.routes is None or before is None:
        side = "candidate" if candidate.routes is None else "baseline"
        return NewRoutes(unknown=SILENT.format(side=side)) if source.ask else None
    routes = AppRoutes(candidate.routes, source.excluded)
    new = routes.without(before)
    seen = set()
    if new:
        for step, answer in zip(plan.steps, candidate.result.answers, strict=True):
            if answer.response is not None:
                request = step.exchange.request
                seen.add(routes.of(request.method, request.target, step.exchange.route))
    names = [(route, f"{route[0]} {route[1]}") for route in sorted(new)]
    return NewRoutes(
        tuple(name for route, name in names if route in seen), tuple(name for route, name in names if route not in seen)
    )
