"""What every report is a pure function of: one finished run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from diffing.gate import Verdict, is_approved
from diffing.grouping import Finding
from diffing.ledger import Ledger


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Which run this is."""

    id: str
    recording: str
    candidate: str
    baselines: tuple[str, ...] = ()
    started_at: str = ""  # ISO 8601 with its offset
    seconds: float = 0.0
    executor: str = "local"
    branch: str = ""
    commit: str = ""
    mode: str = "baseline"  # or "recording"


@dataclass(frozen=True, slots=True)
class RouteCoverage:
    """What was replayed of one route: exchanges, and the statuses that the candidate gave."""

    method: str
    route: str
    replayed: int
    statuses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what is known was replayed."""

    routes_known: int = 0
    routes_replayed: int = 0
    routes: tuple[RouteCoverage, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Where nothing could be checked: the share of all leaves, and the places (`GET /a body $.b`)."""

    share: float = 0.0
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's word that a finding is intended. `until` is an ISO date, "" without an end."""

    by: str
    reason: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class RunReport:
    """A finished run with everything that any report shows. Findings come the most important first."""

    run: RunSummary
    verdict: Verdict
    ledger: Ledger = field(default_factory=Ledger)
    fidelity: float | None = None
    coverage: Coverage = field(default_factory=Coverage)
    findings: Sequence[Finding] = ()
    approvals: Mapping[str, Approval] = field(default_factory=dict)  # by fingerprint, of findings and of members
    unchecked: Unchecked = field(default_factory=Unchecked)
    suppressed: Mapping[str, int] = field(default_factory=dict)  # what hid how many differences
    noise: Mapping[str, int | float | str] = field(default_factory=dict)  # what the A/A replays taught, in figures
    correlation: Mapping[str, int | float | str] = field(default_factory=dict)  # what was rewritten, in figures
    confirmations: Mapping[str, int | float | str] = field(default_factory=dict)  # second replays and what they said
    limits: tuple[str, ...] = ()  # what this run cannot tell, in sentences
    problems: tuple[str, ...] = ()  # what makes it inconclusive, in sentences
    artifacts: Mapping[str, str] = field(default_factory=dict)  # kind of report -> where it was written

    def approval(self, finding: Finding) -> Approval | None:
        """The approval that covers the finding, by its own fingerprint or by those of most members."""
        if not is_approved(finding, self.approvals):
            return None
        marks = (finding.fingerprint, *(member.fingerprint for member in finding.members))
        return next(self.approvals[mark] for mark in marks if mark in self.approvals)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that fail the gate."""
        return tuple(finding for finding in self.findings if finding.fingerprint in self.verdict.blocking)
