"""Passes of one recording that are kept, and rehearsals that take theirs from there instead of replaying.

The order of a run, the comparison, the grouping and the confirmation are the product's own (`replayer.rehearsal`): only
where a pass would be replayed, the next one of the pool is handed out. Every pass of a rehearsal is another fresh
instance's. Two things are shared between rehearsals because they can not differ: the plan, and what was learned from
the same passes of the baseline.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from diffing.difference import Answer
from diffing.profile import NoiseProfile, learn
from replayer import rehearsal as product
from replayer.breaker import Reference
from replayer.passes import Pass
from replayer.rehearsal import Rehearsal, Request, Watcher, _Rehearsing
from replayer.target_settings import TargetSettings

CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class Supply:
    """The passes of one rehearsal, in the order in which they are asked for. What is not there is replayed."""

    baselines: Sequence[Pass] = ()
    candidates: Sequence[Pass] = ()


class FromSupply(_Rehearsing):
    """A rehearsal whose passes come from a supply while there are any."""

    def __init__(self, request: Request) -> None:
        super().__init__(request, Watcher())
        self.replayed = 0
        self._supplied: dict[bool, Iterator[Pass]] = {}

    def supplied(self, supply: Supply, request: Request) -> FromSupply:
        """The same plan with other passes."""
        other = copy.copy(self)
        other._request = request
        other._started = time.time()
        other.replayed = 0
        other._supplied = {True: iter(supply.candidates), False: iter(supply.baselines)}
        return other

    async def _pass(
        self,
        name: str,
        target: TargetSettings,
        only: frozenset[int] | None = None,
        reference: Reference = Reference(heed_refusals=False),  # noqa: B008  frozen
    ) -> Pass:
        kept = next(self._supplied.get(target.name == CANDIDATE, iter(())), None)
        if kept is not None:
            return replace(kept, name=name)
        self.replayed += 1
        return await super()._pass(name, target, only, reference)

    async def fresh(self, target: TargetSettings, order: Any = None, concurrency: int = 0) -> Pass:
        """One pass more, of a fresh instance."""
        runner = self._runner
        if order is not None:
            runner = replace(runner, order=order)
        if concurrency:
            runner = replace(runner, concurrency=concurrency)
        return await runner.run(target.name, target)

    @property
    def steps(self) -> Sequence[Any]:
        return self._plan.steps


@dataclass(slots=True)
class Lessons:
    """What was learned, by the baseline's answers: those of a candidate teach nothing where there are two of them."""

    _kept: dict[tuple[tuple[float, float], ...], NoiseProfile] = field(default_factory=dict)

    def learn(self, cases: Any, sorts: Any) -> NoiseProfile:
        if any(not case.candidate for case in cases[:1]):
            return learn(cases, sorts)  # the candidate's own passes teach, in the place of the baseline's
        # without the candidate's answers: nothing may be learned from them
        alone = [replace(case, candidate=()) if case.baseline else case for case in cases]
        key = tuple((answer.started, answer.ended) for case in alone for answer in case.baseline)
        if key not in self._kept:
            if len(self._kept) > 3:
                self._kept.clear()
            self._kept[key] = learn(alone, sorts)
        return self._kept[key]

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """Rehearsals within learn once from the same passes."""
        module: Any = product
        before = module.learn
        module.learn = self.learn
        try:
            yield
        finally:
            module.learn = before


async def rehearsed(prepared: FromSupply, request: Request, supply: Supply, lessons: Lessons) -> Rehearsal:
    """What the product says of those passes."""
    with lessons.remembered():
        return await prepared.supplied(supply, request).run()


def with_answers(one: Pass, answers: list[Answer]) -> Pass:
    """The pass with other answers."""
    return replace(one, result=replace(one.result, answers=answers))
