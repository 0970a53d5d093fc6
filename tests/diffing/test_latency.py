"""Budgets of time: at the edge, beyond it, by chance, in noise, and when it is measured again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diffing.difference import Answer, Case, Reason
from diffing.latency import NO_BASELINE, Timing, slowdown_clauses, suspects, timings
from diffing.policy import Budget, Clause, Holding
from recorder.exchange import Exchange, RecordedRequest, RecordedResponse

HELD, FAILS, UNTOLD = Holding.HELD, Holding.FAILS, Holding.UNTOLD
TWICE = Budget("GET /a", max_slowdown=2.0)  # of the baseline's 0.5 s: a second
OVER, WITHIN = 1.001, 1.0


def times(
    over: int, within: int = 0, baseline: tuple[float | None, ...] = (0.5, 0.5), route: str = "/a"
) -> list[Timing]:
    return [Timing("GET", route, baseline, seconds) for seconds in [OVER] * over + [WITHIN] * within]


def told(first: list[Timing], again: list[Timing] | None = None, budget: Budget = TWICE, why: str = "") -> Clause:
    (clause,) = slowdown_clauses(first, first if again is None else again, [budget], why)
    return clause


@pytest.mark.parametrize(
    ("usual", "floor", "seconds", "holding"),
    [
        (0.5, 0.01, 0.999, HELD),
        (0.5, 0.01, 1.0, HELD),
        (0.5, 0.01, 1.001, FAILS),
        (0.25, 0.75, 0.999, HELD),
        (0.25, 0.75, 1.0, HELD),
        (0.25, 0.75, 1.001, FAILS),
        (0.0, 0.01, 0.01, HELD),
        (0.0, 0.01, 0.0101, FAILS),
    ],
)
def test_a_route_may_take_what_ratio_or_floor_allow(
    usual: float, floor: float, seconds: float, holding: Holding
) -> None:
    first = [Timing("GET", "/a", (usual, usual), seconds)] * 20

    assert told(first, budget=replace(TWICE, slowdown_floor=floor)).holding is holding


@pytest.mark.parametrize(
    ("over", "within", "holding"),
    [
        (9, 0, UNTOLD),  # too few: 1/512
        (0, 9, UNTOLD),
        (10, 0, FAILS),  # 1/1024
        (10, 10, HELD),
        (11, 9, UNTOLD),
        (17, 3, UNTOLD),  # 0.0013
        (18, 2, FAILS),  # 0.0002
    ],
)
def test_more_exchanges_must_be_over_than_chance_explains(over: int, within: int, holding: Holding) -> None:
    assert told(times(over, within)).holding is holding


@pytest.mark.parametrize(
    ("again", "holding"),
    [((7, 0), FAILS), ((6, 0), UNTOLD), ((0, 0), UNTOLD), ((0, 20), UNTOLD), ((15, 5), UNTOLD), ((16, 4), FAILS)],
)
def test_what_was_over_must_be_over_again(again: tuple[int, int], holding: Holding) -> None:
    assert told(times(20), times(*again)).holding is holding


@pytest.mark.parametrize(("noisy", "holding"), [(10, FAILS), (11, UNTOLD)])
def test_noise_beyond_the_budget_leaves_it_untold(noisy: int, holding: Holding) -> None:
    first = times(noisy, baseline=(0.2, 0.45, 0.45)) + times(20 - noisy, baseline=(0.45, 0.45, 0.45))

    assert told(first).holding is holding
    assert (suspects(first, [TWICE]) == set()) is (holding is UNTOLD)


def test_noise_leaves_untold_also_what_seems_to_hold() -> None:
    clause = told(times(0, 20, baseline=(0.2, 0.6)))

    assert clause.holding is UNTOLD
    assert clause.sentences == (
        "The budget at most 2 times as long as the baseline, or 10 ms more can not be told: GET /a: 2.50 times as"
        " long, 20 of 20 exchanges over, but so is one pass of the baseline against another.",
    )


@pytest.mark.parametrize(("seconds", "holding"), [(0.4, HELD), (0.401, UNTOLD)])
def test_what_holds_beside_the_quickest_pass_holds_whatever_the_noise(seconds: float, holding: Holding) -> None:
    assert told([Timing("GET", "/a", (0.2, 0.6), seconds)] * 20).holding is holding


def test_one_pass_of_the_baseline_shows_no_noise_and_fails_nothing() -> None:
    assert told(times(20, baseline=(0.5,))).holding is UNTOLD
    assert told(times(0, 20, baseline=(0.5,))).holding is HELD
    assert suspects(times(20, baseline=(0.5,)), [TWICE]) == set()


def test_what_can_not_be_measured_again_fails_nothing() -> None:
    clause = told(times(20), [], why="next can not begin anew")

    assert clause.holding is UNTOLD
    assert "could not be measured again: next can not begin anew" in clause.sentences[0]
    assert told(times(0, 20), [], why="next can not begin anew").holding is HELD


def test_without_a_baseline_or_an_exchange_a_budget_is_untold() -> None:
    assert NO_BASELINE in told([], [], why=NO_BASELINE).sentences[0]
    assert told(times(20, route="/b")).holding is UNTOLD


def test_the_worst_route_decides_and_is_named() -> None:
    everything = replace(TWICE, route="* /**")
    first = times(20) + times(0, 20, route="/b") + times(11, 9, route="/c")

    clause = told(first, budget=everything)

    assert clause == Clause(
        "policy.budgets[1].max_slowdown",
        "* /**: at most 2 times as long as the baseline, or 10 ms more",
        "2.00 times as long, 20 of 20 exchanges over, and 20 of 20 when measured again (GET /a)",
        FAILS,
        (
            "The budget at most 2 times as long as the baseline, or 10 ms more is overrun: GET /a: 2.00 times as long,"
            " 20 of 20 exchanges over, and 20 of 20 when measured again.",
        ),
        ("GET /a",),
    )
    assert suspects(first, [everything]) == {("GET", "/a")}


def test_routes_with_few_exchanges_are_judged_together() -> None:
    everything = replace(TWICE, route="* /**")
    rare = times(5) + times(5, route="/b")

    clause = told(rare, budget=everything)

    assert (clause.holding, clause.evidence) == (FAILS, ("GET /a", "GET /b"))
    assert suspects(rare, [everything]) == {("GET", "/a"), ("GET", "/b")}
    assert told(times(5) + times(0, 5, route="/b"), budget=everything).holding is HELD


def test_a_budget_without_a_limit_of_time_says_nothing() -> None:
    assert [*slowdown_clauses(times(20), [], [Budget("* /**", max_statements=3)])] == []
    assert suspects(times(20), [Budget("* /**", max_statements=3)]) == set()


def answer(seconds: float, status: int = 200, reason: Reason | None = None) -> Answer:
    return Answer(RecordedResponse(status, "", ()), started=100.0, ended=100.0 + seconds, reason=reason)


def test_only_answers_with_one_status_are_timed() -> None:
    exchange = Exchange("1", RecordedRequest("GET", "/a", ()), None, 0.0, 0.0)
    none = Answer(None, "timeout", 100.0, 130.0)

    def case(baseline: list[Answer], candidate: list[Answer]) -> Case:
        return Case(exchange, "/a", tuple(baseline), tuple(candidate))

    assert timings(
        [
            case([answer(1.0), answer(2.0, 500), none, answer(3.0)], [answer(4.0), answer(9.0)]),
            case([answer(1.0)], [none]),
            case([answer(1.0)], [answer(4.0, 404)]),
            case([answer(1.0)], [answer(4.0, reason=Reason.BLOCKED)]),
            case([], [answer(4.0)]),
            case([answer(1.0)], []),
        ]
    ) == [Timing("GET", "/a", (1.0, None, None, 3.0), 4.0)]
