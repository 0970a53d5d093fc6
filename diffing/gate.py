"""Evidence and policy -> verdict, with every reason and its arithmetic in a sentence."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import Enum

from .clauses import Evidence as Evidence
from .clauses import NewRoutes as NewRoutes
from .clauses import clauses, open_findings, parted, stands, tagged
from .grouping import FLAKY, UNCONFIRMED, Finding
from .policy import Budget as Budget
from .policy import Clause, Holding, counted, listed
from .policy import Policy as Policy
from .policy import TagRule as TagRule
from .routes import matches


class Outcome(Enum):
    """What the gate says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


_EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's word. `blocking` are the fingerprints of the findings that fail it."""

    outcome: Outcome
    reasons: tuple[str, ...]
    exit_code: int
    blocking: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()  # everything that was asked for, and how it came out


def judge_run(evidence: Evidence, policy: Policy, approved: Container[str] = (), aside: Container[str] = ()) -> Verdict:
    """Pass, fail or inconclusive.

    A finding that stands, or a budget that was overrun, fails the gate whatever the evidence lacks; without one, a run
    that proves too little is inconclusive, not passed. `approved` and `aside` hold the fingerprints of the findings
    that are approved, and that are set aside (`standing`): these do not fail the gate, and no policy lets them pass.
    """
    found = clauses(evidence, policy, approved, aside)
    blamed, grave = parted(open_findings(evidence, policy, approved), aside)
    blocking = [finding for finding in grave if stands(finding, evidence)]
    doubts = [sentence for clause in found if clause.holding is Holding.UNTOLD for sentence in clause.sentences]
    overrun = [sentence for clause in found if clause.holding is Holding.FAILS for sentence in clause.sentences]
    unsure = [finding for finding in grave if finding.state == UNCONFIRMED and finding not in blocking]
    if unsure:
        doubts.append(f"{counted(len(unsure), 'finding')} could be neither confirmed nor refuted: {_named(unsure)}.")
    if blamed:
        who = f"{counted(len(blamed), 'finding')} put down to the environment"
        doubts.append(f"{who}: {_named(blamed)}. Put that right and run the gate again: only that can tell.")
    if blocking or overrun:
        fingerprints = tuple(finding.fingerprint for finding in blocking)
        reasons = (*_failures(blocking, evidence), *overrun, *(f"Also: {doubt}" for doubt in doubts))
        return _verdict(Outcome.FAIL, reasons, found, blocking=fingerprints)
    if not doubts:
        return _verdict(Outcome.PASS, (_why_passed(evidence, approved),), found)
    if policy.inconclusive == "pass" and not blamed:
        blind = [*tags_without_evidence(evidence), *_gaps(found, evidence)]
        if not blind:
            reasons = ('Too little evidence, which policy.inconclusive = "pass" accepts.', *doubts)
            return _verdict(Outcome.INCONCLUSIVE, reasons, found, accepted=True)
        doubts.append(f"Policy lets an inconclusive run pass, but never for tagged routes: {'; '.join(blind)}.")
    return _verdict(Outcome.INCONCLUSIVE, tuple(doubts), found)


def tags_without_evidence(evidence: Evidence) -> tuple[str, ...]:
    """What is missing for each tag: none of its routes was recorded, or some were not compared at all."""
    missing = []
    for name, patterns in evidence.tags:
        routes = tagged(evidence.ledger, patterns)
        blind = [f"{each.method} {each.route}" for each in routes if not each.tally.compared]
        if not routes:
            missing.append(f"{name}: no route of it was recorded")
        elif blind:
            missing.append(f"{name}: nothing was compared on {listed(blind)}")
    return tuple(missing)


def _gaps(found: Sequence[Clause], evidence: Evidence) -> list[str]:
    """What could not be told of tags: of their own policy, and of any clause at a route of theirs."""
    told = []
    for clause in found:
        if clause.holding is not Holding.UNTOLD:
            continue
        if clause.tag:
            told.append(f"{clause.tag}: {clause.key} asks for more")
            continue
        for name, patterns in evidence.tags:
            lacking = [route for route in clause.evidence if _is_of(route, patterns)]
            if lacking:
                told.append(f"{name}: {clause.key} does not hold for {listed(lacking)}")
    return told


def _is_of(name: str, patterns: Sequence[str]) -> bool:
    """Whether a piece of evidence is a route, and one that the patterns name."""
    method, _, route = name.partition(" ")
    return bool(route) and any(matches(pattern, method, route) for pattern in patterns)


def _verdict(
    outcome: Outcome,
    reasons: tuple[str, ...],
    found: tuple[Clause, ...],
    blocking: tuple[str, ...] = (),
    accepted: bool = False,
) -> Verdict:
    return Verdict(outcome, reasons, _EXIT_CODES[Outcome.PASS if accepted else outcome], blocking, found)


def _failures(blocking: Sequence[Finding], evidence: Evidence) -> list[str]:
    if not blocking:
        return []
    reasons = [f"{counted(len(blocking), 'finding')} that policy fails on, not approved: {_named(blocking)}."]
    if blocking[0].state == UNCONFIRMED:
        why = evidence.unconfirmable or "The targets could not be brought back to the state in which a pass begins."
        reasons.append(f"None of them was confirmed by a second replay, and they count all the same. {why}")
    return reasons


def _why_passed(evidence: Evidence, approved: Container[str]) -> str:
    total = evidence.ledger.total
    known = sum(finding.fingerprint in approved for finding in evidence.findings)
    flaky = sum(finding.state == FLAKY for finding in evidence.findings)
    notes = [f"{known} approved"] * bool(known) + [f"{flaky} flaky"] * bool(flaky)
    changes = counted(len(evidence.findings), "finding") + (f" ({', '.join(notes)})" if notes else "")
    return (
        f"Nothing that policy fails on: {changes}; {total.compared} of {total.recorded} recorded exchanges compared"
        f" on {evidence.routes_replayed} of {evidence.routes_known} routes."
    )


def _named(findings: Sequence[Finding]) -> str:
    return listed(
        [
            f"{finding.method} {finding.route} {finding.location.path or finding.location.part.value}"
            f" {finding.transition} ({finding.severity.value}, {finding.fingerprint})"
            for finding in findings
        ]
    )
