"""What if: a case is heard as if the candidate had answered otherwise, in the middle of a run, and leaves no trace.

What stands for what is kept across the cases of a run, so that a mutant could be judged by judging the whole run once
more. Here it costs one case, and the verdict is the same: the run's state is used where it is, and put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .difference import Case, Comparison
from .judge import Court
from .noise import NoiseRule
from .profile import NoiseProfile
from .tentative import Bound, TentativeRenaming
from .walk import Pair
from .windows import PassClock


@dataclass(frozen=True, slots=True)
class Hidden:
    """A pair that differs and does not count. `path` is concrete, `shape` is over all rows."""

    path: str
    shape: str
    why: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The outcome of one case, with what it rests on."""

    comparison: Comparison
    hidden: tuple[Hidden, ...]
    bound: tuple[Bound, ...]  # new by it
    named: frozenset[tuple[str, str]]  # identifiers that it names: sort, value of either side


class WhatIfCourt:
    """Hears the cases of a run in order, and between them what they might have been."""

    def __init__(self, profile: NoiseProfile, clock: PassClock, rules: Sequence[NoiseRule] = ()) -> None:
        self._renaming = TentativeRenaming()
        self._hidden: list[Hidden] = []
        self._court = Court(profile, rules, clock, self._renaming, self._note)

    def hear(self, case: Case) -> Heard:
        """The next case of the run."""
        self._begin()
        comparison = self._court.hear(case)
        return self._heard(comparison, tuple(entry[0] for entry in self._renaming.journal))

    def suppose(self, case: Case, instead: Iterable[Bound] = ()) -> Heard:
        """A case as it might have been, at this point of the run.

        `instead` is what earlier suppositions have bound otherwise than the run has.
        """
        self._begin()
        mark = self._court.taint.mark()
        with self._renaming.instead(instead):
            comparison = self._court.hear(case)
            bound = self._renaming.take_back()
        self._court.taint.back_to(mark)
        return self._heard(comparison, bound)

    def _begin(self) -> None:
        self._hidden.clear()
        self._renaming.touched.clear()
        self._renaming.journal.clear()

    def _heard(self, comparison: Comparison, bound: tuple[Bound, ...]) -> Heard:
        return Heard(comparison, tuple(self._hidden), bound, frozenset(self._renaming.touched))

    def _note(self, pair: Pair, why: str) -> None:
        self._hidden.append(Hidden(pair.path, pair.shape, why))
