"""What a pass learns can be kept as facts, and whoever takes them in knows the same."""

from __future__ import annotations

import asyncio
import json

import pytest

from diffing.difference import Answer
from replayer.client import Client
from replayer.correlate import Correlator
from replayer.engine import Batch, Journal, PassOptions, batch_of, run_batch
from replayer.flow import Step
from replayer.guide import Guide, make_guide
from replayer.learned import Fact, Learned
from replayer.plan import Plan, make_plan

from .tiny import AppTransport, TinyApp, record, route_of


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(record(users=5, rounds=8).exchanges, route_of)


class Keeping(Journal):
    """Keeps everything as JSON, as a store would."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.answers: dict[int, Answer] = {}
        self.facts: list[str] = []

    async def sending(self, step: Step) -> None:
        self.sent.append(step.index)

    async def answered(self, step: Step, answer: Answer, facts: list[Fact]) -> None:
        self.answers[step.index] = answer
        self.facts += map(json.dumps, facts)


def replay(app: TinyApp, batch: Batch, correlator: Correlator, journal: Journal) -> None:
    async def run() -> None:
        async with Client("http://127.0.0.1:9", transport=AppTransport(app.handle)) as client:
            result = await run_batch(batch, correlator, client, PassOptions(disposable=True), journal=journal)
            assert result.answers.keys() == batch.steps.keys()

    asyncio.run(run())


def test_who_takes_the_facts_in_knows_what_they_know_who_learned_them(plan: Plan) -> None:
    correlator, journal = Correlator(make_guide(plan)), Keeping()
    replay(TinyApp(offset=41, seed=2), batch_of(plan), correlator, journal)
    heir = Learned()
    heir.absorb(tuple(json.loads(fact)) for fact in journal.facts)
    assert heir == correlator.learned
    assert heir.bindings
    assert heir.tokens
    assert correlator.learned.take() == []


def test_a_pass_in_two_parts_is_answered_as_one_in_one(plan: Plan) -> None:
    whole, guide = Keeping(), make_guide(plan)
    replay(TinyApp(offset=41, seed=2), batch_of(plan), Correlator(guide), whole)
    app, parts, half = TinyApp(offset=41, seed=2), Keeping(), len(plan.steps) // 2
    replay(app, batch_of(plan, frozenset(range(half))), Correlator(guide), parts)
    second = Correlator(Guide.from_json(json.loads(json.dumps(guide.to_json()))))
    second.learned.absorb(tuple(json.loads(fact)) for fact in parts.facts)
    replay(app, batch_of(plan, frozenset(range(half, len(plan.steps)))), second, parts)

    def said(journal: Keeping) -> dict[int, int]:
        return {i: a.response.status if a.response else 0 for i, a in journal.answers.items()}

    assert said(parts) == said(whole)


def test_every_write_is_told_of_before_it_is_sent_and_no_read(plan: Plan) -> None:
    journal = Keeping()
    replay(TinyApp(offset=41, seed=2), batch_of(plan), Correlator(make_guide(plan)), journal)
    sent = {i for i, a in journal.answers.items() if a.response is not None}
    assert sorted(journal.sent) == sorted(step.index for step in plan.steps if not step.reads and step.index in sent)


def test_a_journal_that_refuses_ends_the_batch(plan: Plan) -> None:
    class Refusing(Journal):
        async def sending(self, step: Step) -> None:
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        replay(TinyApp(), batch_of(plan), Correlator(make_guide(plan)), Refusing())


def test_a_guide_survives_json(plan: Plan) -> None:
    guide = make_guide(plan)
    assert Guide.from_json(json.loads(json.dumps(guide.to_json()))) == guide


@pytest.mark.parametrize("fact", [(), ("b", "sort"), ("z", "a", "b"), ("t", 1, "b"), ("s", "sort", "1")])
def test_what_is_no_fact_is_refused(fact: Fact) -> None:
    with pytest.raises(ValueError, match="not a fact"):
        Learned().absorb([fact])
