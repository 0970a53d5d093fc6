"""What ends a pass, and what is a finding however often it happens."""

from __future__ import annotations

from itertools import count

import pytest

from diffing.difference import Answer, Reason
from recorder.exchange import Headers
from replayer.breaker import (
    MAX_FAILURES,
    MAX_HANGING,
    MAX_SPARED,
    MAX_TIMEOUTS,
    ROUTE_TIMEOUTS,
    Breaker,
    Reference,
    overtaken,
)
from replayer.client import FailureKind, Reply
from replayer.refusals import STORM
from replayer.ruling import GO_ON, Ruling

from .replies import BEARER, answered, failed, step

ROUTES = ("/a", "/b", "/c", "/d")


class Pass:
    """Gives a breaker one reply after the other, each a tenth of a second after the last."""

    def __init__(self, reference: Reference | None = None) -> None:
        self.breaker = Breaker(4, reference or Reference())
        self._numbers = count()

    def get(
        self,
        what: int | FailureKind,
        route: str = "",
        method: str = "GET",
        recorded: int = 200,
        headers: Headers = BEARER,
    ) -> Ruling:
        index = next(self._numbers)
        each = step(index, route or ROUTES[index % 4], method, recorded, headers)
        at = 100.0 + index / 10
        reply: Reply = answered(what, at=at) if isinstance(what, int) else failed(what, at=at)
        return self.breaker.note(each, reply)

    def until_asked(self, what: int | FailureKind, route: str = "", most: int = 100) -> int:
        """How many such replies it takes until the breaker wants the target to be asked; 0: more than `most`."""
        return next((number for number in range(1, most + 1) if self.get(what, route).ask), 0)


@pytest.mark.parametrize("kind", [FailureKind.CONNECT, FailureKind.RESET, FailureKind.PROTOCOL])
def test_a_target_that_is_gone(kind: FailureKind) -> None:
    watched = Pass()
    watched.get(200)
    assert watched.until_asked(kind) == MAX_FAILURES
    watched.breaker.alive(False)
    assert watched.breaker.problem == (
        f"the target is down: {MAX_FAILURES} requests in a row got no answer ({kind.value}), and nor does its ready"
        " path. Look at its log, and start it again"
    )
    assert set(watched.breaker.discounted()) == set(range(1, MAX_FAILURES + 1))


def test_what_fails_after_the_end_says_nothing_either() -> None:
    watched = Pass()
    watched.until_asked(FailureKind.RESET)
    watched.breaker.alive(None)
    assert watched.breaker.problem
    watched.get(FailureKind.RESET)
    assert MAX_FAILURES in watched.breaker.discounted()


def test_a_target_that_hangs_is_known_by_a_few_time_outs() -> None:
    watched = Pass()
    assert watched.until_asked(FailureKind.TIMEOUT) == MAX_HANGING
    watched.breaker.alive(False)
    assert watched.breaker.problem.startswith(f"the target hangs: {MAX_HANGING} requests in a row timed out")


def test_a_target_that_can_not_be_asked_is_given_more_time() -> None:
    watched = Pass()
    for _ in range(MAX_FAILURES - 1):
        watched.get(FailureKind.TIMEOUT)
        watched.breaker.alive(None)
    assert watched.breaker.problem == ""
    watched.get(FailureKind.TIMEOUT)
    watched.breaker.alive(None)
    assert watched.breaker.problem


def test_a_target_that_says_that_it_is_ready_is_spared_a_few_times() -> None:
    watched = Pass()
    for _ in range(MAX_SPARED):
        assert watched.until_asked(FailureKind.RESET, "/crashes") == MAX_FAILURES
        watched.breaker.alive(True)
        assert watched.breaker.problem == ""
    watched.until_asked(FailureKind.RESET, "/crashes")
    watched.breaker.alive(True)
    assert "says that it is ready" in watched.breaker.problem
    assert len(watched.breaker.discounted()) == MAX_FAILURES  # the rows before it were answers


def test_an_answer_that_comes_while_it_is_asked_settles_it() -> None:
    watched = Pass()
    watched.until_asked(FailureKind.RESET)
    watched.get(200)
    watched.breaker.alive(False)
    assert watched.breaker.problem == ""


def test_failures_between_answers_are_answers() -> None:
    watched = Pass()
    for _ in range(100):
        assert watched.get(FailureKind.RESET) is GO_ON
        watched.get(200)
    assert watched.breaker.problem == ""
    assert watched.breaker.discounted() == ()


def test_a_route_that_hangs_is_not_waited_for_for_ever() -> None:
    watched = Pass()
    for _ in range(ROUTE_TIMEOUTS):
        assert watched.breaker.withheld(step(0, "/slow")) == ""
        watched.get(FailureKind.TIMEOUT, "/slow")
        watched.get(200)
    assert watched.breaker.withheld(step(0, "/slow")) == (
        f"GET /slow let {ROUTE_TIMEOUTS} requests time out and answered none: the rest of it is not sent"
    )
    assert watched.breaker.withheld(step(0, "/slow", "POST")) == ""
    assert watched.breaker.problem == ""


def test_a_route_that_has_answered_once_is_asked_on() -> None:
    watched = Pass()
    watched.get(200, "/slow")
    for _ in range(2 * ROUTE_TIMEOUTS):
        watched.get(FailureKind.TIMEOUT, "/slow")
        watched.get(200)
    assert watched.breaker.withheld(step(0, "/slow")) == ""


def test_time_outs_of_routes_that_answer_otherwise_are_the_targets() -> None:
    watched = Pass()
    for _ in range(MAX_TIMEOUTS):
        assert watched.breaker.problem == ""
        watched.get(200)
        watched.get(200)
        watched.get(FailureKind.TIMEOUT)
    assert watched.breaker.problem.startswith(f"the target let {MAX_TIMEOUTS} requests time out, on 4 routes. Raise")
    assert len(watched.breaker.discounted()) == MAX_TIMEOUTS


def test_time_outs_of_routes_that_answer_nothing_are_answers_when_they_end_a_pass() -> None:
    watched = Pass()
    for number in range(MAX_TIMEOUTS):
        watched.get(200)
        watched.get(FailureKind.TIMEOUT, f"/slow/{number % 8}")
    assert watched.breaker.problem
    assert not watched.breaker.discounted()


@pytest.mark.parametrize("status", [502, 504])
def test_a_proxy_whose_application_is_gone(status: int) -> None:
    watched = Pass()
    for _ in range(8):
        watched.get(200)
    assert watched.until_asked(status) == MAX_FAILURES
    watched.breaker.alive(False)
    assert f"down behind a proxy: {MAX_FAILURES} requests in a row were answered {status}" in watched.breaker.problem


def test_a_route_that_answers_502_is_an_answer() -> None:
    watched = Pass()
    for _ in range(8):
        watched.get(200)
    assert watched.until_asked(502, "/pay") == 0
    assert watched.breaker.problem == ""


@pytest.mark.parametrize("status", [400, 404, 410, 500, 501])
def test_errors_of_the_application_are_answers_on_however_many_routes(status: int) -> None:
    watched = Pass()
    for _ in range(300):
        assert watched.get(status) is GO_ON
    assert watched.breaker.problem == ""


def test_a_storm_of_refusals_ends_a_pass_and_takes_back_what_it_refused() -> None:
    watched = Pass()
    for _ in range(40):
        watched.get(200)
    while not watched.breaker.problem:
        watched.get(401)
    assert watched.breaker.problem.startswith(STORM)
    refused = set(watched.breaker.discounted())
    assert min(refused) == 40
    assert len(refused) <= 30


def test_answers_that_came_since_a_storm_began_say_nothing_either() -> None:
    watched = Pass()
    for _ in range(40):
        watched.get(200)
    while not watched.breaker.problem:
        watched.get(401)
        watched.get(200, headers=())
    assert len(watched.breaker.discounted()) > 15  # those without credentials, too


def test_refusals_are_answers_where_a_baseline_was_let_in_with_the_same_credentials() -> None:
    watched = Pass(Reference(heed_refusals=False))
    for _ in range(300):
        watched.get(401)
    assert watched.breaker.problem == ""


def test_what_the_baseline_answered_counts_before_what_was_recorded() -> None:
    refused = Pass(Reference(statuses=dict.fromkeys(range(300), 401)))
    shed = Pass(Reference(statuses=dict.fromkeys(range(300), 503)))
    for _ in range(300):
        refused.get(401)
        shed.get(503)
    assert (refused.breaker.problem, shed.breaker.problem) == ("", "")


def test_load_that_is_shed_ends_a_pass_and_takes_back_all_since_it_began() -> None:
    watched = Pass()
    for _ in range(20):
        watched.get(200)
    watched.get(503, method="POST")
    for status in 10 * (200, 503, 200, 503, 200):
        watched.get(status)
    assert "sheds load" in watched.breaker.problem
    assert min(watched.breaker.discounted()) == 20
    assert watched.breaker.notes == ()


@pytest.mark.parametrize(
    ("problem", "answer", "void"),
    [
        ("the target is down: 20 requests", Answer(None, "reset: closed"), True),
        ("the target hangs: 4 requests", Answer(None, "timeout: nothing"), True),
        ("the target let 40 requests time out", Answer(None, "timeout: nothing"), False),
        ("the target is down behind a proxy", Answer(answered(502).response), True),
        ("the target is down behind a proxy", Answer(answered(500).response), False),
        ("the target sheds load: 10", Answer(answered(429).response), True),
        ("the target sheds load: 10", Answer(answered(401).response), False),
        (f"{STORM}: 10", Answer(answered(401).response), True),
        (f"{STORM}: 10", Answer(answered(200).response), False),
        (f"{STORM}: 10", Answer(None, reason=Reason.UNSAFE), False),
    ],
)
def test_what_other_processes_had_of_the_same_is_known_afterwards(problem: str, answer: Answer, void: bool) -> None:
    assert overtaken(problem, step(0), answer, Reference()) is void
    if answer.response is not None:
        same = Reference({0: answer.response.status})
        assert not overtaken(problem, step(0), answer, same)
