"""Findings put to the test: the exchanges that show them, and all that these depend on, replayed again on both sides.

What varies so rarely that the passes before did not show it would be taken for a regression. Two or three rounds, in
which the candidate shows the change each time and the baseline never does, settle most findings; for the others there
are further rounds until Fisher's exact test tells the two sides apart, or the finding counts as flaky. The test is made
twice: over the exchanges that showed the change, and over all exchanges of their routes, since what comes and goes will
show in others the next time. What raised the finding counts for neither side: not the sighting, and not that the passes
which taught what varies showed none, without which there would be no finding.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from diffing.difference import Comparison, Difference, DifferenceKind, Status
from diffing.fisher import more_often
from diffing.grouping import CONFIRMED, FLAKY, UNCONFIRMED, Finding
from diffing.trial import Trial

from .cases import CaseMaker
from .engine import closure
from .passes import Pass
from .plan import Plan
from .target_settings import TargetSettings

MIN_ROUNDS = 2
MIN_TRIALS = 3
"""Of a change that shows each time: noise of one answer in five does so twice in one of 25."""
ROUNDS = 5
MAX_ROUNDS = 10
"""As long as the trials speak for a change that comes and goes."""
PROMISING = 0.1
"""The probability of chance up to which they do."""
MAX_ASKED = 8
"""Exchanges that showed a finding and are replayed again."""
MAX_AROUND = 24
"""Others of its route that are replayed with them when it showed in a part of them only: it may come and go."""
BELIEVED = 0.001
"""Probability of chance at which a change that comes and goes is believed to be the candidate's."""
COMMON = 0.4
"""The same probability, from which a change that the baseline shows as well needs no further rounds."""
MAX_SHARE = 0.6
"""Above this share of the plan a round replays all of it: picking would save little."""

_COMPARED = frozenset([Status.MATCHED, Status.DIFFERED, Status.ERRORED])

Replay = Callable[[str, TargetSettings, frozenset[int] | None], Awaitable[Pass]]
Counts = list[int]
Change = tuple[object, ...]
"""Method, route, part, shape, kind and transition of a difference."""


@dataclass(slots=True)
class _Tally:
    """One finding's trials. A trial is one exchange in one repetition."""

    changes: frozenset[Change]
    asked: tuple[str, ...]  # exchange ids
    shown: int = 0  # of `trials` of the candidate
    trials: int = 0
    baseline_shown: int = 0  # of `baseline_trials` of the baseline against itself
    baseline_trials: int = 0
    around: tuple[str, ...] = ()  # all exchanges of its routes, those that showed it included
    wide: Counts = field(default_factory=lambda: [0, 0, 0, 0])  # the same four figures over these

    @property
    def _drifts(self) -> bool:
        """Whether the baseline, asked again later, shows the change about as often: the day or the minute changed."""
        return bool(self.trials and self.baseline_shown) and (
            2 * self.baseline_shown * self.trials >= self.shown * self.baseline_trials
        )

    def count(self, seen: Mapping[str, Comparison], itself: Mapping[str, Comparison]) -> None:
        """Adds one round: the candidate's comparisons, and the baseline's with itself, by exchange."""
        asked = frozenset(self.asked)
        for exchange in self.around:
            shown, baseline = _shows(seen.get(exchange), self.changes), _shows(itself.get(exchange), self.changes)
            if shown is not None:
                self.wide[0] += shown
                self.wide[1] += 1
                self.shown += shown and exchange in asked
                self.trials += exchange in asked
            if baseline is not None:
                self.wide[2] += baseline
                self.wide[3] += 1
                self.baseline_shown += baseline and exchange in asked
                self.baseline_trials += exchange in asked

    def state(self, rounds: int) -> str:
        """What the trials so far say; UNCONFIRMED: nothing yet."""
        if rounds < MIN_ROUNDS:
            return UNCONFIRMED
        if self._drifts:
            return FLAKY
        enough = self.trials >= MIN_TRIALS or rounds > MIN_TRIALS  # in some rounds nothing may have been compared
        if enough and self.trials and self.shown == self.trials and not self.baseline_shown:
            return CONFIRMED
        chance = more_often(self.shown, self.trials, self.baseline_shown, self.baseline_trials)
        likely = min(chance, more_often(*self.wide))
        if likely <= BELIEVED:
            return CONFIRMED
        if likely <= PROMISING and rounds < MAX_ROUNDS:
            return UNCONFIRMED
        gone = self.trials >= 2 * ROUNDS and not self.shown
        common = self.baseline_shown and chance >= COMMON
        return FLAKY if self.trials and (gone or common or rounds >= ROUNDS) else UNCONFIRMED


@dataclass(frozen=True, slots=True)
class Confirmer:
    """What the repetitions of a run share."""

    plan: Plan
    maker: CaseMaker
    trial: Trial
    replay: Replay
    candidate: TargetSettings
    baseline: TargetSettings | None  # None: there is no live baseline to be replayed again
    counted: dict[str, int] = field(default_factory=dict)  # figures for the report
    broken: list[str] = field(default_factory=list)  # what ended repetitions, in sentences
    tell: Callable[[Sequence[Finding]], None] = lambda _: None  # is told what is confirmed by now, after each round

    async def confirm(self, findings: Sequence[Finding], first: Sequence[Comparison]) -> list[Finding]:
        """The findings with their states. One whose exchanges could not be compared again stays unconfirmed."""
        comparisons = {one.exchange_id: one for one in first}
        tallies = [self._tally(finding, comparisons) for finding in findings]
        only = self._steps(tallies)
        states = [UNCONFIRMED] * len(findings)
        before: Pass | None = None
        for number in range(1, MAX_ROUNDS + 1):
            self.counted["rounds"] = number
            before = await self._round(number, only, before, tallies)
            if self.broken:
                break
            states = [tally.state(number) for tally in tallies]
            now = [replace(f, state=state) for f, state in zip(findings, states, strict=True) if state == CONFIRMED]
            self.tell(now)
            left = [tally for tally, state in zip(tallies, states, strict=True) if state == UNCONFIRMED]
            if number >= MIN_ROUNDS:
                if not any(tally.trials for tally in left):  # what is left can not be asked again
                    break
                only = self._steps(left)
        self.counted["exchanges"] = len({each for tally in tallies for each in tally.asked})
        return [replace(finding, state=state) for finding, state in zip(findings, states, strict=True)]

    def _tally(self, finding: Finding, first: Mapping[str, Comparison]) -> _Tally:
        places = {(member.location.part, member.location.path) for member in finding.members}
        places.add((finding.location.part, finding.location.path))
        changes: set[Change] = set()
        showing: list[str] = []
        for exchange in dict.fromkeys((*finding.exemplars, *finding.exchanges)):
            found = _changes_at(first.get(exchange), places)
            changes |= found
            if found:
                showing.append(exchange)
        asked = tuple(spread(showing, len(finding.exemplars), MAX_ASKED))
        routes = {change[:2] for change in changes}
        around = tuple(
            one.exchange_id for one in first.values() if (one.method, one.route) in routes and one.status in _COMPARED
        )
        return _Tally(frozenset(changes), asked, around=around)

    def _steps(self, tallies: Iterable[_Tally]) -> frozenset[int] | None:
        """The steps to send; None: all."""
        index_of = {step.exchange.id: step.index for step in self.plan.steps}
        wanted = {index_of[each] for tally in tallies for each in tally.asked}
        wanted |= {index_of[each] for tally in tallies for each in spread(tally.around, 0, MAX_AROUND)}
        needed = closure(self.plan, sorted(wanted))
        return None if len(needed) > MAX_SHARE * len(self.plan.steps) else needed

    async def _round(
        self, number: int, only: frozenset[int] | None, before: Pass | None, tallies: Sequence[_Tally]
    ) -> Pass | None:
        """One repetition on each side; the baseline's pass, with which the next round's is compared."""
        again = None
        if self.baseline is not None:
            again = await self._again(f"confirming: baseline {number}", self.baseline, only)
            if self.broken:
                return again
        repeated = await self._again(f"confirming: candidate {number}", self.candidate, only)
        if self.broken:
            return again
        seen = self._judged([again] if again else [], [repeated], only)
        itself = self._judged([before], [again], only) if before and again else {}
        for tally in tallies:
            tally.count(seen, itself)
        return again

    async def _again(self, name: str, target: TargetSettings, only: frozenset[int] | None) -> Pass:
        one = await self.replay(name, target, only)
        if one.result.problem:
            self.broken.append(f"{name}: {one.result.problem}")
        return one

    def _judged(
        self, reference: Sequence[Pass], judged: Sequence[Pass], only: frozenset[int] | None
    ) -> dict[str, Comparison]:
        return {one.exchange_id: one for one in self.trial.again(self.maker.cases(reference, judged, only))}


def spread(showing: Sequence[str], first: int, most: int) -> list[str]:
    """The first few, then others spread evenly over the rest."""
    chosen = list(showing[:first])
    rest = showing[first:]
    room = max(0, most - len(chosen))
    if len(rest) <= room:
        return [*chosen, *rest]
    return [*chosen, *(rest[number * len(rest) // room] for number in range(room))]


def _shows(comparison: Comparison | None, changes: frozenset[Change]) -> bool | None:
    """Whether a comparison shows one of the changes; None when nothing was compared."""
    if comparison is None or comparison.status not in _COMPARED:
        return None
    return any(_change(comparison, difference) in changes for difference in comparison.differences)


def _changes_at(comparison: Comparison | None, places: Iterable[tuple[object, str]]) -> set[Change]:
    if comparison is None:
        return set()
    return {
        _change(comparison, difference)
        for difference in comparison.differences
        if any(difference.location.part is part and within(difference.location.shape, path) for part, path in places)
    }


def _change(comparison: Comparison, difference: Difference) -> Change:
    location = difference.location
    where = (comparison.method, comparison.route, location.part, location.shape)
    if difference.kind is DifferenceKind.STATUS:
        # a failure that comes and goes hits requests that were granted and such that were refused
        return (*where, difference.kind, f"{str(difference.candidate)[:1]}xx")
    return (*where, difference.kind, difference.transition)


def within(shape: str, path: str) -> bool:
    """Whether a difference at `shape` belongs to a finding at `path`, maybe the parent it was rolled up to."""
    return shape == path or shape.startswith((path + ".", path + "["))
