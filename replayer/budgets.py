"""The budgets of a run: what seems to be over is measured once more, in a pass of each side, before it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from diffing.difference import Case
from diffing.latency import NO_BASELINE, Timing, slowdown_clauses, suspects, timings
from diffing.policy import Budget, Clause
from diffing.statements import statement_clauses

from .cases import CaseMaker
from .engine import closure
from .passes import Pass
from .plan import Plan
from .target_settings import TargetSettings

Replay = Callable[[str, TargetSettings, frozenset[int] | None], Awaitable[Pass]]


@dataclass(frozen=True, slots=True)
class Budgeting:
    """What the clauses of one run need."""

    plan: Plan
    maker: CaseMaker
    replay: Replay
    candidate: TargetSettings
    baseline: TargetSettings | None  # None: no live one
    unrepeatable: str = ""  # why no pass can be made again; a sentence

    async def clauses(self, cases: Sequence[Case], budgets: Sequence[Budget]) -> tuple[Clause, ...]:
        """What became of all budgets."""
        if not budgets:
            return ()
        if self.baseline is None:
            return (*slowdown_clauses([], [], budgets, NO_BASELINE), *statement_clauses(cases, budgets))
        first = timings(cases)
        again: list[Timing] = []
        why = self.unrepeatable
        slow = suspects(first, budgets)
        if slow and not why:
            again, why = await self._again(self.baseline, slow)
        return (*slowdown_clauses(first, again, budgets, why), *statement_clauses(cases, budgets))

    async def _again(self, baseline: TargetSettings, slow: frozenset[tuple[str, str]]) -> tuple[list[Timing], str]:
        """Their times in a second pair of passes, or why there is none."""
        steps = self.plan.steps
        wanted = [step.index for step in steps if (step.exchange.request.method, step.route) in slow]
        only = closure(self.plan, wanted)
        passes = [
            await self.replay("times again: baseline", baseline, only),
            await self.replay("times again: candidate", self.candidate, only),
        ]
        for one in passes:
            if one.result.problem:
                return [], f"{one.name}: {one.result.problem}"
        return timings(self.maker.cases(passes[:1], passes[1:], only)), ""
