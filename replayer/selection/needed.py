"""What a few steps of a plan need: the rules of a selection's closures, for a plan that is in memory."""

from __future__ import annotations

from array import array
from collections.abc import Collection

from recorder.exchange import Exchange

from ..engine import closure
from ..flow import Step
from ..plan import Plan
from ..store.survey import Glance
from .choose import MAX_CLOSURE
from .closures import Closures, needs
from .lives import lives
from .survey import Surveyor


def needed(plan: Plan, targets: Collection[int], *, whole: bool, most: int = MAX_CLOSURE) -> frozenset[int]:
    """The targets, and what must be sent before them so that they find what they found.

    All that they wait for, where that is `most` steps at most, or the `whole` of it is asked for; else what they need
    by the rules of `closures`: most of what a step waits for only keeps an order.
    """
    waited = closure(plan, sorted(targets))
    if whole or len(waited) <= most:
        return waited
    surveyor = Surveyor(lambda _method, _target, route: route)
    survey = surveyor.run(_glance(step) for step in plan.steps)
    alive = lives(survey)
    found = Closures(needs(plan.steps, plan.flow, array("I", range(len(plan.steps))), survey, alive), alive)
    return frozenset().union(*(found.of(target, len(plan.steps)) or {target} for target in targets))


def _glance(step: Step) -> Glance:
    """A step as the store would show its exchange."""
    exchange: Exchange = step.exchange
    request, response = exchange.request, exchange.response
    sent, answer = request.body.data, response.body.data if response is not None else b""
    return Glance(
        number=step.index,
        method=request.method,
        target=request.target,
        route=step.route,
        scheme=request.scheme,
        request_headers=[list(each) for each in request.headers],
        request_body=2 * step.index if sent else None,
        request_data=sent or None,
        status=step.status,
        response_headers=[list(each) for each in response.headers] if response is not None else [],
        response_body=2 * step.index + 1 if answer else None,
        response_data=answer or None,
        started=exchange.started,
        ended=exchange.ended,
        client=exchange.client,
        links=list(exchange.links),
        principal=exchange.principal,
    )
