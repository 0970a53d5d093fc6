"""Value flow, order and rewriting, judged by what a second instance with other ids answers."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from diffing.difference import Answer, Reason
from replayer.client import Client
from replayer.engine import PassOptions, PassResult, closure, run_pass
from replayer.flow import log10_tail
from replayer.pacing import Pace
from replayer.plan import Plan, make_plan
from replayer.protection import Protection

from .tiny import AppTransport, Recording, TinyApp, record, route_of


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record()


@pytest.fixture(scope="module")
def plan(recording: Recording) -> Plan:
    return make_plan(recording.exchanges, route_of)


def replay(plan: Plan, app: TinyApp, concurrency: int = 4, **options: object) -> PassResult:
    async def run() -> PassResult:
        async with Client("http://127.0.0.1:9", transport=AppTransport(app.handle)) as client:
            protection = Protection(Pace(concurrency))
            return await run_pass(plan, client, PassOptions(disposable=True, protection=protection, **options))  # type: ignore[arg-type]

    return asyncio.run(run())


def statuses(answers: list[Answer]) -> list[int]:
    return [answer.response.status if answer.response else 0 for answer in answers]


def recorded(plan: Plan) -> list[int]:
    return [step.status for step in plan.steps]


def test_every_request_keeps_its_status_at_an_instance_with_other_ids(plan: Plan) -> None:
    result = replay(plan, TinyApp(offset=41, seed=2))
    kept = [a == b for a, b in zip(statuses(result.answers), recorded(plan), strict=True)]
    assert sum(kept) >= 0.98 * len(kept)


def test_without_correlation_most_stateful_requests_fail(plan: Plan) -> None:
    result = replay(plan, TinyApp(offset=41, seed=2), correlate=False)
    stateful = [
        (status, step.status)
        for step, status in zip(plan.steps, statuses(result.answers), strict=True)
        if step.route not in ("/login", "/products", "/stats") and step.status < 400
    ]
    assert sum(a != b for a, b in stateful) >= len(stateful) / 2


def test_a_page_number_is_not_taken_for_an_order(plan: Plan) -> None:
    result_sorts = plan.flow.sorts
    assert "GET /products|>query.page" not in plan.flow.direct
    assert result_sorts["GET /orders/<int:order_id>|>path[1]"] == result_sorts["POST /orders|2xx|$.id"]
    assert "POST /orders|>$.quantity" not in result_sorts


def test_the_code_that_one_user_shares_and_another_opens_is_the_new_one(plan: Plan) -> None:
    app = TinyApp(offset=500, seed=9)
    result = replay(plan, app)
    opened = [
        (step.status, status)
        for step, status in zip(plan.steps, statuses(result.answers), strict=True)
        if step.route == "/shared/<code>"
    ]
    assert opened
    assert all(a == b for a, b in opened)


@pytest.mark.parametrize("seed", range(8))
def test_any_legal_order_leads_to_the_same_answers(plan: Plan, seed: int) -> None:
    rng = random.Random(seed)
    priority = [rng.random() for _ in plan.steps]
    straight = replay(plan, TinyApp(offset=7, seed=2), concurrency=1)
    shuffled = replay(plan, TinyApp(offset=7, seed=2), concurrency=1, order=priority.__getitem__)
    assert statuses(shuffled.answers) == statuses(straight.answers)
    for step, a, b in zip(plan.steps, straight.answers, shuffled.answers, strict=True):
        if step.route == "/stats":
            assert a.response is not None
            assert b.response is not None
            assert json.loads(a.response.body.data) == json.loads(b.response.body.data)
        if step.route == "/orders" and step.exchange.request.method == "GET":
            assert states(a) == states(b)


def states(answer: Answer) -> list[tuple[str, int]]:
    assert answer.response is not None
    return [(row["state"], row["quantity"]) for row in json.loads(answer.response.body.data)["items"]]


def test_the_order_leaves_room_for_parallel_work(plan: Plan) -> None:
    # twelve users share nine products, one series of order numbers and one total: much has to wait, but not all
    assert plan.critical_path <= 0.7 * len(plan.steps)


def test_a_producer_that_fails_blocks_what_needs_its_value(plan: Plan) -> None:
    app = TinyApp(offset=41, seed=2)
    inner = app.answer
    broken: list[int] = []

    def refuse_third(request):  # type: ignore[no-untyped-def]
        if request.method == "POST" and request.path == "/orders":
            broken.append(1)
            if len(broken) == 3:
                return 500, {"error": "boom"}, ()
        return inner(request)

    app.answer = refuse_third  # type: ignore[method-assign]
    result = replay(plan, app, concurrency=1)
    blocked = [a for a in result.answers if a.reason is Reason.BLOCKED]
    assert blocked
    assert {a.detail for a in blocked} == {"needs a value that POST /orders did not produce"}


def test_writes_are_not_sent_to_a_target_that_is_not_disposable(plan: Plan) -> None:
    sent: list[str] = []
    app = TinyApp()
    inner = app.handle

    def watch(request):  # type: ignore[no-untyped-def]
        sent.append(request.method)
        return inner(request)

    async def run() -> PassResult:
        async with Client("http://127.0.0.1:9", transport=AppTransport(watch)) as client:
            return await run_pass(plan, client, PassOptions(disposable=False))

    result = asyncio.run(run())
    assert set(sent) == {"GET"}
    unsafe = {
        s.exchange.request.method for s, a in zip(plan.steps, result.answers, strict=True) if a.reason is Reason.UNSAFE
    }
    assert unsafe == {"POST", "DELETE"}


def test_a_closure_holds_everything_that_a_step_needs(plan: Plan) -> None:
    target = next(s.index for s in plan.steps if s.route == "/orders/<int:order_id>/pay" and s.status == 200)
    only = closure(plan, [target])
    result = replay(plan, TinyApp(offset=41, seed=2), only=only)
    assert statuses(result.answers)[target] == 200
    assert len(only) < len(plan.steps)
    assert {a.reason for i, a in enumerate(result.answers) if i not in only} == {Reason.OVER_BUDGET}


def test_chance_is_bounded_from_above() -> None:
    assert log10_tail(0, 10, 0.5) == 0.0
    assert log10_tail(5, 10, 0.5) == 0.0
    # P(Bin(10, 0.1) = 10) = 1e-10 exactly, where Chernoff's bound is tight
    assert log10_tail(10, 10, 0.1) == pytest.approx(-10)
