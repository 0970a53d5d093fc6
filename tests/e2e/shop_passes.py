"""Single passes over the shop's shorter recording, with what the command line has no options for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from diffing.difference import Answer, Case, Comparison
from diffing.judge import judge
from diffing.profile import learn
from diffing.routes import RouteTable
from recorder.exchange import Exchange
from recorder.keys import load_key
from replayer.correlate import Correlator, Prepared
from replayer.flow import Step
from replayer.guide import make_guide
from replayer.passes import PassRunner
from replayer.plan import Plan, make_plan
from replayer.settings import load_settings, resolve_target

from .servers import KEY
from .shop import Shop


@dataclass(frozen=True)
class Passes:
    """Replays of one plan; each is at a fresh instance of the release that was recorded."""

    shop: Shop
    plan: Plan

    @classmethod
    def over(cls, shop: Shop, exchanges: Sequence[Exchange]) -> Passes:
        table = RouteTable((e.request.method, e.request.target, e.route) for e in exchanges)
        return cls(shop, make_plan(exchanges, lambda e: table.route(e.request.method, e.request.target, e.route)))

    def replay(
        self,
        *,
        concurrency: int = 1,
        correlate: bool = True,
        order: Callable[[int], float] = float,
        problem: str = "",
    ) -> list[Answer]:
        """What one pass is answered. `problem` is what it is ended for, a part of the sentence."""
        target = resolve_target("baseline", load_settings(self.shop.settings))
        target = replace(target, env=(*self.shop.environ.items(), *target.env))
        runner = PassRunner(
            plan=self.plan,
            guide=make_guide(self.plan),
            run_id="0123456789ab",
            key=load_key(KEY, None),
            recorded_hosts=frozenset(),
            concurrency=concurrency,
            correlate=correlate,
            order=order,
        )
        done = asyncio.run(runner.run("a pass", target))
        assert problem in done.result.problem
        assert bool(problem) == bool(done.result.problem), done.result.problem
        return done.result.answers

    def compare(self, baseline: Sequence[Sequence[Answer]], candidate: Sequence[Answer]) -> list[Comparison]:
        cases = [
            Case(
                step.exchange, step.route, tuple(answers[step.index] for answers in baseline), (candidate[step.index],)
            )
            for step in self.plan.steps
        ]
        return list(judge(cases, learn(cases, self.plan.flow.sorts), ()))

    def kept(self, answers: Sequence[Answer], chosen: set[int] | None = None) -> float:
        """The share of the steps, of all or of the chosen ones, that got the recorded status."""
        steps = [step for step in self.plan.steps if step.status and (chosen is None or step.index in chosen)]
        responses = [(step, answers[step.index].response) for step in steps]
        return sum(r is not None and r.status == step.status for step, r in responses) / len(steps)


def note_rewritten(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """From now on, the steps whose requests were sent with other values than the recorded ones."""
    rewritten: set[int] = set()

    class Noting(Correlator):
        def prepare(self, step: Step) -> Prepared:
            prepared = super().prepare(step)
            if prepared.replaced:
                rewritten.add(step.index)
            return prepared

    monkeypatch.setattr("replayer.engine.Correlator", Noting)
    return rewritten
