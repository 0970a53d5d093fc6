"""A rehearsal: passes of the baseline and of the candidate, compared, confirmed, grouped and judged.

This is the one place that knows the whole order of a run. It decides nothing itself: the plan says what is sent, the
profile what varies, the gate what blocks.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from diffing.difference import Answer, Case, Comparison, Difference, DifferenceKind, Reason, Status
from diffing.gate import Evidence, Policy, judge_run
from diffing.grouping import Finding, group
from diffing.judge import judge
from diffing.ledger import Recorded, build_ledger
from diffing.noise import NoiseRule, uses
from diffing.profile import NoiseProfile, learn
from diffing.routes import RouteTable
from diffing.signatures import ExchangeContext
from recorder.exchange import Exchange, RouteCount
from recorder.keys import Key
from recorder.redaction import Redactor

from .engine import closure
from .errors import UsageError
from .keeping import keeping_redactor, redacted_finding
from .passes import Pass, PassRunner, choose_canaries, state_problems
from .plan import Plan, make_plan
from .reports.model import Coverage, CoverageRoute, RunReport
from .safety import recorded_hosts
from .target_settings import TargetSettings

MAX_CONFIRMED_SHARE = 0.6
"""Above this share of the plan a confirmation replays all of it: picking would save little."""

SINGLE_BASELINE = (
    "There is one answer of the baseline only: what varies was learned from the candidate's own passes, and a value "
    "that only the candidate varies is not seen.",
)
NO_KEY = (
    "The key that the recording was made with is not here: no principal can be recognised, no credentials be minted, "
    "and pseudonyms can not be compared. Set UNDERSTUDY_KEY or UNDERSTUDY_KEY_FILE to it."
)
RECORDING_ONLY_LIMITS = (
    "Compared with the recording alone: values that differ between production and the candidate for reasons of "
    "their own (clocks, hosts, data that changed since) can not be told from a regression with certainty.",
    "A field that is wrong in the same way in every replay, and varies in production, is seen only by its kind.",
)


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
    concurrency: int = 4
    correlate: bool = True
    confirm: bool = True
    order: Callable[[int], float] = float
    policy: Policy = field(default_factory=Policy)
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    rules: tuple[NoiseRule, ...] = ()
    approved: frozenset[str] = frozenset()
    key: Key | None = None
    branch: str = ""
    commit: str = ""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])


class Watcher:
    """What a rehearsal tells while it runs; the command line and the dashboard show it. Says nothing by itself."""

    def stage(self, text: str) -> None:
        """A new stage begins."""

    def progress(self, name: str, done: int, total: int) -> None:
        """A pass has sent `done` of `total`."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Everything that a run found out: the report, and what it rests on."""

    report: RunReport
    plan: Plan
    baselines: tuple[Pass, ...]
    candidates: tuple[Pass, ...]
    comparisons: tuple[Comparison, ...]
    profile: NoiseProfile


async def rehearse(request: Request, watcher: Watcher | None = None) -> Rehearsal:
    """Replays, compares and judges. Raises UsageError and InconclusiveError as `replayer.errors` says."""
    return await _Rehearsing(request, watcher or Watcher()).run()


class _Rehearsing:
    def __init__(self, request: Request, watcher: Watcher) -> None:
        self._request = request
        self._watcher = watcher
        self._started = time.time()
        if not request.exchanges:
            raise UsageError(f"The recording {request.recording!r} holds no exchanges.", "Record some traffic first.")
        watcher.stage("planning")
        table = RouteTable((e.request.method, e.request.target, e.route) for e in request.exchanges)
        self._plan = make_plan(request.exchanges, lambda e: table.route(e.request.method, e.request.target, e.route))
        hosts = {host for exchange in request.exchanges for host in recorded_hosts(exchange.request)}
        self._runner = PassRunner(
            plan=self._plan,
            run_id=request.run_id,
            key=request.key,
            recorded_hosts=frozenset(hosts),
            concurrency=request.concurrency,
            correlate=request.correlate,
            order=request.order,
            canaries=choose_canaries(self._plan),
        )
        # Stored answers and recordings hold pseudonyms; what is compared with them has to hold the same ones.
        self._redactor = Redactor(request.key) if request.key and not request.baselines else None

    async def run(self) -> Rehearsal:
        baselines = [await self._pass(name, target) for name, target in self._baseline_passes()]
        candidates = [await self._pass("candidate", self._request.candidate)]
        if len(baselines) < 2 and _repeatable(self._request.candidate):
            candidates.append(await self._pass("candidate again", self._request.candidate))
        self._watcher.stage("comparing")
        cases = self._cases(baselines, candidates)
        profile = learn(self._teaching(cases), (baselines or candidates)[0].result.sorts)
        comparisons = [_with_errors(one) for one in judge(cases, profile, self._request.rules)]
        findings = group(comparisons, self._context(cases), self._request.tags)
        confirmations = 0
        stopped = any(one.result.problem for one in (*baselines, *candidates))
        if findings and self._request.confirm and not stopped:
            findings, confirmations = await self._confirm(findings, comparisons, profile, baselines)
        self._watcher.stage("judging")
        report = self._report(baselines, candidates, comparisons, findings, profile, confirmations)
        return Rehearsal(report, self._plan, tuple(baselines), tuple(candidates), tuple(comparisons), profile)

    # -- passes -----------------------------------------------------------------------------------------------------

    def _baseline_passes(self) -> list[tuple[str, TargetSettings]]:
        targets = self._request.baselines
        if len(targets) == 1 and _repeatable(targets[0]):
            targets = targets * max(1, self._request.passes)
        if len(targets) == 1:
            return [("baseline", targets[0])]
        return [(f"baseline {number}", target) for number, target in enumerate(targets, 1)]

    async def _pass(self, name: str, target: TargetSettings, only: frozenset[int] | None = None) -> Pass:
        self._watcher.stage(f"replaying: {name}")
        return await self._runner.run(name, target, self._watcher.progress, only)

    def _cases(self, baselines: Sequence[Pass], candidates: Sequence[Pass]) -> list[Case]:
        cases: list[Case] = []
        for step in self._plan.steps:
            reference = tuple(one.result.answers[step.index] for one in baselines)
            if not baselines:
                missing = Answer(None, reason=Reason.OVER_BUDGET)
                reference = tuple(a.get(step.exchange.id, missing) for _, a in self._request.baseline_answers)
            judged = tuple(self._redacted(one.result.answers[step.index], step.exchange) for one in candidates)
            cases.append(Case(step.exchange, step.route, reference, judged))
        return cases

    def _teaching(self, cases: Sequence[Case]) -> list[Case]:
        """What teaches which values vary: two baseline passes, or else the recording, or the candidate's own passes."""
        if not cases or len(cases[0].baseline) != 1 or len(cases[0].candidate) < 2:
            return list(cases)
        return [replace(case, baseline=case.candidate, candidate=()) for case in cases]

    def _redacted(self, answer: Answer, recorded: Exchange) -> Answer:
        if self._redactor is None or answer.response is None:
            return answer
        return replace(answer, response=self._redactor.redact_answer(answer.response, recorded))

    def _context(self, cases: Sequence[Case]) -> dict[str, ExchangeContext]:
        return {
            step.exchange.id: ExchangeContext(
                session=str(step.session),
                order=step.index,
                size=step.exchange.request.body.size
                + (step.exchange.response.body.size if step.exchange.response else 0),
                principal=step.principal,
                status=_reference_status(case),
            )
            for step, case in zip(self._plan.steps, cases, strict=True)
        }

    # -- confirmation -----------------------------------------------------------------------------------------------

    async def _confirm(
        self,
        findings: Sequence[Finding],
        comparisons: Sequence[Comparison],
        profile: NoiseProfile,
        baselines: Sequence[Pass],
    ) -> tuple[list[Finding], int]:
        """Replays each finding's exemplars, with all that they depend on, on fresh instances of both sides."""
        paired = bool(baselines)
        if self._unconfirmable(paired):
            return list(findings), 0
        index_of = {step.exchange.id: step.index for step in self._plan.steps}
        exemplars = sorted({index_of[i] for finding in findings for i in finding.exemplars})
        needed = closure(self._plan, exemplars)
        only = None if len(needed) > MAX_CONFIRMED_SHARE * len(self._plan.steps) else needed
        again = []
        if paired:
            again = [await self._pass("confirming: baseline", self._request.baselines[0], only)]
        repeated = [await self._pass("confirming: candidate", self._request.candidate, only)]
        seen = self._judged_again(again, repeated, profile, only)
        shaky = await self._shaky(baselines[:1], again, profile, only) if again else frozenset()
        first = {c.exchange_id: c for c in comparisons}
        confirmed = []
        for finding in findings:
            found = any(_same_change(finding, first.get(i), seen.get(i), shaky) for i in finding.exemplars)
            confirmed.append(replace(finding, state="confirmed" if found else "flaky"))
        return confirmed, len(exemplars)

    async def _shaky(
        self, first: Sequence[Pass], again: Sequence[Pass], profile: NoiseProfile, only: frozenset[int] | None
    ) -> frozenset[tuple[object, ...]]:
        """What the baseline changes against itself: noise that the passes before did not show, no candidate's change.

        A part of the recording leaves another state behind than the whole, so that it is compared with itself.
        """
        if only is not None:
            first = [await self._pass("confirming: baseline again", self._request.baselines[0], only)]
        itself = self._judged_again(first, again, profile, only).values()
        return frozenset((c.method, c.route, _change(d)) for c in itself for d in c.differences)

    def _judged_again(
        self, reference: Sequence[Pass], judged: Sequence[Pass], profile: NoiseProfile, only: frozenset[int] | None
    ) -> dict[str, Comparison]:
        """The comparisons of the exchanges that were replayed once more, by exchange."""
        cases = self._cases(reference, judged)
        if only is not None:
            cases = [case for case, step in zip(cases, self._plan.steps, strict=True) if step.index in only]
        return {c.exchange_id: c for c in judge(cases, profile, self._request.rules)}

    def _unconfirmable(self, paired: bool) -> str:
        """Why findings can not be replayed once more; "" when they can."""
        targets = (self._request.candidate, *(self._request.baselines[:1] if paired else ()))
        stuck = [target.name for target in targets if not _repeatable(target)]
        return f"{' and '.join(stuck)} can not begin anew: no start command and no reset" if stuck else ""

    # -- the report -------------------------------------------------------------------------------------------------

    def _report(
        self,
        baselines: Sequence[Pass],
        candidates: Sequence[Pass],
        comparisons: Sequence[Comparison],
        findings: Sequence[Finding],
        profile: NoiseProfile,
        confirmations: int,
    ) -> RunReport:
        request = self._request
        recorded = (
            Recorded(s.exchange.id, s.exchange.request.method, s.route, s.exchange.route) for s in self._plan.steps
        )
        ledger = build_ledger(comparisons, request.route_counts, recorded)
        fidelity = self._fidelity((baselines or candidates)[0])
        coverage = self._coverage(candidates[0])
        with_baseline = bool(baselines or request.baseline_answers)
        problems = [f"{one.name}: {one.result.problem}" for one in (*baselines, *candidates) if one.result.problem]
        problems += state_problems(baselines, candidates)
        evidence = Evidence(
            ledger=ledger,
            findings=tuple(findings),
            fidelity=fidelity,
            routes_known=coverage.routes_known,
            routes_replayed=coverage.routes_replayed,
            mode="baseline" if with_baseline else "recording",
            problems=tuple(problems),
            limits=(SINGLE_BASELINE if with_baseline and len(baselines) < 2 else ())
            + (() if with_baseline else RECORDING_ONLY_LIMITS)
            + (() if request.key else (NO_KEY,)),
            tags=request.tags,
            unconfirmable=self._unconfirmable(bool(baselines)),
        )
        suppressed: Counter[str] = Counter()
        unchecked: Counter[str] = Counter()
        for comparison in comparisons:
            suppressed.update(comparison.suppressed)
            unchecked.update(comparison.unchecked)
        leaves = sum(comparison.leaves for comparison in comparisons)
        states = Counter(finding.state for finding in findings)
        redactor = keeping_redactor(request.key)
        return RunReport(
            run_id=request.run_id,
            recording=request.recording,
            candidate=request.candidate.name,
            baselines=(*(t.name for t in request.baselines), *(name for name, _ in request.baseline_answers)),
            started_at=self._started,
            seconds=round(time.time() - self._started, 3),
            executor="local",
            branch=request.branch,
            commit=request.commit,
            verdict=judge_run(evidence, request.policy, request.approved),
            ledger=ledger,
            fidelity=fidelity,
            coverage=coverage,
            findings=tuple(redacted_finding(finding, redactor) for finding in findings),
            unchecked_share=sum(unchecked.values()) / leaves if leaves else 0.0,
            unchecked=tuple(sorted(unchecked)),
            suppressed=dict(suppressed),
            rules=uses(request.rules, comparisons),
            noise={"pairs of answers learned from": profile.pairs, "places": len(profile.places)},
            correlation=self._correlation(baselines, candidates),
            confirmations={"exemplars": confirmations, **states} if confirmations else {},
            limits=evidence.limits,
            problems=evidence.problems,
        )

    def _correlation(self, baselines: Sequence[Pass], candidates: Sequence[Pass]) -> dict[str, int | float | str]:
        """What was planned and rewritten, in figures."""
        plan = self._plan
        figures: dict[str, int | float | str] = {
            "sessions": len({step.session for step in plan.steps}),
            "kinds of identifier": len(set(plan.flow.sorts.values())),
            "longest chain of dependencies": plan.critical_path,
        }
        failures: Counter[str] = Counter()
        for one in (*baselines, *candidates):
            figures[f"{one.name}: values rewritten"] = one.result.replaced
            figures[f"{one.name}: principals minted"] = one.result.minted
            figures[f"{one.name}: seconds"] = round(one.seconds, 1)
            failures.update(one.result.mint_failures)
        for reason, count in failures.items():
            figures[f"requests without credentials: {reason}"] = count
        return figures

    def _fidelity(self, one: Pass) -> float:
        replayed = kept = 0
        for step, answer in zip(self._plan.steps, one.result.answers, strict=True):
            if answer.response is not None and step.status:
                replayed += 1
                kept += answer.response.status == step.status
        return kept / replayed if replayed else 0.0

    def _coverage(self, candidate: Pass) -> Coverage:
        statuses: dict[tuple[str, str], Counter[str]] = {}
        for step, answer in zip(self._plan.steps, candidate.result.answers, strict=True):
            counts = statuses.setdefault((step.exchange.request.method, step.route), Counter())
            if answer.response is not None:
                counts[str(answer.response.status)] += 1
        routes = tuple(
            CoverageRoute(method, route, sum(counts.values()), dict(sorted(counts.items())))
            for (method, route), counts in sorted(statuses.items())
        )
        return Coverage(len(routes), sum(1 for route in routes if route.replayed), routes)


def _with_errors(comparison: Comparison) -> Comparison:
    """A candidate that gave no response where the baseline did has *errored*, which the ledger counts apart."""
    if any(difference.kind is DifferenceKind.FAILURE for difference in comparison.differences):
        return replace(comparison, status=Status.ERRORED)
    return comparison


def _reference_status(case: Case) -> int | None:
    response = case.baseline[0].response if case.baseline else case.exchange.response
    return response.status if response else None


def _repeatable(target: TargetSettings) -> bool:
    """Whether a second pass begins in the same state: a fresh instance, a reset, or nothing but reads."""
    return bool(target.start or target.wsgi or target.reset) or not target.disposable


def _same_change(
    finding: Finding, first: Comparison | None, again: Comparison | None, shaky: Set[tuple[object, ...]]
) -> bool:
    """Whether an exemplar's repetition shows a change of this finding: same place, kind and transition, not shaky."""
    if first is None or again is None or again.status not in (Status.DIFFERED, Status.ERRORED):
        return False
    places = {(member.location.part, member.location.path) for member in finding.members}
    places.add((finding.location.part, finding.location.path))
    before = {_change(d) for d in first.differences}
    return any(
        _change(d) in before
        and (again.method, again.route, _change(d)) not in shaky
        and any(d.location.part is part and _within(d.location.shape, path) for part, path in places)
        for d in again.differences
    )


def _change(difference: Difference) -> tuple[object, ...]:
    return (difference.location.part, difference.location.shape, difference.kind, difference.transition)


def _within(shape: str, path: str) -> bool:
    """Whether a difference at `shape` belongs to a finding at `path`, maybe the parent it was rolled up to."""
    return shape == path or shape.startswith((path + ".", path + "["))
