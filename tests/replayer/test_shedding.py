"""What is load that is shed, what is a route that answers so, and how far a pass gives way."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from recorder.exchange import Headers
from replayer.ruling import GO_ON, Ruling
from replayer.shedding import MAX_PAUSE, PAUSES, REPEATS, SLOWER, Shedding, retry_after

from .replies import answered, step

ROUTES = ("/a", "/b", "/c", "/d")
TOLD: Headers = (("Retry-After", "2"),)


@dataclass
class Target:
    """Asks one request after the other, by a clock that pauses move on."""

    shedding: Shedding = field(default_factory=Shedding)
    now: float = 1000.0
    index: int = 0

    def ask(
        self, status: int, route: str = "", method: str = "GET", headers: Headers = (), recorded: int = 200
    ) -> Ruling:
        each = step(self.index, route or ROUTES[self.index % len(ROUTES)], method, recorded)
        self.index += 1
        return self.again(each.index, status, each.route, method, headers, recorded)

    def again(self, index: int, status: int, route: str, method: str, headers: Headers, recorded: int = 200) -> Ruling:
        response = answered(status, headers).response
        assert response is not None
        self.now += 0.1
        ruling = self.shedding.note(step(index, route, method, recorded), recorded, response, self.now, self.now + 0.05)
        self.now += ruling.pause
        return ruling

    def settle(self, count: int = 20) -> None:
        for _ in range(count):
            assert self.ask(200) is GO_ON


def test_it_pauses_as_told_and_sends_reads_again() -> None:
    target = Target()
    target.settle()
    assert target.ask(429, headers=TOLD) == Ruling(again=True, pause=2.0)
    assert target.ask(200) is GO_ON
    assert target.shedding.problem == ""
    assert "it answered requests with 429 or 503: GET /a (1); pauses that were made: 1" in target.shedding.notes[0]


def test_a_write_is_never_sent_again() -> None:
    target = Target()
    target.settle()
    assert target.ask(429, method="POST", headers=TOLD) == Ruling(pause=2.0)
    overridden = step(99, "/a", "GET", 200, (("X-HTTP-Method-Override", "DELETE"),))
    response = answered(429, TOLD).response
    assert response is not None
    assert not Target().shedding.note(overridden, 200, response, 1.0, 1.1).again


def test_load_that_is_shed_to_a_write_ends_the_pass() -> None:
    target = Target()
    target.settle()
    for _ in range(4):
        target.ask(200)
        target.ask(503)
        target.ask(503, method="POST")
    assert "POST" in target.shedding.problem
    assert "a write is never sent twice" in target.shedding.problem
    assert target.shedding.onset > 1000.0


def test_it_gives_way_step_by_step_and_then_ends() -> None:
    target = Target(Shedding(concurrency=8))
    target.settle()
    rulings = [target.ask(503) for _ in range(60)]
    pauses = [ruling.pause for ruling in rulings if ruling.pause]
    assert len(pauses) == PAUSES + SLOWER
    assert all(0 < pause <= MAX_PAUSE for pause in pauses)
    assert [ruling.most for ruling in rulings if ruling.most] == [4, 2]
    assert target.shedding.problem.startswith("the target sheds load: ")
    assert "--rate or --concurrency" in target.shedding.problem


def test_what_was_under_way_before_a_pause_does_not_count_after_it() -> None:
    target = Target()
    target.settle()
    response = answered(429, TOLD).response
    assert response is not None
    for index in range(100, 112):  # twelve that were sent at the same moment
        target.shedding.note(step(index, ROUTES[index % 4]), 200, response, 1003.0, 1003.1)
    assert target.shedding.pauses == 1
    assert target.shedding.problem == ""


def test_who_asks_for_an_hour_is_left_alone_at_once() -> None:
    target = Target()
    for _ in range(10):
        target.ask(503, headers=(("Retry-After", "3600"),))
    assert "asks to be left alone for 3600 s" in target.shedding.problem
    assert target.now < 1010.0


def test_one_route_that_is_gone_is_an_answer() -> None:
    target = Target()
    rulings = []
    for _ in range(50):
        target.settle(3)
        rulings.append(target.ask(503, route="/broken"))
    assert target.shedding.problem == ""
    assert not any(ruling.pause for ruling in rulings)
    assert sum(ruling.again for ruling in rulings) < 5
    assert "GET /broken (50)" in target.shedding.notes[0]


def test_a_refusal_now_and_then_is_an_answer_that_reads_are_given_again() -> None:
    target = Target()
    for _ in range(40):
        target.settle(25)
        assert target.ask(503) == Ruling(again=True, wait=0.5)
        assert target.ask(503, method="POST") is GO_ON
    assert (target.shedding.problem, target.shedding.pauses) == ("", 0)


def test_three_routes_that_are_gone_are_answers() -> None:
    target = Target()
    for _ in range(50):
        target.settle(9)
        for route in ("/x", "/y", "/z"):
            assert not target.ask(503, route=route).pause
    assert target.shedding.problem == ""


def test_a_burst_at_a_route_that_is_gone_is_an_answer() -> None:
    target = Target()
    target.settle()
    for _ in range(60):
        target.ask(503, route="/broken")
    assert target.shedding.problem == ""


def test_a_target_that_answers_nothing_else_sheds_load() -> None:
    target = Target()
    for _ in range(100):
        target.ask(503)
    assert target.shedding.problem


def test_what_was_recorded_or_is_unknown_is_no_load_that_is_shed() -> None:
    target = Target()
    for recorded in (429, 0):
        for _ in range(50):
            assert target.ask(429, headers=TOLD, recorded=recorded) is GO_ON


def test_a_read_is_sent_again_a_few_times_only() -> None:
    target = Target()
    target.settle()
    again = [target.again(7, 429, "/a", "GET", TOLD).again for _ in range(REPEATS + 2)]
    assert again == [True] * REPEATS + [False] * 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((("Retry-After", "7"),), 7.0),
        ((("Retry-After", "Fri, 01 Nov 2024 00:00:30 GMT"), ("Date", "Fri, 01 Nov 2024 00:00:00 GMT")), 30.0),
        ((("Retry-After", "Fri, 01 Nov 2024 00:00:30 GMT"),), 10.0),
        ((("Retry-After", "Thu, 01 Jan 1970 00:00:30 GMT"),), 0.0),
        ((("Retry-After", "-1"),), 0.0),
        ((("Retry-After", "soon"),), 0.0),
        ((("Retry-After", "1.5"),), 0.0),
        ((("Retry-After", "²"),), 0.0),
        ((("Retry-After", "9" * 5000),), 999_999_999.0),
        ((), 0.0),
    ],
)
def test_how_long_it_asks_to_wait(headers: Headers, seconds: float) -> None:
    response = answered(503, headers).response
    assert response is not None
    assert retry_after(response, 1730419220.0) == seconds
