"""Whether the candidate takes longer than a budget allows: every exchange with itself, within one run.

Times of a replay are noise first: another pass on the same machine, a moment later, takes half as long again. So no
single time decides. Of each exchange it is asked whether the candidate went over what the baseline's time allows; a
route is over its budget when so many of its exchanges are that chance does not explain it (the sign test, one-sided),
and when a second pair of passes shows the same. Where a pass of the baseline goes over the budget of another one, the
noise is larger than the budget, and only what holds beside the quickest pass is known to hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .difference import Answer, Case
from .policy import Budget, Clause, Holding, counted, listed
from .routes import matches
from .tails import at_least

MIN_PAIRS = 10
"""Exchanges below which no sign test comes to CHANCE: ten of ten do."""
CHANCE = 0.001
"""Probability at which the exchanges of a route are believed to be over their budget for a reason."""
CHANCE_AGAIN = 0.01
"""The same in the second pair of passes, for what the first has already shown."""

RARE = "routes with fewer exchanges, together"
NO_BASELINE = "times are compared within one run, and no baseline was replayed in this one"

Place = tuple[str, str]
"""A method and a route; of routes that are judged together RARE and ""."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that the passes took for one exchange, which all answered with one status; None: that pass did not."""

    method: str
    route: str
    baseline: tuple[float | None, ...]
    candidate: float

    @property
    def usual(self) -> float:
        """What the baseline takes."""
        return median(each for each in self.baseline if each is not None)

    @property
    def quickest(self) -> float:
        """What the baseline takes when nothing gets in its way."""
        return min(each for each in self.baseline if each is not None)


def timings(cases: Iterable[Case]) -> list[Timing]:
    """The exchanges whose times can be compared."""
    found = []
    for case in cases:
        candidate = case.candidate[0] if case.candidate else None
        if candidate is None or candidate.response is None or candidate.reason is not None:
            continue
        status = candidate.response.status
        baseline = tuple(_seconds(answer, status) for answer in case.baseline)
        if any(each is not None for each in baseline):
            found.append(Timing(case.method, case.route, baseline, candidate.ended - candidate.started))
    return found


def suspects(first: Sequence[Timing], budgets: Iterable[Budget]) -> frozenset[Place]:
    """The routes that are to be measured once more: they seem to be over a budget, and the noise is not."""
    found: set[Place] = set()
    for budget in budgets:
        if budget.max_slowdown is None:
            continue
        for group in _groups(first, budget).values():
            if _seems_over(group, budget) and not _noisy(group, budget) and _passes(group) > 1:
                found.update((each.method, each.route) for each in group)
    return frozenset(found)


def slowdown_clauses(
    first: Sequence[Timing], again: Sequence[Timing], budgets: Sequence[Budget], why_not_again: str = ""
) -> Iterator[Clause]:
    """What became of each `max_slowdown`. `why_not_again` says why there was no second pair of passes."""
    for number, budget in enumerate(budgets, 1):
        if budget.max_slowdown is None:
            continue
        told = [
            _judged(place, group, _again(group, again), budget, why_not_again)
            for place, group in _groups(first, budget).items()
        ]
        if not told:
            told = [
                _Told(Holding.UNTOLD, "", f"nothing was measured: {why_not_again or 'no exchange of such a route'}")
            ]
        yield _clause(number, budget, told)


@dataclass(frozen=True, slots=True)
class _Told:
    """What became of one route."""

    holding: Holding
    route: str
    words: str
    ratio: float = 0.0
    routes: tuple[str, ...] = ()  # those that were judged, each by its name


def _judged(
    place: Place, group: Sequence[Timing], again: Sequence[Timing], budget: Budget, why_not_again: str
) -> _Told:
    names = tuple(sorted({f"{each.method} {each.route}" for each in group}))
    holding, words, ratio = _weighed(group, again, budget, why_not_again)
    return _Told(holding, " ".join(filter(None, place)), words, ratio, names)


def _weighed(
    group: Sequence[Timing], again: Sequence[Timing], budget: Budget, why_not_again: str
) -> tuple[Holding, str, float]:
    """What became of one route, in words, and how many times as long it took."""
    ratio = median(each.candidate / each.usual if each.usual > 0 else 1.0 for each in group)
    over = sum(_over(each.candidate, each.usual, budget) for each in group)
    words = f"{ratio:.2f} times as long, {over} of {counted(len(group), 'exchange')} over"
    if len(group) < MIN_PAIRS:
        return Holding.UNTOLD, f"{words}: {MIN_PAIRS} are needed to tell", ratio
    if 2 * sum(_over(each.candidate, each.quickest, budget) for each in group) <= len(group):
        return Holding.HELD, words, ratio  # noise adds time: what holds beside the quickest pass holds
    if _noisy(group, budget):
        return Holding.UNTOLD, f"{words}, but so is one pass of the baseline against another", ratio
    if 2 * over <= len(group):
        return Holding.HELD, words, ratio
    if not _seems_over(group, budget):
        return Holding.UNTOLD, f"{words}: too close to tell", ratio
    if _passes(group) < 2:
        return Holding.UNTOLD, f"{words}, and one pass of the baseline does not tell the noise", ratio
    if why_not_again:
        return Holding.UNTOLD, f"{words}, and could not be measured again: {why_not_again}", ratio
    repeated = sum(_over(each.candidate, each.usual, budget) for each in again)
    words += f", and {repeated} of {len(again)} when measured again"
    if at_least(repeated, len(again), 0.5) <= CHANCE_AGAIN:
        return Holding.FAILS, words, ratio
    return Holding.UNTOLD, words, ratio


def _clause(number: int, budget: Budget, told: Sequence[_Told]) -> Clause:
    order = (Holding.FAILS, Holding.UNTOLD, Holding.HELD)
    holding = next(each for each in order if any(one.holding is each for one in told))
    worst = sorted((one for one in told if one.holding is holding), key=lambda one: -one.ratio)
    asked = (
        f"at most {budget.max_slowdown:g} times as long as the baseline, or {budget.slowdown_floor * 1000:g} ms more"
    )
    sentences: tuple[str, ...] = ()
    if holding is not Holding.HELD:
        shown = listed([f"{one.route or budget.route}: {one.words}" for one in worst])
        verb = "is overrun" if holding is Holding.FAILS else "can not be told"
        sentences = (f"The budget {asked} {verb}: {shown}.",)
    return Clause(
        f"policy.budgets[{number}].max_slowdown",
        f"{budget.route}: {asked}",
        f"{worst[0].words}" + (f" ({worst[0].route})" if worst[0].route else ""),
        holding,
        sentences,
        tuple(name for one in worst for name in one.routes) if holding is not Holding.HELD else (),
    )


def _seems_over(group: Sequence[Timing], budget: Budget) -> bool:
    over = sum(_over(each.candidate, each.usual, budget) for each in group)
    return at_least(over, len(group), 0.5) <= CHANCE


def _noisy(group: Sequence[Timing], budget: Budget) -> bool:
    """Whether some pass of the baseline, held against another one, is over the budget in most exchanges."""
    passes = range(_passes(group))
    for one in passes:
        for other in passes:
            both = [
                _over(slow, fast, budget)
                for slow, fast in ((each.baseline[one], each.baseline[other]) for each in group)
                if slow is not None and fast is not None
            ]
            if one != other and 2 * sum(both) > len(both):
                return True
    return False


def _passes(group: Sequence[Timing]) -> int:
    return max((len(each.baseline) for each in group), default=0)


def _over(seconds: float, usual: float, budget: Budget) -> bool:
    assert budget.max_slowdown is not None
    return seconds > max(budget.max_slowdown * usual, usual + budget.slowdown_floor)


def _groups(found: Iterable[Timing], budget: Budget) -> Mapping[Place, list[Timing]]:
    """By route; routes with too few exchanges to be judged by themselves are judged together."""
    groups: dict[Place, list[Timing]] = defaultdict(list)
    for each in found:
        groups[each.method, each.route].append(each)
    named = {place: group for place, group in groups.items() if matches(budget.route, *place)}
    rare = [place for place, group in named.items() if len(group) < MIN_PAIRS]
    if len(rare) > 1:
        named[RARE, ""] = [each for place in rare for each in named.pop(place)]
    return named


def _again(group: Sequence[Timing], again: Iterable[Timing]) -> list[Timing]:
    places = {(each.method, each.route) for each in group}
    return [each for each in again if (each.method, each.route) in places]


def _seconds(answer: Answer, status: int) -> float | None:
    if answer.response is None or answer.response.status != status or answer.reason is not None:
        return None
    return answer.ended - answer.started
