"""Evidence and policy -> verdict, with every reason and its arithmetic in a sentence."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from .difference import Severity
from .grouping import CONFIRMED, FLAKY, UNCONFIRMED, Finding
from .ledger import Ledger
from .routes import matches

MAX_NAMED = 5  # findings, routes or faults that one reason names


class Outcome(Enum):
    """What the gate says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


_EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3}


@dataclass(frozen=True, slots=True)
class TagRule:
    """What blocks a release on the routes of one tag."""

    fail_on: Severity = Severity.MAJOR
    reviewers: int = 1  # people who must approve; from 2 on only approvals in the store count


@dataclass(frozen=True, slots=True)
class Policy:
    """What blocks a release, and how much evidence a verdict needs."""

    fail_on: Severity = Severity.BREAKING  # the lightest severity that fails
    min_route_coverage: float = 0.0  # share of the known routes that must have been replayed, 0..1
    min_replayed: int = 1  # exchanges
    min_fidelity: float = 0.9  # share of replayed exchanges with the recorded status from the baseline, 0..1
    min_sensitivity: float = 0.0  # share of planted faults that the comparison must catch, 0..1; 0: it is not asked for
    max_errored: float = 0.1  # share of the replayed exchanges that may end without an answer, 0..1
    inconclusive: str = "fail"  # or "pass": too little evidence lets the release out, but never for tagged routes
    tags: Mapping[str, TagRule] = field(default_factory=dict)

    def lightest_failing(self, tags: Iterable[str]) -> Severity:
        """The lightest severity that fails on routes with these tags: the strictest of what applies."""
        applying = [self.fail_on, *(self.tags.get(tag, TagRule()).fail_on for tag in tags)]
        return max(applying, key=lambda severity: severity.rank)

    def reviewers(self, tags: Iterable[str]) -> int:
        """How many people must approve a finding on routes with these tags: the most that any of them asks for."""
        return max((self.tags.get(tag, TagRule()).reviewers for tag in tags), default=1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run found, and what stands against believing it."""

    ledger: Ledger
    findings: Sequence[Finding]
    fidelity: float | None  # None: there is no baseline to measure it with
    routes_known: int
    routes_replayed: int
    mode: str = "baseline"  # or "recording"
    problems: tuple[str, ...] = ()  # sentences; each makes the run inconclusive
    limits: tuple[str, ...] = ()  # what this mode cannot tell; sentences, for the report
    tags: Sequence[tuple[str, tuple[str, ...]]] = ()  # name, route patterns
    unconfirmable: str = ""  # why no finding was replayed again; a sentence
    sensitivity: float | None = None  # share of planted faults that were caught; None: there was no self-test


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's word. `blocking` are the fingerprints of the findings that fail it."""

    outcome: Outcome
    reasons: tuple[str, ...]
    exit_code: int
    blocking: tuple[str, ...] = ()


def judge_run(evidence: Evidence, policy: Policy, approved: Container[str] = ()) -> Verdict:
    """Pass, fail or inconclusive.

    A finding that stands fails the gate whatever the evidence lacks; without one, a run that proves too little is
    inconclusive, not passed. `approved` holds the fingerprints of the findings that are approved (`standing`).
    """
    open_findings = [finding for finding in evidence.findings if _counts(finding, policy, approved)]
    blocking = [finding for finding in open_findings if _stands(finding, evidence)]
    doubts = list(_doubts(evidence, policy))
    unsure = [finding for finding in open_findings if finding.state == UNCONFIRMED and finding not in blocking]
    if unsure:
        doubts.append(f"{_findings(len(unsure))} could be neither confirmed nor refuted: {_named(unsure)}.")
    if blocking:
        fingerprints = tuple(finding.fingerprint for finding in blocking)
        reasons = (*_failures(blocking, evidence), *(f"Also: {doubt}" for doubt in doubts))
        return Verdict(Outcome.FAIL, reasons, _EXIT_CODES[Outcome.FAIL], fingerprints)
    if not doubts:
        return Verdict(Outcome.PASS, (_why_passed(evidence, approved),), _EXIT_CODES[Outcome.PASS])
    if policy.inconclusive == "pass":
        if blind := tags_without_evidence(evidence):
            doubts.append(f"Policy lets an inconclusive run pass, but never for tagged routes: {'; '.join(blind)}.")
        else:
            reasons = ('Too little evidence, which policy.inconclusive = "pass" accepts.', *doubts)
            return Verdict(Outcome.INCONCLUSIVE, reasons, _EXIT_CODES[Outcome.PASS])
    return Verdict(Outcome.INCONCLUSIVE, tuple(doubts), _EXIT_CODES[Outcome.INCONCLUSIVE])


def tags_without_evidence(evidence: Evidence) -> tuple[str, ...]:
    """What is missing for each tag: none of its routes was recorded, or some were not compared at all."""
    missing = []
    for name, patterns in evidence.tags:
        routes = [
            each
            for each in evidence.ledger.routes
            if any(matches(pattern, each.method, each.route) for pattern in patterns)
        ]
        blind = [f"{each.method} {each.route}" for each in routes if not each.tally.compared]
        if not routes:
            missing.append(f"{name}: no route of it was recorded")
        elif blind:
            missing.append(f"{name}: nothing was compared on {_listed(blind)}")
    return tuple(missing)


def _counts(finding: Finding, policy: Policy, approved: Container[str]) -> bool:
    """Whether the finding is grave enough to fail, and nobody has approved it."""
    grave = finding.severity.rank <= policy.lightest_failing(finding.tags).rank
    return grave and finding.fingerprint not in approved


def _stands(finding: Finding, evidence: Evidence) -> bool:
    """Whether the finding is confirmed, or could not be: then no finding of the run was replayed again."""
    if finding.state == UNCONFIRMED:
        return all(each.state == UNCONFIRMED for each in evidence.findings)
    return finding.state == CONFIRMED


def _failures(blocking: Sequence[Finding], evidence: Evidence) -> list[str]:
    reasons = [f"{_findings(len(blocking))} that policy fails on, not approved: {_named(blocking)}."]
    if blocking[0].state == UNCONFIRMED:
        why = evidence.unconfirmable or "The targets could not be brought back to the state in which a pass begins."
        reasons.append(f"None of them was confirmed by a second replay, and they count all the same. {why}")
    return reasons


def _doubts(evidence: Evidence, policy: Policy) -> Iterable[str]:
    """Every reason not to believe in a pass."""
    total = evidence.ledger.total
    yield from evidence.problems
    if not total.compared:
        yield f"Nothing was compared: {total.recorded} exchanges recorded, {total.replayed} replayed, 0 compared."
    elif total.compared < policy.min_replayed:
        yield f"Only {total.compared} exchanges were compared; policy asks for {policy.min_replayed}."
    coverage = evidence.routes_replayed / evidence.routes_known if evidence.routes_known else 0.0
    if coverage < policy.min_route_coverage:
        yield (
            f"{evidence.routes_replayed} of {evidence.routes_known} known routes were replayed ({_share(coverage)});"
            f" policy asks for {_share(policy.min_route_coverage)}."
        )
    if evidence.fidelity is not None and evidence.fidelity < policy.min_fidelity:
        yield (
            f"The baseline gave the recorded status to {_share(evidence.fidelity)} of the replayed exchanges;"
            f" policy asks for {_share(policy.min_fidelity)}."
        )
    if evidence.sensitivity is not None and evidence.sensitivity < policy.min_sensitivity:
        yield (
            f"The comparison caught {_share(evidence.sensitivity)} of the faults that were planted to test it;"
            f" policy asks for {_share(policy.min_sensitivity)}."
        )
    if total.replayed and total.errored > policy.max_errored * total.replayed:
        yield (
            f"{total.errored} of {total.replayed} replayed exchanges got no answer"
            f" ({_share(total.errored / total.replayed)}; {_share(policy.max_errored)} may)."
        )
    if not evidence.ledger.balanced:
        yield f"The ledger does not balance: {_listed(evidence.ledger.imbalance)}."


def _why_passed(evidence: Evidence, approved: Container[str]) -> str:
    total = evidence.ledger.total
    known = sum(finding.fingerprint in approved for finding in evidence.findings)
    flaky = sum(finding.state == FLAKY for finding in evidence.findings)
    notes = [f"{known} approved"] * bool(known) + [f"{flaky} flaky"] * bool(flaky)
    changes = f"{_findings(len(evidence.findings))}" + (f" ({', '.join(notes)})" if notes else "")
    return (
        f"Nothing that policy fails on: {changes}; {total.compared} of {total.recorded} recorded exchanges compared"
        f" on {evidence.routes_replayed} of {evidence.routes_known} routes."
    )


def _named(findings: Sequence[Finding]) -> str:
    return _listed(
        [
            f"{finding.method} {finding.route} {finding.location.path or finding.location.part.value}"
            f" {finding.transition} ({finding.severity.value}, {finding.fingerprint})"
            for finding in findings
        ]
    )


def _listed(items: Sequence[str]) -> str:
    more = f"; and {len(items) - MAX_NAMED} more" if len(items) > MAX_NAMED else ""
    return "; ".join(items[:MAX_NAMED]) + more


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def _share(share: float) -> str:
    """A share as a percentage that never rounds up to a threshold that it misses."""
    return f"{int(share * 1000 + 1e-9) / 10:g} %"
