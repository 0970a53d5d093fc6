"""One pass: order, concurrency, failures that are answers, and credentials."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest

from diffing.difference import Answer, Reason
from recorder.exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse, header
from replayer.breaker import MAX_FAILURES, MAX_TIMEOUTS
from replayer.client import Client
from replayer.engine import PassOptions, PassResult, run_pass
from replayer.mint import Credentials, Minted, MintFailure
from replayer.pacing import Pace
from replayer.plan import Plan, make_plan
from replayer.protection import Protection

from .tiny import AppTransport, TinyApp, hexadecimal, record, route_of


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(record(users=5, rounds=8).exchanges, route_of)


def replay(
    plan: Plan,
    transport: httpx.AsyncBaseTransport,
    mint: Callable[[str], Awaitable[Minted]] | None = None,
    progress: Callable[[int, int], None] | None = None,
    concurrency: int = 4,
    speed: float = 0.0,
) -> PassResult:
    async def run() -> PassResult:
        async with Client("http://127.0.0.1:9", transport=transport) as client:
            options = PassOptions(disposable=True, protection=Protection(Pace(concurrency, speed=speed)))
            return await run_pass(plan, client, options, mint, progress)

    return asyncio.run(run())


class Failing(httpx.AsyncBaseTransport):
    """Answers as the application does, or fails, as `fails` says of the number of the request."""

    def __init__(self, fails: Callable[[int], Exception | None]) -> None:
        self._inner = AppTransport(TinyApp(offset=41, seed=2).handle)
        self._fails = fails
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        failure = self._fails(self.requests)
        if failure is not None:
            raise failure
        return await self._inner.handle_async_request(request)


def sent(answers: list[Answer]) -> int:
    return sum(answer.response is not None or bool(answer.failure) for answer in answers)


def test_a_target_that_is_gone_ends_the_pass(plan: Plan) -> None:
    transport = Failing(lambda number: httpx.ConnectError("refused") if number > 10 else None)
    result = replay(plan, transport, concurrency=1)
    assert result.problem.startswith(f"the target is down: {MAX_FAILURES} requests in a row got no answer (connect). ")
    assert transport.requests == 10 + MAX_FAILURES
    rest = [a for a in result.answers if a.response is None and not a.failure]
    assert {a.reason for a in rest} == {Reason.CANCELLED, Reason.BLOCKED}
    assert {a.detail for a in rest if a.reason is Reason.CANCELLED} == {result.problem}
    assert sent(result.answers) + len(rest) == len(plan.steps)


def test_refusals_between_answers_do_not_end_the_pass() -> None:
    plan = make_plan(record().exchanges, route_of)
    result = replay(plan, Failing(lambda number: httpx.ConnectError("refused") if number % 4 == 0 else None))
    assert result.problem == ""
    assert sum(bool(answer.failure) for answer in result.answers) > MAX_FAILURES
    assert {a.failure for a in result.answers if a.failure} == {"connect: refused"}


def test_what_a_dying_target_left_unanswered_says_nothing(plan: Plan) -> None:
    result = replay(plan, Failing(lambda number: httpx.ReadError("reset") if number > 10 else None), concurrency=1)
    assert not [answer for answer in result.answers if answer.failure]


def test_a_target_that_hangs_too_often_ends_the_pass() -> None:
    plan = make_plan(record(users=12, rounds=20).exchanges, route_of)
    result = replay(plan, Failing(lambda number: httpx.ReadTimeout("slow") if number % 3 else None), concurrency=1)
    assert result.problem.startswith(f"the target let {MAX_TIMEOUTS} requests time out, on ")


def test_time_outs_are_answers(plan: Plan) -> None:
    result = replay(plan, Failing(lambda number: httpx.ReadTimeout("too slow") if number % 5 == 0 else None))
    assert result.problem == ""
    failed = [a for a in result.answers if a.failure]
    assert failed
    assert all(a.response is None and a.reason is None and a.failure.startswith("timeout") for a in failed)


def test_no_more_requests_are_under_way_than_asked_for(plan: Plan) -> None:
    class Counting(AppTransport):
        now = most = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.001)
            self.now -= 1
            return await super().handle_async_request(request)

    transport = Counting(TinyApp(offset=41, seed=2).handle)
    replay(plan, transport, concurrency=3)
    assert transport.most == 3


def test_a_step_starts_when_all_that_it_waits_for_has_ended(plan: Plan) -> None:
    answers = replay(plan, AppTransport(TinyApp(offset=41, seed=2).handle)).answers
    too_early = [
        (index, other)
        for index, waits in enumerate(plan.depends)
        for other in waits
        if answers[index].started < answers[other].ended - 0.001  # two clocks are read for one answer
    ]
    assert too_early == []


def test_the_recorded_timing_is_kept(plan: Plan) -> None:
    result = replay(plan, AppTransport(TinyApp(offset=41, seed=2).handle), speed=10.0)
    first = plan.steps[0].exchange.started
    began = min(answer.started for answer in result.answers)
    early = [
        step.index
        for step, answer in zip(plan.steps, result.answers, strict=True)
        if answer.started - began < (step.exchange.started - first) / 10.0 - 0.01  # two clocks are read
    ]
    assert early == []
    assert sent(result.answers) == len(plan.steps)


def test_a_target_that_can_not_keep_up_is_told_by_how_much_it_fell_behind(plan: Plan) -> None:
    class Slow(AppTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0.05)
            return await super().handle_async_request(request)

    result = replay(plan, Slow(TinyApp(offset=41, seed=2).handle), concurrency=1, speed=1000.0)
    assert len(result.notes) == 1
    assert result.notes[0].startswith("it fell behind the recorded timing at 1000 times its speed: by ")
    assert replay(plan, Slow(TinyApp(offset=41, seed=2).handle)).notes == ()


def test_a_pass_that_ends_does_not_wait_for_times_that_are_yet_to_come() -> None:
    read = next(each for each in record().exchanges if each.request.path == "/products")
    moments = [read.started + number * (1.0 if number < 40 else 1e5) for number in range(50)]
    reads = [replace(read, id=f"{n}", client=f"{n}", started=m, ended=m) for n, m in enumerate(moments)]
    plan = make_plan(reads, route_of)
    result = replay(plan, Failing(lambda number: httpx.ConnectError("refused") if number > 5 else None), speed=1e3)
    assert result.problem
    assert len(result.answers) == len(plan.steps)


def test_progress_counts_every_step_once(plan: Plan) -> None:
    told: list[tuple[int, int]] = []
    replay(plan, AppTransport(TinyApp().handle), progress=lambda done, total: told.append((done, total)))
    assert told == [(number, len(plan.steps)) for number in range(1, len(plan.steps) + 1)]


# -- credentials -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def headless() -> Plan:
    """The same recording without its logins, as of people who had logged in before it began."""
    return make_plan((e for e in record(users=5, rounds=8).exchanges if e.request.path != "/login"), route_of)


def bearers(plan: Plan) -> set[int]:
    return {step.index for step in plan.steps if header(step.exchange.request.headers, "authorization")}


def test_credentials_are_minted_once_for_each_principal(headless: Plan) -> None:
    app = TinyApp(offset=41, seed=2)
    asked: list[str] = []

    async def mint(principal: str) -> Minted:
        asked.append(principal)
        user = int(principal.rpartition("-")[2])
        token, csrf = hexadecimal(app.random, 32), hexadecimal(app.random, 16)
        app.tokens[token], app.csrf[user] = user, csrf
        return Credentials(headers=(("Authorization", f"Bearer {token}"), ("X-Csrf", csrf)))

    result = replay(headless, AppTransport(app.handle), mint)
    assert sorted(asked) == [f"principal-{user}" for user in range(1, 6)]
    assert result.minted == 5
    assert result.mint_failures == {}
    refused = [i for i in bearers(headless) if (r := result.answers[i].response) is not None and r.status == 401]
    assert refused == []


async def _fails(_: str) -> Minted:
    return MintFailure("staging is closed")


async def _knows_nobody(_: str) -> Minted:
    return None


@pytest.mark.parametrize(
    ("mint", "detail"),
    [
        (None, "no mint hook is set for this target"),
        (_fails, "the mint hook failed: staging is closed"),
        (_knows_nobody, "the mint hook does not know this principal"),
    ],
)
def test_without_credentials_nothing_is_sent_in_a_principals_name(
    headless: Plan, mint: Callable[[str], Awaitable[Minted]] | None, detail: str
) -> None:
    result = replay(headless, AppTransport(TinyApp(offset=41, seed=2).handle), mint)
    assert {result.answers[i].reason for i in bearers(headless)} == {Reason.CREDENTIALS}
    assert {result.answers[i].detail for i in bearers(headless)} == {detail}
    assert result.mint_failures == {detail: len(bearers(headless))}
    assert result.minted == 0


def basic(user: str, password: str) -> Headers:
    return (("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()),)


def test_who_registered_in_the_recording_logs_in_with_what_they_registered() -> None:
    form: Headers = (("Content-Type", "application/x-www-form-urlencoded"),)

    def exchange(number: int, method: str, target: str, headers: Headers, data: bytes = b"") -> Exchange:
        request = RecordedRequest(method, target, headers, Body.of(data))
        response = RecordedResponse(201 if data else 200, "", (), Body.of(b"{}"))
        return Exchange(
            f"{number:032x}", request, response, 1.7e9 + number, 1.7e9 + number + 0.1, client="c", principal="p"
        )

    tape = [
        exchange(1, "GET", "/currencies", basic("trip", "ertk-wsgg-386")),  # sends it always, even before
        exchange(2, "POST", "/projects", form, b"id=trip&password=ertk-wsgg-386"),
        exchange(3, "GET", "/projects/trip", basic("trip", "ertk-wsgg-386")),
        exchange(4, "GET", "/projects/other", basic("other", "never-given-771")),
    ]
    result = replay(
        make_plan(tape, lambda e: e.request.target),
        httpx.MockTransport(lambda request: httpx.Response(201 if request.method == "POST" else 200)),
        _knows_nobody,
    )
    assert [answer.reason for answer in result.answers] == [None, None, None, Reason.CREDENTIALS]


def test_what_nobody_owns_says_so(plan: Plan) -> None:
    def nameless(exchange: Exchange) -> Exchange:
        return Exchange(
            id=exchange.id,
            request=exchange.request,
            response=exchange.response,
            started=exchange.started,
            ended=exchange.ended,
            client=exchange.client,
        )

    exchanges = [nameless(e) for e in record(users=2, rounds=4).exchanges if e.request.path != "/login"]
    anonymous = make_plan(exchanges, route_of)
    result = replay(anonymous, AppTransport(TinyApp().handle), _knows_nobody)
    details = {result.answers[i].detail for i in bearers(anonymous)}
    assert details == {"the recording does not say whose credential this is"}
