"""The gate's proof of itself: faults are planted into what the baseline answered, and are to be caught.

The mutants are judged as the candidate was: with the same profile, rules and approvals, and what names what is found
out anew between the two passes that are compared. Nothing is sent: an identifier that is wrong in an answer would lead
a replay astray in the requests that follow, and be caught more often than it is here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .approvals import Approvals
from .atoms import location_key
from .difference import Answer, Case, Comparison, Part, Status
from .gate import Policy
from .grouping import ExchangeContext, group
from .inventory import Knowledge, take_inventory
from .leaf import BINDING, NOISE
from .mutants import Mutant, Mutator
from .mutations import Mutation
from .noise import NoiseRule
from .over_all import OverAll
from .profile import NoiseProfile
from .sensitivity import APPROVED, NOT_COMPARED, RULE, Fate, Sensitivity, sum_up
from .standing import SILENT, standings
from .tentative import Bound
from .views import View, changed
from .what_if import Heard, WhatIfCourt
from .windows import PassClock

BUDGET = 500
"""Mutants: enough for an interval of about two percentage points, and for a few of each kind of fault."""
MAX_TRIALS = 60
"""Exchanges in which one mutant is looked for before it counts as one that survives."""
MAX_WHOLE = 40
"""Mutants of whole routes that are looked for over all exchanges: each costs as much as a survey of the run."""

_RENAMING = frozenset([Mutation.TEXT, Mutation.HEADER, Mutation.STEP, Mutation.SCALE])
"""Put another name in the place of one. Where nothing else tells, it is what every release does with its own names."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Judging:
    """What mutants are judged with: the same as the candidate was."""

    profile: NoiseProfile
    rules: Sequence[NoiseRule] = ()
    approvals: Approvals = field(default_factory=Approvals)
    policy: Policy = field(default_factory=Policy)  # of which changes are grave, which approvals depend on
    context: Mapping[str, ExchangeContext] = field(default_factory=dict)
    tags: Sequence[tuple[str, tuple[str, ...]]] = ()


def right_answers(cases: Sequence[Case], passes: Sequence[str]) -> tuple[Sequence[Case], str]:
    """The cases with an answer in the place of the candidate's that is known to be right, and whose it is.

    `passes` names those of the baseline. With several it is the last one's, so that what varies between passes varies
    here, too. A single pass is compared with itself, and so is, without a baseline, what was recorded.
    """
    if passes:
        return changed(cases, lambda case: replace(case, candidate=case.baseline[-1:])), passes[-1]
    return changed(cases, lambda case: replace(case, candidate=(_recorded(case),))), "recording"


def _recorded(case: Case) -> Answer:
    return Answer(case.exchange.response, "", case.exchange.started, case.exchange.ended)


def self_test(
    cases: Sequence[Case],
    judging: Judging,
    source: str = "",
    budget: int = BUDGET,
    seed: int = 1,
    progress: Progress | None = None,
) -> Sensitivity:
    """Plants `budget` faults into the candidate's answers of `cases`, which are right: see `right_answers`.

    The same answers and seed give the same mutants. `progress` is told how many exchanges were gone through.
    """
    return _SelfTest(cases, judging, progress).run(source, budget, seed)


@dataclass(slots=True, eq=False)
class _Living:
    """A mutant on trial. `bound` is what it has bound otherwise than the run without faults."""

    mutant: Mutant
    bound: set[Bound] = field(default_factory=set)
    trials: int = 0
    exchange: str = ""  # the first that had the fault, then the one that gave it away
    caught: bool = False
    why: str = ""  # the first exchange's reason for letting it pass

    @property
    def is_over(self) -> bool:
        return self.caught or self.trials >= MAX_TRIALS


class _SelfTest:
    def __init__(self, cases: Sequence[Case], judging: Judging, progress: Progress | None) -> None:
        self._cases = cases
        self._judging = judging
        self._progress = progress
        self._following: dict[tuple[str, str], list[_Living]] = defaultdict(list)  # by an identifier that would tell
        self._of_route: dict[tuple[str, str], list[int]] = defaultdict(list)  # cases by method and route

    def run(self, source: str, budget: int, seed: int) -> Sensitivity:
        profile, clock = self._judging.profile, PassClock(self._cases)
        court = WhatIfCourt(profile, clock, self._judging.rules)
        right = [court.hear(case).comparison for case in self._cases]
        for index, comparison in enumerate(right):
            self._of_route[comparison.method, comparison.route].append(index)
        matched = [i for i, comparison in enumerate(right) if comparison.status is Status.MATCHED]
        self._mutator = Mutator(self._cases, take_inventory(self._cases, matched, profile), profile)
        living = [_Living(mutant) for mutant in self._mutator.draw(budget, seed)]
        self._sweep(living, frozenset(matched), clock)
        self._over_all(living, frozenset(matched), OverAll(self._cases, right, profile, self._judging.rules))
        return sum_up([_fate(one) for one in living], right, source)

    def _sweep(self, living: Sequence[_Living], matched: frozenset[int], clock: PassClock) -> None:
        """One more hearing of the run; at each case, the mutants that it has, and those that it may give away."""
        single: dict[int, list[_Living]] = defaultdict(list)
        wide: dict[tuple[str, str, int], list[_Living]] = defaultdict(list)
        for one in living:
            if one.mutant.case is None:
                wide[one.mutant.group].append(one)
            else:
                single[one.mutant.case].append(one)
        court = WhatIfCourt(self._judging.profile, clock, self._judging.rules)
        for index, case in enumerate(self._cases):
            answer = case.candidate[0].response if case.candidate else None
            here = single.pop(index, [])
            if answer is not None and index in matched:
                here += wide.get((case.method, case.route, answer.status), ())
            tried = [(one, found) for one in here if (found := self._plant(court, one, index)) is not None]
            heard = court.hear(case)
            for one, found in tried:
                self._note(one, found, heard)
            if index in matched:
                self._follow(court, case, heard, frozenset(map(id, here)))
            if self._progress is not None:
                self._progress(index + 1, len(self._cases))

    def _over_all(self, living: Sequence[_Living], matched: frozenset[int], over_all: OverAll) -> None:
        """What is in a whole route, and no exchange gives away, may show over all of them."""
        left = [one for one in living if not one.caught and one.mutant.case is None]
        for one in [one for one in left if over_all.could_tell(_prefix(one.mutant))][:MAX_WHOLE]:
            for comparison in over_all.showing(self._route_with(one.mutant, matched)):
                if self._counts(comparison):
                    one.caught, one.exchange = True, comparison.exchange_id
                    break

    def _route_with(self, mutant: Mutant, matched: frozenset[int]) -> Sequence[Case]:
        """What the run has of a route, all of which has the fault. How others are spread is not changed by that."""
        indices = self._of_route[mutant.group[:2]]

        def case(number: int) -> Case:
            found = self._cases[indices[number]]
            answer = found.candidate[0].response if indices[number] in matched else None
            if answer and answer.status == mutant.group[2]:
                return self._mutator.mutated(mutant, indices[number]) or found
            return found

        return View(len(indices), case)

    def _plant(self, court: WhatIfCourt, one: _Living, index: int) -> Heard | None:
        """Hears the case with the fault in it; None when it has none, or when the mutant is caught or was before."""
        case = None if one.is_over else self._mutator.mutated(one.mutant, index)
        if case is None:
            return None
        one.trials += 1
        one.exchange = one.exchange or case.exchange.id
        found = court.suppose(case, one.bound)
        one.caught = self._counts(found.comparison)
        if one.caught:
            one.exchange = case.exchange.id
        return None if one.caught else found

    def _note(self, one: _Living, found: Heard, heard: Heard) -> None:
        """Takes down why a fault did not count, and what would tell it later on."""
        one.why = one.why or self._explanation(one.mutant, found, heard)
        for bound in set(found.bound) - set(heard.bound) - one.bound:
            one.bound.add(bound)
            sort, a, b = bound
            self._following[sort, a].append(one)
            self._following[sort, b].append(one)

    def _follow(self, court: WhatIfCourt, case: Case, heard: Heard, had: frozenset[int]) -> None:
        """Hears a case without fault once more for each mutant that took one of its identifiers for another."""
        for name in heard.named if self._following else ():
            for one in self._following.get(name, ()):
                if one.is_over or id(one) in had:
                    continue
                one.trials += 1
                if self._counts(court.suppose(case, one.bound).comparison):
                    one.caught, one.exchange = True, case.exchange.id

    def _counts(self, comparison: Comparison) -> bool:
        """Whether the comparison has a difference that nobody has approved."""
        if comparison.status is not Status.DIFFERED:
            return False
        if not self._judging.approvals.held:
            return True
        findings = group((comparison,), self._judging.context, self._judging.tags)
        said = standings(findings, self._judging.approvals, self._judging.policy)
        return not all(said.get(finding.fingerprint, SILENT).approved for finding in findings)

    def _explanation(self, mutant: Mutant, found: Heard, heard: Heard) -> str:
        if found.comparison.status is Status.DIFFERED:
            return APPROVED
        if found.comparison.status is not Status.MATCHED and found.comparison.reason is not None and not found.hidden:
            return f"{NOT_COMPARED}: {found.comparison.reason.value}"
        return next((why for why in _reasons(mutant, found, heard) if why), "")


def _prefix(mutant: Mutant) -> str:
    return location_key(*mutant.group, "")


def _reasons(mutant: Mutant, found: Heard, heard: Heard) -> Iterator[str]:
    """What hid differences at the place of the fault, or near it and more than without the fault."""
    place = "" if mutant.site.part is Part.STATUS else mutant.place.removeprefix("header:")
    for ruled in found.comparison.ruled:
        if _is_near(ruled.location.path, place):
            yield f"{RULE}{ruled.rule}"
    usual = Counter((hidden.shape, hidden.why) for hidden in heard.hidden)
    above = ""
    for hidden in found.hidden:
        shape = hidden.shape.removeprefix("header:")
        if shape == place:
            yield hidden.why
        elif _is_near(shape, place):
            if usual[hidden.shape, hidden.why] > 0:
                usual[hidden.shape, hidden.why] -= 1
                above = hidden.why if len(shape) < len(place) else above
            else:
                yield hidden.why
    yield above
    if mutant.knowledge in (Knowledge.UNSTEADY, Knowledge.VARIES):
        yield NOISE  # and what is there now happens to be what the reference has


def _is_near(shape: str, place: str) -> bool:
    """Whether one of two places is the other one, or holds it; "" holds everything."""
    short, long = sorted((shape, place), key=len)
    return long.startswith(short) and (not short or long[len(short) :][:1] in ("", ".", "[", "~"))


def _fate(one: _Living) -> Fate:
    if one.caught:
        return Fate(one.mutant, True, one.exchange)
    named = one.mutant.knowledge is Knowledge.IDENTIFIER
    # a name that is known from elsewhere explains nothing where no identifier is known to be
    explained = bool(one.why) and (one.why != BINDING or named)
    renamed = one.why == BINDING and named and one.mutant.site.mutation in _RENAMING
    return Fate(one.mutant, False, one.exchange, one.why, explained, renamed)
