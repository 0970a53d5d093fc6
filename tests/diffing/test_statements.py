"""Budgets of SQL statements: at the edge and beyond it, by request, against the baseline, and where little is told."""

from __future__ import annotations

import pytest

from diffing.difference import Answer, Case
from diffing.policy import Budget, Clause, Holding
from diffing.statements import statement_clauses
from recorder.exchange import Exchange, Observed, RecordedRequest, RecordedResponse, SqlStatement

HELD, FAILS, UNTOLD = Holding.HELD, Holding.FAILS, Holding.UNTOLD


def ran(count: int) -> tuple[SqlStatement, ...]:
    return (SqlStatement("f", "SELECT 1", count - 1, 1), SqlStatement("g", "SELECT 2", 1, 1)) if count else ()


def answer(count: int | None, partial: bool = False) -> Answer:
    observed = None if count is None else Observed(ran(count), partial=partial)
    return Answer(RecordedResponse(200, "", ()), observed=observed)


def case(
    candidate: int | None, *baseline: int | None, recorded: int | None = None, partial: bool = False, route: str = "/a"
) -> Case:
    sql = None if recorded is None else ran(recorded)
    exchange = Exchange("1", RecordedRequest("GET", route, ()), None, 0.0, 0.0, sql=sql)
    return Case(exchange, route, tuple(answer(count) for count in baseline), (answer(candidate, partial),))


def told(budget: Budget, *cases: Case) -> Clause:
    (clause,) = statement_clauses(cases, [budget])
    return clause


MOST = Budget("GET /a", max_statements=5)
MORE = Budget("GET /a", max_more_statements=1)
NONE_MORE = Budget("GET /a", max_more_statements=0)


@pytest.mark.parametrize(
    ("budget", "found", "holding"),
    [
        (MOST, case(4, 1), HELD),
        (MOST, case(5, 1), HELD),
        (MOST, case(6, 1), FAILS),
        (MOST, case(6), FAILS),
        (MOST, case(5, partial=True), UNTOLD),
        (MOST, case(6, partial=True), FAILS),
        (MOST, case(None, 1), UNTOLD),
        (MOST, case(6, 4, 5), UNTOLD),  # the passes of the baseline differ by one
        (MOST, case(7, 4, 5), FAILS),
        (Budget("GET /a", max_statements=0), case(0), HELD),
        (Budget("GET /a", max_statements=0), case(1), FAILS),
        (MORE, case(3, 3), HELD),
        (MORE, case(4, 3), HELD),
        (MORE, case(5, 3), FAILS),
        (MORE, case(5, 3, 4), HELD),
        (MORE, case(6, 3, 4), UNTOLD),
        (MORE, case(7, 3, 4), FAILS),
        (MORE, case(4, None), UNTOLD),
        (MORE, case(None, 3), UNTOLD),
        (NONE_MORE, case(2, 3), HELD),
        (NONE_MORE, case(3, 3), HELD),
        (NONE_MORE, case(4, 3), FAILS),
        (NONE_MORE, case(3, recorded=3), HELD),  # compared with the recording alone
        (NONE_MORE, case(4, recorded=3), FAILS),
        (NONE_MORE, case(4), UNTOLD),
        (MOST, case(1, route="/b"), UNTOLD),  # no request of such a route
    ],
)
def test_a_request_may_run_what_its_budget_says(budget: Budget, found: Case, holding: Holding) -> None:
    clause = told(budget, found)

    assert clause.holding is holding
    assert bool(clause.sentences) is (holding is not HELD)


def test_one_request_over_its_budget_is_enough_and_the_worst_are_named() -> None:
    everything = Budget("* /**", max_statements=5)

    clause = told(everything, case(1), case(9), case(7), case(1, route="/b"), case(20, route="/c"), case(None))

    assert clause == Clause(
        "policy.budgets[1].max_statements",
        "* /**: at most 5 statements of a request",
        "20 at most in 6 requests",
        FAILS,
        (
            "The budget of at most 5 statements of a request is overrun: GET /c: 20 in the worst of 1 request;"
            " GET /a: 9 in the worst of 2 requests.",
        ),
        ("GET /c", "GET /a"),
    )


def test_a_request_without_an_answer_ran_nothing_that_is_known() -> None:
    silent = Case(case(1).exchange, "/a", (), (Answer(None, "timeout"),))

    assert told(MOST, silent).holding is UNTOLD


def test_every_limit_of_every_budget_is_told_and_no_other() -> None:
    both = Budget("GET /a", max_statements=5, max_more_statements=0)

    keys = [clause.key for clause in statement_clauses([case(1, 1)], [Budget("GET /a", max_slowdown=2.0), both])]

    assert keys == ["policy.budgets[2].max_statements", "policy.budgets[2].max_more_statements"]
