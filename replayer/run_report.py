"""What a rehearsal found out, as the report that is kept and shown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from diffing.difference import Answer, Comparison
from diffing.gate import Evidence, Outcome, Verdict, judge_run
from diffing.grouping import Finding
from diffing.ledger import Recorded, build_ledger
from diffing.noise import uses
from diffing.policy import Clause, listed
from diffing.profile import NoiseProfile
from diffing.rule_evidence import varied_spots
from diffing.sensitivity import Sensitivity
from diffing.standing import approved_fingerprints, aside_fingerprints, standings, unseen

from .errors import ExitCode
from .keeping import keeping_redactor, redacted_finding
from .known import Drift
from .known_routes import reached
from .observing import unobserved
from .passes import Pass, state_problems
from .plan import Plan
from .reports.model import RunReport
from .reports.retrial_wording import reasons
from .reports.rule_notes import rule_notes
from .selection.account import Account, account

if TYPE_CHECKING:
    from .rehearsal import Request
    from .retrial import Tried

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

MAX_NAMED = 5
"""Places that one sentence names."""
_ANEW = "learned anew, since the baseline changed at"


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that the report of a run is made of, beside what was asked."""

    plan: Plan
    baselines: Sequence[Pass]
    candidates: Sequence[Pass]
    comparisons: Sequence[Comparison]
    findings: Sequence[Finding]
    profile: NoiseProfile
    unconfirmable: str = ""  # why no finding can be replayed once more; a sentence
    confirmations: Mapping[str, int] = field(default_factory=dict)  # rounds, and exchanges that were replayed again
    sensitivity: Sensitivity | None = None  # of a self-test
    learned_in: str = ""  # the id of the earlier run whose profile still holds; "": learned in this run
    learned_from: int = 0  # passes of the baseline that taught
    broken: tuple[str, ...] = ()  # what ended repetitions, in sentences
    budgets: tuple[Clause, ...] = ()  # what became of the policy's budgets
    drift: Drift = field(default_factory=Drift)  # where the baseline contradicted an earlier run's profile


def run_report(request: Request, found: Found, started: float) -> tuple[RunReport, Evidence]:
    """The report, with its verdict, and what that rests on. Values in the report's findings are redacted."""
    baselines, candidates = found.baselines, found.candidates
    recorded = (Recorded(s.exchange.id, s.exchange.request.method, s.route, s.exchange.route) for s in found.plan.steps)
    part = request.selected
    ledger = build_ledger(found.comparisons, request.route_counts, recorded, part.left_out if part else ())
    fidelity = _fidelity(found.plan, (baselines or candidates)[0])
    routes = reached(request.routes, found.plan, baselines, candidates[0], part.left_out if part else ())
    coverage = routes.coverage
    with_baseline = bool(baselines or request.baseline_answers)
    problems = [f"{one.name}: {one.result.problem}" for one in (*baselines, *candidates) if one.result.problem]
    problems += (*found.broken, *state_problems(baselines, candidates))
    problems += [
        f"{one.name}: of {one.result.uncertain} exchanges nobody knows whether they, or what they work on, were sent:"
        " a worker ended, and the target can not begin anew"
        for one in (*baselines, *candidates)
        if one.result.uncertain and not one.result.problem
    ]
    evidence = Evidence(
        ledger=ledger,
        findings=tuple(found.findings),
        fidelity=fidelity,
        routes_known=coverage.routes_known,
        routes_replayed=coverage.routes_replayed,
        mode="baseline" if with_baseline else "recording",
        problems=tuple(problems),
        limits=(SINGLE_BASELINE if with_baseline and len(baselines) < 2 and not found.learned_in else ())
        + (() if with_baseline else RECORDING_ONLY_LIMITS)
        + (() if request.key else (NO_KEY,))
        + unobserved(request.exchanges, _reference(request, found), candidates[0].result.answers),
        tags=request.tags,
        unconfirmable=found.unconfirmable,
        sensitivity=found.sensitivity.total.value if found.sensitivity is not None else None,
        routes_from=coverage.routes_from,
        routes_unknown=routes.unknown,
        unreplayed=coverage.missing,
        new_routes=routes.new,
        budgets=found.budgets,
        age=None if request.recorded_until is None else max(0.0, started - request.recorded_until),
    )
    suppressed: Counter[str] = Counter()
    unchecked: Counter[str] = Counter()
    for comparison in found.comparisons:
        suppressed.update(comparison.suppressed)
        unchecked.update(comparison.unchecked)
    leaves = sum(comparison.leaves for comparison in found.comparisons)
    states = Counter(finding.state for finding in found.findings)
    redactor = keeping_redactor(request.key)
    used = uses(request.rules, found.comparisons)
    measured = len(baselines) > 1 or found.learned_in
    said = standings(found.findings, request.approvals, request.policy)
    report = RunReport(
        run_id=request.run_id,
        recording=request.recording,
        candidate=request.candidate.name,
        baselines=(*(t.name for t in request.baselines), *(name for name, _ in request.baseline_answers)),
        started_at=started,
        seconds=round(time.time() - started, 3),
        executor=request.executor.name,
        branch=request.branch,
        commit=request.commit,
        verdict=judge_run(evidence, request.policy, approved_fingerprints(said), aside_fingerprints(said)),
        ledger=ledger,
        fidelity=fidelity,
        coverage=coverage,
        findings=tuple(redacted_finding(finding, redactor) for finding in found.findings),
        standings=said,
        unseen=unseen(found.findings, request.approvals, ledger),
        unchecked_share=sum(unchecked.values()) / leaves if leaves else 0.0,
        unchecked=tuple(sorted(unchecked)),
        suppressed=dict(suppressed),
        rules=used,
        noise=_noise(found),
        correlation=_correlation(found),
        confirmations={**found.confirmations, **states} if found.confirmations else {},
        self_test=found.sensitivity,
        selection=_selection(request, found),
        notes=(
            *request.notes,
            *request.approvals.notes,
            *(f"{one.name}: {note}." for one in (*baselines, *candidates) for note in one.result.notes),
            *rule_notes(used, varied_spots(found.profile) if measured else None, request.tags),
        ),
        limits=evidence.limits,
        problems=evidence.problems,
    )
    return report, evidence


def retrial_report(request: Request, found: Found, tried: Tried, started: float) -> tuple[RunReport, Evidence]:
    """The report of a run that replayed one finding alone: it says what became of that, and gives no verdict."""
    report, evidence = run_report(request, found, started)
    result = tried.retrial
    notes = report.notes
    if tried.others:
        names = [f"{each.method} {each.route} {each.transition} ({each.fingerprint})" for each in tried.others]
        notes = (*notes, f"Beside it showed, and is not judged here: {listed(names)}.")
    said = reasons(result, report.ledger.total.recorded)
    verdict = Verdict(Outcome.INCONCLUSIVE, said, ExitCode.INCONCLUSIVE)
    return replace(report, verdict=verdict, retrial=result, notes=notes, unseen=()), evidence


def _selection(request: Request, found: Found) -> Account | None:
    part = request.selected
    if part is None:
        return None
    return account(
        part.strata,
        part.stratum_of,
        found.comparisons,
        found.findings,
        budget=part.budget.exchanges,
        seed=part.budget.seed,
        closures=part.closures,
        cut=part.cut,
    )


def _reference(request: Request, found: Found) -> Iterable[Answer] | None:
    """The answers that the candidate's were compared with; None: those of the recording."""
    if found.baselines:
        return found.baselines[0].result.answers
    return request.baseline_answers[0][1].values() if request.baseline_answers else None


def _noise(found: Found) -> dict[str, int | float | str]:
    """What is known of the baseline's noise, and where from."""
    figures: dict[str, int | float | str] = {
        "pairs of answers learned from": found.profile.pairs,
        "places": len(found.profile.places),
    }
    if found.learned_in:
        figures["learned in run"] = found.learned_in
    places = found.drift.places
    if places:
        more = f" and {len(places) - MAX_NAMED} more" if len(places) > MAX_NAMED else ""
        what = "kept, though the baseline now and then differs at" if found.learned_in else _ANEW
        figures[what] = "; ".join(places[:MAX_NAMED]) + more
    return figures


def _correlation(found: Found) -> dict[str, int | float | str]:
    """What was planned and rewritten, in figures."""
    plan = found.plan
    figures: dict[str, int | float | str] = {
        "sessions": len({step.session for step in plan.steps}),
        "kinds of identifier": len(set(plan.flow.sorts.values())),
        "longest chain of dependencies": plan.critical_path,
    }
    failures: Counter[str] = Counter()
    for one in (*found.baselines, *found.candidates):
        figures[f"{one.name}: values rewritten"] = one.result.replaced
        figures[f"{one.name}: principals minted"] = one.result.minted
        figures[f"{one.name}: seconds"] = round(one.seconds, 1)
        failures.update(one.result.mint_failures)
    for reason, count in failures.items():
        figures[f"requests without credentials: {reason}"] = count
    return figures


def _fidelity(plan: Plan, one: Pass) -> float:
    replayed = kept = 0
    for step, answer in zip(plan.steps, one.result.answers, strict=True):
        if answer.response is not None and step.status:
            replayed += 1
            kept += answer.response.status == step.status
    return kept / replayed if replayed else 0.0
