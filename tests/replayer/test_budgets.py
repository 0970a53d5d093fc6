"""Budgets in whole rehearsals: what seems to be over is measured once more, and only then fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from diffing.difference import Answer
from diffing.gate import Outcome, Policy
from diffing.policy import Budget, Clause, Holding
from recorder.exchange import RecordedResponse
from replayer.budgets import Budgeting
from replayer.cases import CaseMaker
from replayer.engine import PassResult
from replayer.passes import CanaryRead, Pass
from replayer.plan import make_plan
from replayer.rehearsal import Request, rehearse
from replayer.target_settings import TargetSettings

from .test_rehearsal import BASELINE, instance
from .tiny import record, route_of

EXCHANGES = tuple(replace(each, route=route_of(each)) for each in record(users=6, rounds=10).exchanges)
PLAN = make_plan(EXCHANGES, route_of)
SLOW_ORDERS = (Budget("POST /orders", max_slowdown=2.0, slowdown_floor=0.1),)


@dataclass
class Scripted:
    """Replays that take what a script says: seconds of each request, by the name of the pass."""

    seconds: dict[str, float]
    problem: str = ""
    sent: list[tuple[str, int]] = field(default_factory=list)

    async def replay(self, name: str, target: TargetSettings, only: frozenset[int] | None) -> Pass:
        assert only is not None
        self.sent.append((name, len(only)))
        return self.passed(name)

    def passed(self, name: str) -> Pass:
        answer = Answer(RecordedResponse(200, "", ()), started=10.0, ended=10.0 + self.seconds[name])
        result = PassResult([answer] * len(PLAN.steps), problem=self.problem)
        return Pass(name, TargetSettings(name), result, CanaryRead({}, {}, frozenset()))

    def told(self, unrepeatable: str = "") -> Clause:
        maker = CaseMaker(PLAN)
        names = ["baseline 1", "baseline 2", "candidate"]
        self.problem, problem = "", self.problem
        one, other, candidate = map(self.passed, names)
        self.problem = problem
        cases = maker.cases([one, other], [candidate])
        target = TargetSettings("t")
        budgeting = Budgeting(PLAN, maker, self.replay, target, target, unrepeatable)
        (clause,) = asyncio.run(budgeting.clauses(cases, SLOW_ORDERS))
        return clause


FIRST = {"baseline 1": 0.2, "baseline 2": 0.2, "candidate": 0.9}


def test_what_is_over_is_measured_again_with_what_it_depends_on_and_nothing_else() -> None:
    script = Scripted({**FIRST, "times again: baseline": 0.2, "times again: candidate": 0.9})

    assert script.told().holding is Holding.FAILS
    assert [name for name, _ in script.sent] == ["times again: baseline", "times again: candidate"]
    assert {count for _, count in script.sent} < set(range(1, len(PLAN.steps)))


def test_what_is_over_once_fails_nothing() -> None:
    script = Scripted({**FIRST, "times again: baseline": 0.2, "times again: candidate": 0.2})

    assert script.told().holding is Holding.UNTOLD


def test_what_holds_is_not_measured_again() -> None:
    script = Scripted({**FIRST, "candidate": 0.39})

    assert (script.told().holding, script.sent) == (Holding.HELD, [])


def test_what_can_not_begin_anew_is_not_measured_again() -> None:
    script = Scripted(FIRST)

    clause = script.told("next can not begin anew")

    assert (clause.holding, script.sent) == (Holding.UNTOLD, [])


def test_a_second_measurement_that_breaks_off_leaves_the_budget_untold() -> None:
    script = Scripted({**FIRST, "times again: baseline": 0.2, "times again: candidate": 0.9}, problem="It died.")

    clause = script.told()

    assert clause.holding is Holding.UNTOLD
    assert "could not be measured again: times again: baseline: It died." in clause.sentences[0]


def test_a_slow_candidate_fails_the_gate_and_no_finding_is_needed_for_it() -> None:
    policy = Policy(budgets=SLOW_ORDERS)
    request = Request(
        "tiny", EXCHANGES, instance("new", "--slow", "POST /orders"), (BASELINE,), passes=2, policy=policy
    )

    verdict = asyncio.run(rehearse(request)).report.verdict

    assert (verdict.outcome, verdict.exit_code, verdict.blocking) == (Outcome.FAIL, 1, ())
    assert verdict.reasons[0].startswith(
        "The budget at most 2 times as long as the baseline, or 100 ms more is overrun"
    )
    (clause,) = [each for each in verdict.clauses if each.key == "policy.budgets[1].max_slowdown"]
    assert clause.evidence == ("POST /orders",)


def test_a_budget_of_statements_is_untold_where_nobody_observes() -> None:
    policy = Policy(budgets=(Budget("* /**", max_statements=20),))

    verdict = asyncio.run(
        rehearse(Request("tiny", EXCHANGES, instance("new"), (BASELINE,), policy=policy))
    ).report.verdict

    assert (verdict.outcome, verdict.exit_code) == (Outcome.INCONCLUSIVE, 3)
    assert "the statements of the candidate are not told" in verdict.reasons[0]
