"""Passes -> cases: each recorded exchange with what every pass answered to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from diffing.difference import Answer, Case
from diffing.signatures import ExchangeContext
from diffing.views import View, changed
from recorder.exchange import Exchange
from recorder.redaction import Redactor

from .answers import PackedAnswers
from .engine import NOT_SENT, Answers
from .keeping import kept_observations
from .passes import Pass
from .plan import Plan


@dataclass(frozen=True, slots=True)
class CaseMaker:
    """Puts the answers of passes side by side, exchange by exchange, in the plan's order.

    `stored` are answers of earlier runs by exchange, which stand in for baseline passes. They, and a recording that is
    compared with directly, hold pseudonyms: what is compared with them goes through `redactor` first.
    """

    plan: Plan
    stored: tuple[Mapping[str, Answer], ...] = ()
    redactor: Redactor | None = None

    def cases(
        self, baselines: Sequence[Pass], candidates: Sequence[Pass], only: frozenset[int] | None = None
    ) -> Sequence[Case]:
        """One case per step, or per step of `only`, each made anew whenever it is read."""
        steps = [step for step in self.plan.steps if only is None or step.index in only]
        judged = [self._judged(one.result.answers) for one in candidates]

        def case(number: int) -> Case:
            step = steps[number]
            reference = tuple([one.result.answers[step.index] for one in baselines])
            if not baselines:
                reference = tuple([answers.get(step.exchange.id, NOT_SENT) for answers in self.stored])
            return Case(step.exchange, step.route, reference, tuple([answers[step.index] for answers in judged]))

        return View(len(steps), case)

    def _judged(self, answers: Answers) -> Answers:
        if self.redactor is None:
            return answers
        pairs = zip(self.plan.steps, answers, strict=True)
        return PackedAnswers.of(self.redacted(answer, step.exchange) for step, answer in pairs)

    def contexts(self, cases: Sequence[Case]) -> dict[str, ExchangeContext]:
        """What grouping needs to know of every exchange; `cases` are those of all steps."""
        return {
            step.exchange.id: ExchangeContext(
                session=str(step.session),
                order=step.index,
                size=step.exchange.request.body.size
                + (step.exchange.response.body.size if step.exchange.response else 0),
                principal=step.principal,
                status=_reference_status(case),
            )
            for step, case in zip(self.plan.steps, cases, strict=True)
        }

    def redacted(self, answer: Answer, recorded: Exchange) -> Answer:
        """The answer as what is compared with it was kept."""
        if self.redactor is None or answer.response is None:
            return answer
        observed = kept_observations(answer.observed, recorded, self.redactor)
        return replace(answer, response=self.redactor.redact_answer(answer.response, recorded), observed=observed)


def teaching(cases: Sequence[Case]) -> Sequence[Case]:
    """What teaches which values vary: two baseline passes, or else the recording, or the candidate's own passes."""
    if not cases or len(cases[0].baseline) != 1 or len(cases[0].candidate) < 2:
        return cases
    return changed(cases, lambda case: replace(case, baseline=case.candidate, candidate=()))


def _reference_status(case: Case) -> int | None:
    response = case.baseline[0].response if case.baseline else case.exchange.response
    return response.status if response else None
