"""A rehearsal: passes of the baseline and of the candidate, compared, confirmed, grouped and judged.

This is the one place that knows the whole order of a run. It decides nothing itself: the plan says what is sent, the
profile what varies, the gate what blocks.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from diffing.approvals import Approvals
from diffing.difference import Answer, Case, Comparison
from diffing.gate import Evidence, Policy
from diffing.grouping import Finding, group
from diffing.noise import NoiseRule
from diffing.policy import Clause
from diffing.profile import NoiseProfile, learn
from diffing.routes import RouteTable
from diffing.self_test import Judging, right_answers, self_test
from diffing.sensitivity import Sensitivity
from diffing.trial import Trial
from recorder.exchange import Exchange, RouteCount
from recorder.keys import Key

from .breaker import Reference
from .budgets import Budgeting
from .cases import CaseMaker, teaching
from .confirmation import Confirmer
from .errors import UsageError
from .executors import Executor, LocalExecutor
from .guide import make_guide
from .keeping import keeping_redactor, redactor_with
from .known import Drift, Known, drift
from .known_routes import RouteSource
from .pacing import CONCURRENCY
from .passes import Pass, PassRunner, choose_canaries, most_faithful_first, statuses, unsent_pass
from .plan import Plan, make_plan
from .preflight import preflight
from .reports.model import RunReport
from .retrial import Retrier, Sought
from .run_report import Found, retrial_report, run_report
from .safety import recorded_hosts
from .selection.recorded import Selected
from .storms import Storms
from .target_settings import TargetSettings, repeatable


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: a recording's exchanges, the two sides, and how to judge."""

    recording: str
    exchanges: Sequence[Exchange]
    candidate: TargetSettings
    baselines: tuple[TargetSettings, ...] = ()
    baseline_answers: tuple[tuple[str, Mapping[str, Answer]], ...] = ()  # stored answers of earlier runs, by name
    route_counts: Sequence[RouteCount] = ()
    passes: int = 3
    concurrency: int = CONCURRENCY  # of targets that do not say it themselves
    speed: float = 0.0  # how many times as fast as recorded requests start; 0: as fast as they can
    correlate: bool = True
    confirm: bool = True
    self_test: bool = False  # plant faults into what the baseline answered, and see which are caught
    order: Callable[[int], float] = float
    policy: Policy = field(default_factory=Policy)
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    rules: tuple[NoiseRule, ...] = ()
    approvals: Approvals = field(default_factory=Approvals)
    known: Known | None = None  # what an earlier run learned of this recording and this build of the baseline
    key: Key | None = None
    branch: str = ""
    commit: str = ""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    executor: Executor = field(default_factory=LocalExecutor)
    notes: tuple[str, ...] = ()  # what the report has to say of the recording
    routes: RouteSource = field(default_factory=RouteSource)
    recorded_until: float | None = None  # start of its last exchange, seconds since the epoch; None: not known
    selected: Selected | None = None  # `exchanges` are a part of the recording; None: all of it
    sought: Sought | None = None  # one finding alone is replayed; None: all of `exchanges` are


class Watcher:
    """What a rehearsal tells while it runs; the command line and the dashboard show it. Says nothing by itself."""

    def stage(self, text: str) -> None:
        """A new stage begins."""

    def progress(self, name: str, done: int, total: int) -> None:
        """A pass has sent `done` of `total`; a self-test has gone through so many exchanges."""

    def seen(self, findings: Sequence[Finding]) -> None:
        """These are the findings by now, each with its state; one that is not confirmed may turn out to be flaky."""

    def confirmed(self, findings: Sequence[Finding]) -> None:
        """These findings are confirmed by now; a later round may still think otherwise."""


@dataclass(frozen=True, slots=True, repr=False)
class Rehearsal:
    """Everything that a run found out: the report, and what it rests on.

    Without a `repr` of its all: asyncio takes that of whatever a loop came to, when it puts back a signal's handler.
    """

    report: RunReport
    evidence: Evidence  # to judge once more, when somebody has approved something
    plan: Plan
    baselines: tuple[Pass, ...]
    candidates: tuple[Pass, ...]
    comparisons: tuple[Comparison, ...]
    profile: NoiseProfile
    learned: bool = False  # the profile was learned here, from passes of the baseline that all went well


async def rehearse(request: Request, watcher: Watcher | None = None) -> Rehearsal:
    """Replays, compares and judges. Raises UsageError and InconclusiveError as `replayer.errors` says."""
    return await _Rehearsing(request, watcher or Watcher()).run()


class _Rehearsing:
    def __init__(self, request: Request, watcher: Watcher) -> None:
        self._request = request
        self._watcher = watcher
        self._started = time.time()
        self._drift = Drift()
        if not request.exchanges:
            raise UsageError(f"The recording {request.recording!r} holds no exchanges.", "Record some traffic first.")
        watcher.stage("planning")
        part = request.selected
        table = part.table if part else RouteTable(_asked(exchange) for exchange in request.exchanges)
        self._plan = make_plan(request.exchanges, lambda exchange: table.route(*_asked(exchange)))
        hosts = {host for exchange in request.exchanges for host in recorded_hosts(exchange.request)}
        hosts |= part.hosts if part else frozenset()
        self._runner = PassRunner(
            plan=self._plan,
            guide=make_guide(self._plan),
            run_id=request.run_id,
            key=request.key,
            recorded_hosts=frozenset(hosts),
            concurrency=request.concurrency,
            speed=request.speed,
            correlate=request.correlate,
            order=request.order,
            canaries=choose_canaries(self._plan),
            executor=request.executor,
            ask_routes=request.routes.ask,
        )
        redactor = redactor_with(request.key) if request.key else None  # made in any case: it may be refused
        stored = tuple(answers for _, answers in request.baseline_answers)
        self._maker = CaseMaker(self._plan, stored, None if request.baselines else redactor)

        self._retrier: Retrier | None = None
        if request.sought is not None:
            live = bool(request.baselines)
            self._retrier = Retrier.of(self._plan, self._maker, request.sought, live, request.rules, request.tags)

    async def run(self) -> Rehearsal:
        if self._request.baselines:
            later = (*self._request.baselines[1:], self._request.candidate)
            await preflight(later, self._runner.recorded_hosts)
        baselines, known = await self._baselines()
        candidates = await self._candidates(baselines, alone=len(baselines) < 2 and known is None)
        if self._retrier is not None:
            return await self._retried(self._retrier, baselines, candidates, known)
        self._watcher.stage("comparing")
        cases = self._maker.cases(baselines, candidates)
        if known is not None:
            profile = known.profile
        else:
            profile = learn(teaching(cases), (baselines or candidates)[0].result.sorts)
        trial = Trial(profile, self._request.rules)
        comparisons = trial.first(cases)
        findings = group(comparisons, self._maker.contexts(cases), self._request.tags)
        self._watcher.seen(findings)
        found = Found(
            self._plan,
            baselines,
            candidates,
            comparisons,
            findings,
            profile,
            self._unconfirmable(),
            learned_in=known.run if known is not None else "",
            learned_from=known.passes if known is not None else len(baselines),
            drift=self._drift,
        )
        stopped = any(one.result.problem for one in (*baselines, *candidates))
        if findings and self._request.confirm and not stopped and not found.unconfirmable:
            found = await self._confirmed(found, trial)
            self._watcher.seen(found.findings)
        found = replace(found, budgets=await self._budgets(cases, baselines, found, stopped))
        if self._request.self_test:
            found = replace(found, sensitivity=self._sensitivity(baselines, profile))
        self._watcher.stage("judging")
        report, evidence = run_report(self._request, found, self._started)
        return Rehearsal(
            report,
            evidence,
            self._plan,
            tuple(baselines),
            tuple(candidates),
            tuple(comparisons),
            profile,
            learned=known is None and len(baselines) > 1 and not stopped,
        )

    # -- a retrial ---------------------------------------------------------------------------------------------------

    async def _retried(
        self, retrier: Retrier, baselines: list[Pass], candidates: list[Pass], known: Known | None
    ) -> Rehearsal:
        """The finding that is sought, in as many replays of the candidate as are asked for. Teaches no later run."""
        request, reference = self._request, self._reference(baselines)
        while len(candidates) < retrier.sought.times and repeatable(request.candidate):
            if candidates[-1].result.problem:
                break
            name = f"candidate {len(candidates) + 1}"
            candidates.append(await self._pass(name, request.candidate, None, reference))
        self._watcher.stage("comparing")
        cases = self._maker.cases(baselines, candidates[:2])
        profile = known.profile if known else learn(teaching(cases), (baselines or candidates)[0].result.sorts)
        tried = retrier.tried(profile, baselines, candidates, keeping_redactor(request.key))
        self._watcher.seen(tried.findings)
        shown = replace(candidates[tried.shown], name="candidate")
        candidates = [shown, *(one for number, one in enumerate(candidates) if number != tried.shown)]
        found = Found(
            self._plan,
            baselines,
            candidates,
            tried.comparisons,
            tried.findings,
            profile,
            self._unconfirmable(),
            learned_in=known.run if known is not None else "",
            learned_from=known.passes if known is not None else len(baselines),
            drift=self._drift,
        )
        report, evidence = retrial_report(request, found, tried, self._started)
        return Rehearsal(report, evidence, self._plan, tuple(baselines), tuple(candidates), tried.comparisons, profile)

    # -- passes -----------------------------------------------------------------------------------------------------

    async def _baselines(self) -> tuple[list[Pass], Known | None]:
        """The baseline's passes; one is enough, and stands guard, where an earlier run's profile still holds."""
        wanted = self._baseline_passes()
        known = self._request.known if len(wanted) > 1 and len(self._request.baselines) == 1 else None
        baselines: list[Pass] = []
        for name, target in wanted:
            baselines.append(await self._pass(name, target, None, Reference()))
            if baselines[-1].result.problem:
                break  # what befell one pass befalls the next, and each would take its time to find out
            if known is not None and len(baselines) == 1:
                self._watcher.stage("comparing with what is known of this build")
                self._drift = drift(known, baselines[0], self._maker, keeping_redactor(self._request.key))
                kept = not self._drift.exchanges or (self._drift.is_slight and self._confirms)
                if kept and not baselines[0].result.problem:
                    return baselines, known
        if len(self._request.baselines) == 1 and not baselines[-1].result.problem:
            baselines = most_faithful_first(baselines, self._plan)
        return baselines, None

    def _baseline_passes(self) -> list[tuple[str, TargetSettings]]:
        targets = self._request.baselines
        if len(targets) == 1 and repeatable(targets[0]):
            targets = targets * max(1, self._request.passes)
        if len(targets) == 1:
            return [("baseline", targets[0])]
        return [(f"baseline {number}", target) for number, target in enumerate(targets, 1)]

    async def _candidates(self, baselines: Sequence[Pass], *, alone: bool) -> list[Pass]:
        """The candidate's pass, and a second one where there is no other pair to learn from."""
        target = self._request.candidate
        broken = next((one for one in baselines if one.result.problem), None)
        if broken is not None:
            return [unsent_pass("candidate", target, self._plan, f"{broken.name} broke off: {broken.result.problem}")]
        reference = self._reference(baselines)
        if baselines:
            candidates = [await Storms(self._plan, self._pass).pass_of(target, baselines[0])]
        else:
            reference = replace(reference, heed_refusals=True)
            candidates = [await self._pass("candidate", target, None, reference)]
        if alone and repeatable(target) and not candidates[0].result.problem:
            candidates.append(await self._pass("candidate again", target, None, reference))
        return candidates

    def _reference(self, baselines: Sequence[Pass]) -> Reference:
        """For repetitions: refusals are what is to be repeated."""
        return Reference(
            statuses(baselines[0].result.answers) if baselines else self._stored_statuses(), heed_refusals=False
        )

    def _stored_statuses(self) -> dict[int, int]:
        """What an earlier run that serves as the baseline got."""
        answers = self._request.baseline_answers[0][1] if self._request.baseline_answers else {}
        named = ((step.index, answers.get(step.exchange.id)) for step in self._plan.steps)
        return {index: found.response.status for index, found in named if found and found.response}

    async def _pass(
        self,
        name: str,
        target: TargetSettings,
        only: frozenset[int] | None = None,
        reference: Reference = Reference(heed_refusals=False),  # noqa: B008  frozen
    ) -> Pass:
        self._watcher.stage(f"replaying: {name}")
        if self._retrier is None:
            return await self._runner.run(name, target, self._watcher.progress, only, reference)
        part = self._retrier.part if only is None else only
        return self._retrier.only_its(await self._runner.run(name, target, self._watcher.progress, part, reference))

    # -- confirmation -----------------------------------------------------------------------------------------------

    async def _confirmed(self, found: Found, trial: Trial) -> Found:
        """The same with findings that were put to the test."""
        confirmer = Confirmer(
            self._plan,
            self._maker,
            trial,
            partial(self._pass, reference=self._reference(found.baselines)),
            self._request.candidate,
            self._request.baselines[0] if self._request.baselines else None,
            tell=self._watcher.confirmed,
        )
        findings = await confirmer.confirm(found.findings, found.comparisons)
        return replace(found, findings=findings, confirmations=confirmer.counted, broken=tuple(confirmer.broken))

    async def _budgets(
        self, cases: Sequence[Case], baselines: Sequence[Pass], found: Found, stopped: bool
    ) -> tuple[Clause, ...]:
        """What became of the policy's budgets; what seems to be over one is measured again."""
        request = self._request
        why = "a pass broke off" if stopped else found.unconfirmable
        budgeting = Budgeting(
            self._plan,
            self._maker,
            partial(self._pass, reference=self._reference(baselines)),
            request.candidate,
            request.baselines[0] if request.baselines else None,
            why or ("" if request.confirm else "repetitions are switched off"),
        )
        return await budgeting.clauses(cases, request.policy.budgets)

    def _sensitivity(self, baselines: Sequence[Pass], profile: NoiseProfile) -> Sensitivity:
        """Which of the faults planted into right answers this very comparison catches."""
        self._watcher.stage("testing the comparison")
        cases = self._maker.cases(baselines, ())
        names = [one.name for one in baselines] or [name for name, _ in self._request.baseline_answers]
        right, source = right_answers(cases, names)
        request = self._request
        contexts = self._maker.contexts(cases)
        judging = Judging(profile, request.rules, request.approvals, request.policy, contexts, request.tags)
        return self_test(right, judging, source, progress=partial(self._watcher.progress, "self-test"))

    @property
    def _confirms(self) -> bool:
        """Whether findings will be replayed once more."""
        return self._request.confirm and not self._unconfirmable()

    def _unconfirmable(self) -> str:
        """Why findings can not be replayed once more; "" when they can."""
        targets = (self._request.candidate, *self._request.baselines[:1])
        stuck = [target.name for target in targets if not repeatable(target)]
        return f"{' and '.join(stuck)} can not begin anew: no start command and no reset" if stuck else ""


def _asked(exchange: Exchange) -> tuple[str, str, str]:
    return exchange.request.method, exchange.request.target, exchange.route
