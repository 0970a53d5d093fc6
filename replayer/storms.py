"""A candidate that refuses what the baseline was granted: its own doing, or that of credentials that ran out meanwhile.

The baseline went first, with the same credentials. It is asked again, a few requests of those that the candidate
refused: if it still lets them in, the candidate has changed, and its pass is made in full; if it refuses them as well,
nothing can be said of the candidate.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from diffing.difference import Answer, Reason

from .breaker import Reference
from .engine import closure
from .passes import Pass, statuses
from .plan import Plan
from .refusals import STORM, Refusals, bears_credentials, how_refused
from .safety import SAFE_METHODS, effective_method
from .target_settings import TargetSettings, repeatable

ASKED = 6
"""Requests that the baseline is asked again."""

Replay = Callable[[str, TargetSettings, frozenset[int] | None, Reference], Awaitable[Pass]]


@dataclass(frozen=True, slots=True)
class Storms:
    """Makes the candidate's pass, and finds out whose doing a storm of refusals in it is."""

    plan: Plan
    replay: Replay

    async def pass_of(self, candidate: TargetSettings, baseline: Pass) -> Pass:
        """The candidate's pass, held against the baseline's. A storm that is no fault of it stands as its problem."""
        reference = Reference(statuses(baseline.result.answers))
        if not repeatable(candidate):  # it can not begin anew: broken off, its pass would be lost
            one = await self.replay("candidate", candidate, None, replace(reference, heed_refusals=False))
            await self._look_back(one, baseline, reference)
            return one
        one = await self.replay("candidate", candidate, None, reference)
        if not one.result.problem.startswith(STORM):
            return one
        excuse = await self._excuse(one, baseline, reference)
        if excuse:
            one.result.problem += f". {excuse}"
            return one
        one = await self.replay("candidate in full", candidate, None, replace(reference, heed_refusals=False))
        one.name = "candidate"
        return one

    async def _look_back(self, one: Pass, baseline: Pass, reference: Reference) -> None:
        """Looks for a storm in a pass that was made in full, and takes back what it says if it is nobody's fault."""
        if one.result.problem:
            return
        answers, refusals, storm = one.result.answers, Refusals(bool(one.target.mint)), ""
        answered = [
            (answer.started, step.index, how_refused(answer.response))
            for step, answer in zip(self.plan.steps, answers, strict=True)
            if answer.response is not None
        ]
        for started, index, how in sorted(answered):
            step = self.plan.steps[index]
            storm = storm or refusals.note(step, reference.status(step), how, started)
        excuse = await self._excuse(one, baseline, reference) if storm else ""
        if excuse:
            one.result.problem = f"{storm}. {excuse}"
            for index, answer in enumerate(answers):
                if index in refusals.refused or answer.started >= refusals.onset:
                    answers[index] = Answer(None, reason=Reason.CANCELLED, detail=one.result.problem)

    async def _excuse(self, one: Pass, baseline: Pass, reference: Reference) -> str:
        """Why the candidate can not be blamed, a sentence; "" when it can."""
        if one.target.mint != baseline.target.mint and one.result.minted:
            return "Its mint hook is not the baseline's, so that the two were not given the same credentials"
        asked = self._asked(one, baseline.target, reference)
        if not asked:
            return ""
        reference = replace(reference, heed_refusals=False)
        again = await self.replay("the baseline again", baseline.target, closure(self.plan, asked), reference)
        answers = [again.result.answers[index] for index in asked]
        admitted = sum(answer.response is not None and not how_refused(answer.response) for answer in answers)
        if again.result.problem or not any(answer.response is not None for answer in answers):
            return "The baseline, which let them in before, could not be asked again"
        if 2 * admitted >= len(asked):
            return ""
        return "The baseline, which let them in before, refuses them as well by now: the credentials have expired"

    def _asked(self, one: Pass, baseline: TargetSettings, reference: Reference) -> list[int]:
        """A few of the refused steps, of as many routes as there are; of an instance that stays as it is, reads."""
        chosen: dict[str, int] = {}
        steps = sorted(self.plan.steps, key=lambda step: not bears_credentials(step))
        for step in steps:
            answer = one.result.answers[step.index]
            refused = how_refused(answer.response) if answer.response else answer.reason is Reason.CANCELLED
            if not refused or not 200 <= reference.status(step) < 300 or step.route in chosen:
                continue
            if repeatable(baseline) or self._only_reads(step.index):
                chosen[step.route] = step.index
            if len(chosen) == ASKED:
                break
        return list(chosen.values())

    def _only_reads(self, index: int) -> bool:
        needed = closure(self.plan, [index])
        return all(effective_method(self.plan.steps[each].exchange.request) in SAFE_METHODS for each in needed)
