"""A retrial: one finding of an earlier run replayed alone, several times, to tell whether it is still there.

That it shows again is told by one replay. That it is gone is told only where it would have shown: what that run kept of
these exchanges shows it by the measure of today, and the baseline answers them as it did then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from diffing.difference import Answer, Case, Comparison, Part, Reason, Status
from diffing.grouping import CONFIRMED, FLAKY, Finding, group
from diffing.noise import NoiseRule
from diffing.profile import NoiseProfile
from diffing.standing import marks
from diffing.trial import Trial
from recorder.redaction import Redactor

from .approving import MIN_PREFIX
from .cases import CaseMaker
from .confirmation import spread, within
from .errors import UsageError
from .passes import Pass
from .plan import Plan
from .reports.json_findings import findings_of
from .reports.model import Came, Retrial
from .reports.wording import change, counted, route
from .selection.needed import needed
from .store import Store
from .store.records import StoredAnswer

TIMES = 5
"""Replays of the candidate without another number."""

RANGE = range(2, 21)
"""How many replays may be asked for."""

MAX_ASKED = 8
"""Exchanges of the finding's places that are asked again, beside one of each route."""

MAX_WIDE = 200
"""The same of what shows only over all exchanges of a route: a spread, a growth, a time."""

_COMPARED = frozenset([Status.MATCHED, Status.DIFFERED, Status.ERRORED])

Tags = Sequence[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Again:
    """Which finding is to be replayed alone, as it is kept with a run."""

    run: str  # the id of the run that found it
    fingerprint: str
    times: int = TIMES


@dataclass(frozen=True, slots=True)
class Sought:
    """The finding, and what the run kept that found it."""

    run: str
    finding: Finding
    times: int = TIMES
    ended: Mapping[str, str] = field(default_factory=dict)  # exchange -> its status in that run
    kept: Callable[[str, Iterable[str]], Mapping[str, Answer]] = lambda *_: {}  # pass, exchanges -> what was answered

    def steps(self, plan: Plan) -> tuple[int, ...]:
        """The exchanges of its places that showed it or may have: the exemplars, one of each route, and a few more."""
        routes = {(place.method, place.route) for place in self.finding.places}
        index_of = {step.exchange.id: step.index for step in plan.steps}
        first = [each for each in self.finding.exemplars if each in index_of]
        wanted = {Status.DIFFERED.value, Status.ERRORED.value} | ({Status.MATCHED.value} if self._wide else set())
        others = {
            step.exchange.id: place
            for step in plan.steps
            if (place := (step.exchange.request.method, step.route)) in routes
            and self.ended.get(step.exchange.id) in wanted
            and step.exchange.id not in first
        }
        covered = {place: exchange for exchange, place in reversed(others.items())}
        first += sorted(covered.values(), key=index_of.__getitem__)
        rest = [each for each in others if each not in first]
        chosen = spread([*first, *rest], len(first), MAX_WIDE if self._wide else MAX_ASKED)
        if not chosen:
            raise UsageError(
                f"The recording does not hold any exchange that shows the finding {self.finding.fingerprint}.",
                "Run the whole again.",
            )
        return tuple(index_of[each] for each in chosen)

    @property
    def _wide(self) -> bool:
        """Whether it may be one that shows only over all exchanges of a route."""
        return bool(self.finding.detail) or self.finding.location.part in (Part.SQL, Part.LATENCY)


def sought(store: Store, again: Again) -> Sought:
    """The finding of a finished run. Raises UsageError where there is none that can be replayed alone."""
    info = store.run(again.run)
    if info.finding:
        raise UsageError(f"The run {info.id} replayed one finding alone.", "Name the run that found it.")
    if again.times not in RANGE:
        raise UsageError(f"A finding is replayed {RANGE[0]} to {RANGE[-1]} times, not {again.times}.")
    finding = _found(info.id, findings_of(store.run_report(info.id)), again.fingerprint.strip().lower())
    ended = {row.exchange_id: row.status for row in store.results(info.id)}

    def kept(pass_name: str, exchanges: Iterable[str]) -> dict[str, Answer]:
        stored = ((each, store.answer(info.id, pass_name, each)) for each in exchanges)
        return {exchange: _answer(answer) for exchange, answer in stored if answer is not None}

    return Sought(info.id, finding, again.times, ended, kept)


def _found(run: str, findings: Sequence[Finding], text: str) -> Finding:
    """The finding with this fingerprint, or one of its places with it; or the only one where it begins so."""
    exact = [each for each in findings if text in marks(each)]
    begun = [each for each in findings if len(text) >= MIN_PREFIX and any(m.startswith(text) for m in marks(each))]
    found = exact[:1] or begun
    if len(found) == 1:
        return found[0]
    what = "Several findings" if found else "No finding"
    raise UsageError(
        f"{what} of the run {run!r} {'have' if found else 'has'} a fingerprint that begins with {text!r}.",
        f"`understudy findings list {run}` shows them.",
    )


def _answer(stored: StoredAnswer) -> Answer:
    return Answer(stored.response, stored.failure, stored.started, stored.ended, observed=stored.observed)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a retrial: its result, and what one replay shows, the first that shows the finding if any does."""

    retrial: Retrial
    shown: int  # number of that replay
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]  # the finding as it shows there, or none
    others: tuple[Finding, ...]  # what else shows in what was replayed


@dataclass(frozen=True, slots=True)
class Retrier:
    """Replays of a part of a plan, and whether they show what is sought."""

    plan: Plan
    maker: CaseMaker
    sought: Sought
    asked: tuple[int, ...]  # steps of the finding's places
    part: frozenset[int]  # these, and what they depend on
    rules: Sequence[NoiseRule] = ()
    tags: Tags = ()

    @classmethod
    def of(
        cls, plan: Plan, maker: CaseMaker, sought: Sought, live: bool, rules: Sequence[NoiseRule], tags: Tags
    ) -> Retrier:
        """Without a `live` baseline what was answered after all of the recording is the measure: then all that the
        finding's exchanges wait for is sent."""
        asked = sought.steps(plan)
        return cls(plan, maker, sought, asked, needed(plan, asked, whole=not live), rules, tags)

    def only_its(self, one: Pass) -> Pass:
        """The pass, in which what was not sent says why."""
        for index in range(len(one.result.answers)):
            if index not in self.part:
                one.result.answers[index] = Answer(None, reason=Reason.NOT_ITS)
        return one

    def tried(
        self, profile: NoiseProfile, baselines: Sequence[Pass], candidates: Sequence[Pass], redactor: Redactor
    ) -> Tried:
        """What the replays come to."""
        made = [self._one(profile, self.maker.cases(baselines, [candidate])) for candidate in candidates]
        itself = [self._one(profile, self.maker.cases(baselines[:1], [again])) for again in baselines[1:]]
        told = [each for each in made if self._compared(each.comparisons, self._ids)]
        seen = [number for number, each in enumerate(made) if each.mine]
        repeated = [each for each in itself if self._compared(each.comparisons, self._ids)]
        chosen = made[seen[0] if seen else 0]
        result = Retrial(
            run=self.sought.run,
            fingerprint=self.sought.finding.fingerprint,
            change=f"{route(self.sought.finding)} {change(self.sought.finding)}",
            came=Came.SEEN,
            seen=len(seen),
            replays=len(told),
            baseline_seen=sum(1 for each in repeated if each.mine),
            baseline_replays=len(repeated),
            asked=len(self.asked),
            sent=len(self.part),
        )
        doubts = self._doubts(result, profile, baselines, candidates, made, redactor)
        came = Came.UNTOLD if doubts else Came.SEEN if seen else Came.GONE
        state = CONFIRMED if result.seen == result.replays and not doubts else FLAKY
        return Tried(
            replace(result, came=came, doubts=tuple(doubts)),
            seen[0] if seen else 0,
            tuple(chosen.comparisons),
            tuple(replace(each, state=state) for each in chosen.mine),
            chosen.others,
        )

    @property
    def _ids(self) -> tuple[str, ...]:
        return tuple(self.plan.steps[index].exchange.id for index in self.asked)

    def _one(self, profile: NoiseProfile, cases: Sequence[Case]) -> _Seen:
        comparisons = Trial(profile, self.rules).first(cases)
        findings = group(comparisons, self.maker.contexts(cases), self.tags)
        wanted = set(marks(self.sought.finding))
        mine = tuple(each for each in findings if not wanted.isdisjoint(marks(each)))
        return _Seen(comparisons, mine, tuple(each for each in findings if each not in mine))

    def _compared(self, comparisons: Iterable[Comparison], exchanges: Iterable[str]) -> set[str]:
        wanted = set(exchanges)
        return {each.exchange_id for each in comparisons if each.exchange_id in wanted and each.status in _COMPARED}

    def _doubts(
        self,
        result: Retrial,
        profile: NoiseProfile,
        baselines: Sequence[Pass],
        candidates: Sequence[Pass],
        made: Sequence[_Seen],
        redactor: Redactor,
    ) -> list[str]:
        """Why it can not be told; sentences."""
        if result.baseline_seen:
            times = f"{result.baseline_seen} of {counted(result.baseline_replays, 'repetition')}"
            return [f"The baseline shows it as well, in {times}: it comes and goes without the candidate."]
        if result.seen:
            return []
        problems = [one for one in (*baselines, *candidates) if one.result.problem]
        if problems:
            return [f"{problems[0].name}: {problems[0].result.problem}."]
        if not result.replays:
            why = Counter(
                each.reason.value
                for each in made[0].comparisons
                if each.exchange_id in self._ids and each.reason is not None
            )
            said = f": {', '.join(why)}" if why else ""
            return [f"None of its exchanges could be compared{said}."]
        return [*self._weak(result), *self._unlike(profile, baselines, made, redactor)]

    def _weak(self, result: Retrial) -> list[str]:
        found = []
        if result.replays < RANGE[0]:
            found.append("It was replayed once only: the candidate can not begin anew.")
        if self.sought.finding.state == FLAKY:
            found.append("It was flaky in that run: that it stays away for a while says little.")
        return found

    def _unlike(
        self, profile: NoiseProfile, baselines: Sequence[Pass], made: Sequence[_Seen], redactor: Redactor
    ) -> list[str]:
        """Whether these replays would have shown it, had it been there."""
        ids = [self.plan.steps[index].exchange.id for index in sorted(self.part)]
        before, judged = self.sought.kept("baseline 1", ids), self.sought.kept("candidate", ids)
        before = before or self.sought.kept("baseline", ids)
        showing = self._showing(profile, before, judged)
        if not showing:
            kept = "shows it in these exchanges alone" if judged else "is left of its answers"
            return [f"Nothing that the run {self.sought.run} kept {kept}: only a run of the whole can tell."]
        lost = {one for each in made for one in showing - self._compared(each.comparisons, showing)}
        if lost:
            return [
                f"{len(lost)} of {counted(len(showing), 'exchange')} that showed it could not be compared each time."
            ]
        if baselines and (other := self._otherwise(profile, baselines[0], before, showing, redactor)):
            return [
                f"The baseline answers {other} of {counted(len(showing), 'exchange')} that showed it otherwise than in"
                f" the run {self.sought.run}: what they found then is not there. Only a run of the whole can tell."
            ]
        return []

    def _showing(
        self, profile: NoiseProfile, before: Mapping[str, Answer], judged: Mapping[str, Answer]
    ) -> frozenset[str]:
        """The exchanges that show the finding by what that run kept, and the measure of today."""
        missing = Answer(None, reason=Reason.NOT_ITS)
        cases = [
            Case(
                step.exchange,
                step.route,
                (before.get(step.exchange.id, missing),) if before else (),
                (judged.get(step.exchange.id, missing),),
            )
            for step in self.plan.steps
        ]
        return frozenset(exchange for each in self._one(profile, cases).mine for exchange in each.exchanges)

    def _otherwise(
        self,
        profile: NoiseProfile,
        baseline: Pass,
        before: Mapping[str, Answer],
        showing: frozenset[str],
        redactor: Redactor,
    ) -> int:
        """How many of the exchanges the baseline answers otherwise than it did then, where the finding shows."""
        guard = replace(self.maker, stored=(before,), redactor=redactor)
        places = {(place.location.part, place.location.path) for place in self.sought.finding.places}
        found = 0
        for each in Trial(profile).first(guard.cases((), (baseline,))):
            if each.exchange_id in showing:
                found += each.status not in (Status.MATCHED, Status.DIFFERED) or any(
                    one.location.part is Part.STATUS
                    or any(one.location.part is part and within(one.location.shape, path) for part, path in places)
                    for one in each.differences
                )
        return found


@dataclass(frozen=True, slots=True)
class _Seen:
    """One replay: what it shows of the finding, and beside it."""

    comparisons: Sequence[Comparison]
    mine: tuple[Finding, ...]
    others: tuple[Finding, ...]
