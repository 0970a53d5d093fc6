"""Whose doing a storm of refusals is: passes that a test answers, at targets that are never opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from diffing.difference import Answer, Reason
from recorder.exchange import Body, RecordedResponse
from replayer.breaker import Reference
from replayer.engine import PassResult
from replayer.passes import CanaryRead, Pass
from replayer.plan import Plan, make_plan
from replayer.refusals import STORM
from replayer.storms import ASKED, Storms
from replayer.target_settings import TargetSettings

from .tiny import record, route_of

STARTED = TargetSettings("new", start=("serve", "{port}"), disposable=True)
RUNNING = TargetSettings("new", url="http://staging.internal", disposable=True)
BASELINE = TargetSettings("old", start=("serve", "{port}"), disposable=True)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(record(users=6, rounds=10).exchanges, route_of)


@dataclass
class Replays:
    """Answers each step of a pass with the status that `says` gives for the pass's name and the step."""

    plan: Plan
    says: Callable[[str, int], int]
    asked: list[tuple[str, frozenset[int] | None, bool]] = field(default_factory=list)
    minted: int = 0

    async def __call__(
        self, name: str, target: TargetSettings, only: frozenset[int] | None, reference: Reference
    ) -> Pass:
        self.asked.append((name, only, reference.heed_refusals))
        answers = [Answer(None, reason=Reason.OVER_BUDGET)] * len(self.plan.steps)
        for index in only if only is not None else range(len(answers)):
            status = self.says(name, index)
            response = RecordedResponse(status, "", (), Body())
            answers[index] = Answer(response, "", 100.0 + index, 100.5 + index)
        result = PassResult(answers, minted=self.minted)
        stormy = [i for i, a in enumerate(answers) if a.response is not None and a.response.status == 401]
        if stormy and reference.heed_refusals:
            result.problem = f"{STORM}: 10 of the last 10"
            for index in range(stormy[0], len(answers)):
                answers[index] = Answer(None, reason=Reason.CANCELLED, detail=result.problem)
        return Pass(name, target, result, CanaryRead({}, {}, frozenset()))


def made(replays: Replays, candidate: TargetSettings, baseline: TargetSettings = BASELINE) -> Pass:
    async def main() -> Pass:
        first = await replays("baseline 1", baseline, None, Reference())
        replays.asked.clear()
        return await Storms(replays.plan, replays).pass_of(candidate, first)

    return asyncio.run(main())


def recorded(plan: Plan, index: int) -> int:
    return plan.steps[index].status


def test_without_a_storm_there_is_one_pass(plan: Plan) -> None:
    replays = Replays(plan, lambda name, index: recorded(plan, index))
    assert made(replays, STARTED).result.problem == ""
    assert [name for name, _, _ in replays.asked] == ["candidate"]


def test_where_the_baseline_still_lets_in_the_candidates_pass_is_made_in_full(plan: Plan) -> None:
    replays = Replays(plan, lambda name, index: 401 if name.startswith("candidate") else recorded(plan, index))
    one = made(replays, STARTED)
    assert (one.name, one.result.problem) == ("candidate", "")
    assert [(name, heeds) for name, _, heeds in replays.asked] == [
        ("candidate", True),
        ("the baseline again", False),
        ("candidate in full", False),
    ]
    only = replays.asked[1][1]
    assert only is not None
    assert 0 < len({plan.steps[index].route for index in only}) <= len(plan.steps)
    assert len(only) < len(plan.steps)


def test_where_the_baseline_lets_nobody_in_either_the_pass_says_nothing(plan: Plan) -> None:
    replays = Replays(plan, lambda name, index: recorded(plan, index) if name == "baseline 1" else 401)
    one = made(replays, STARTED)
    assert one.result.problem.startswith(STORM)
    assert one.result.problem.endswith("refuses them as well by now: the credentials have expired")
    assert [name for name, _, _ in replays.asked] == ["candidate", "the baseline again"]


def test_a_candidate_that_can_not_begin_anew_is_looked_at_afterwards(plan: Plan) -> None:
    replays = Replays(plan, lambda name, index: recorded(plan, index) if name == "baseline 1" or index < 20 else 401)
    one = made(replays, RUNNING)
    assert one.result.problem.startswith(STORM)
    assert [(name, heeds) for name, _, heeds in replays.asked] == [("candidate", False), ("the baseline again", False)]
    kept = {index for index, answer in enumerate(one.result.answers) if answer.response is not None}
    assert kept == set(range(20))
    assert {a.reason for a in one.result.answers[20:]} == {Reason.CANCELLED}


def test_its_answers_stand_where_the_baseline_still_lets_in(plan: Plan) -> None:
    replays = Replays(plan, lambda name, index: 401 if name == "candidate" else recorded(plan, index))
    one = made(replays, RUNNING)
    assert one.result.problem == ""
    assert {a.response.status for a in one.result.answers if a.response} == {401}


def test_other_credentials_than_the_baselines_can_not_be_compared(plan: Plan) -> None:
    replays = Replays(plan, lambda name, index: 401 if name == "candidate" else recorded(plan, index), minted=3)
    one = made(replays, replace(STARTED, mint="other:hook"))
    assert "Its mint hook is not the baseline's" in one.result.problem
    assert [name for name, _, _ in replays.asked] == ["candidate"]


def test_a_baseline_that_stays_as_it_is_is_asked_for_reads_alone(plan: Plan) -> None:
    reads = make_plan((e for e in record(users=6, rounds=10).exchanges if e.request.method == "GET"), route_of)
    replays = Replays(reads, lambda name, index: 401 if name == "candidate" else 200)
    made(replays, STARTED, replace(RUNNING, name="old"))
    only = replays.asked[1][1]
    assert only is not None
    assert 0 < len(only) <= ASKED + 20
    assert {reads.steps[index].exchange.request.method for index in only} == {"GET"}


def test_one_that_can_not_be_asked_again_is_believed(plan: Plan) -> None:
    replays = Replays(plan, lambda name, index: 401 if name == "candidate" else recorded(plan, index))
    one = made(replays, STARTED, replace(RUNNING, name="old"))
    assert one.result.problem == ""
    assert [name for name, _, _ in replays.asked] == ["candidate", "candidate in full"]
