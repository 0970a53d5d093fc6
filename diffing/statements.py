"""Whether the requests of a route run more SQL statements than a budget allows.

Statements are counted, not timed: one request over its budget is over it. Only where the count of the baseline's own
passes varies (a cache that is filled at some moment) is as much of it no evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .difference import Case
from .policy import Budget, Clause, Holding, counted, listed
from .routes import matches

UNOBSERVED = "the statements of {side} are not told: set UNDERSTUDY_OBSERVE=1 and the recording's key for it"
LIMITS = ("max_statements", "max_more_statements")


@dataclass(frozen=True, slots=True)
class _Count:
    """The statements of one exchange; None: not observed. `varies`: by how much the baseline's own passes differ."""

    name: str  # of the route
    candidate: int | None
    partial: bool  # there may have been more
    baseline: int | None
    varies: int


def statement_clauses(cases: Iterable[Case], budgets: Sequence[Budget]) -> Iterator[Clause]:
    """What became of each limit of statements."""
    wanted = [(number, budget) for number, budget in enumerate(budgets, 1) if _limits(budget)]
    if not wanted:
        return
    routes: dict[tuple[str, str], list[_Count]] = defaultdict(list)
    for case in cases:
        if case.candidate and case.candidate[0].response is not None:
            routes[case.method, case.route].append(_count(case))
    for number, budget in wanted:
        counts = [each for place, found in routes.items() if matches(budget.route, *place) for each in found]
        for limit in _limits(budget):
            yield _clause(number, budget, limit, counts)


def _limits(budget: Budget) -> list[str]:
    return [limit for limit in LIMITS if getattr(budget, limit) is not None]


def _count(case: Case) -> _Count:
    observed = case.candidate[0].observed
    before = [
        answer.observed.sql
        for answer in case.baseline
        if answer.observed is not None and answer.observed.sql is not None and not answer.observed.partial
    ]
    if not case.baseline and case.exchange.sql is not None:
        before = [case.exchange.sql]  # compared with the recording alone
    counts = [sum(statement.count for statement in sql) for sql in before]
    sql = observed.sql if observed is not None else None
    return _Count(
        f"{case.method} {case.route}",
        None if sql is None else sum(statement.count for statement in sql),
        observed is not None and observed.partial,
        max(counts, default=None),
        max(counts) - min(counts) if counts else 0,
    )


def _clause(number: int, budget: Budget, limit: str, counts: Sequence[_Count]) -> Clause:
    """Each exchange is over, doubtful, or within; the worst of all decides."""
    most: int = getattr(budget, limit)
    more = limit == "max_more_statements"
    asked = f"at most {counted(most, 'statement')} of a request" + (" more than the baseline" if more else "")
    over: dict[str, tuple[int, int]] = {}  # route -> the worst request's count, and how many are over
    doubts: dict[str, str] = {}
    worst = 0
    for each in counts:
        if each.candidate is None:
            doubts[each.name] = UNOBSERVED.format(side="the candidate")
            continue
        if more and each.baseline is None:
            doubts[each.name] = UNOBSERVED.format(side="the baseline")
            continue
        value = each.candidate - (each.baseline or 0) if more else each.candidate
        worst = max(worst, value)
        if value - each.varies > most:
            highest, times = over.get(each.name, (0, 0))
            over[each.name] = max(highest, value), times + 1
        elif value > most:
            doubts[each.name] = f"{value}, but the baseline's own passes differ by {each.varies}"
        elif each.partial:
            doubts[each.name] = f"{value} were told, and there may have been more"
    key = f"policy.budgets[{number}].{limit}"
    measured = f"{worst} at most in {counted(len(counts), 'request')}"
    if over:
        names = sorted(over, key=lambda name: (-over[name][0], name))
        shown = [f"{name}: {over[name][0]} in the worst of {counted(over[name][1], 'request')}" for name in names]
        sentence = f"The budget of {asked} is overrun: {listed(shown)}."
        return Clause(key, f"{budget.route}: {asked}", measured, Holding.FAILS, (sentence,), tuple(names))
    if not counts:
        doubts[budget.route] = "no exchange of such a route was replayed"
    if doubts:
        shown = [f"{name}: {doubts[name]}" for name in sorted(doubts)]
        sentence = f"The budget of {asked} can not be told: {listed(shown)}."
        names = sorted(doubts) if counts else []
        return Clause(key, f"{budget.route}: {asked}", measured, Holding.UNTOLD, (sentence,), tuple(names))
    return Clause(key, f"{budget.route}: {asked}", measured, Holding.HELD)
