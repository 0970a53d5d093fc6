"""What every report is a pure function of: one finished run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from diffing.approvals import Approval
from diffing.gate import Verdict
from diffing.grouping import Finding
from diffing.ledger import Ledger
from diffing.noise import RuleUse
from diffing.sensitivity import Sensitivity
from diffing.standing import SILENT, Standing, aside_fingerprints

from ..first_seen import FirstSeen
from ..selection.account import Account

Figure = int | float | str


@dataclass(frozen=True, slots=True)
class CoverageRoute:
    """What was replayed of one route: exchanges, and the statuses that the candidate gave."""

    method: str
    route: str
    replayed: int
    statuses: Mapping[str, int] = field(default_factory=dict)
    known: bool = True  # it is one of those that coverage asks for


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what is known was replayed. `routes` are also those that coverage does not ask for."""

    routes_known: int = 0
    routes_replayed: int = 0
    routes: tuple[CoverageRoute, ...] = ()
    routes_from: str = "recording"  # who says which routes there are

    @property
    def missing(self) -> tuple[str, ...]:
        """The known routes of which nothing was replayed."""
        return tuple(f"{each.method} {each.route}" for each in self.routes if each.known and not each.replayed)


@dataclass(frozen=True, slots=True)
class AlertReport:
    """One message for people outside, and whether it was delivered."""

    way: str  # "slack" or "webhook"
    destination: str  # a channel; "" where the way has only one
    slot: str  # "run", or which part of its details
    state: str  # waiting, delivered, refused or overdue
    attempts: int = 0  # that came to nothing
    said: str = ""  # why it was not delivered

    @property
    def where(self) -> str:
        """`slack #releases`."""
        return f"{self.way} {self.destination}".strip()


class Came(Enum):
    """What a finding came to that was replayed alone."""

    SEEN = "seen again"
    GONE = "gone"
    UNTOLD = "could not tell"

    @property
    def exit_code(self) -> int:
        """How the command ends that asked."""
        return {Came.GONE: 0, Came.SEEN: 1, Came.UNTOLD: 3}[self]


@dataclass(frozen=True, slots=True)
class Retrial:
    """One finding of an earlier run, replayed alone, and what it came to. No verdict of a release."""

    run: str  # the id of the run that found it
    fingerprint: str
    change: str  # the finding in words: "GET /orders $.price int -> str"
    came: Came
    seen: int  # of `replays` of the candidate
    replays: int
    baseline_seen: int  # of `baseline_replays`: repetitions of the baseline held against its first
    baseline_replays: int
    asked: int  # exchanges that showed it
    sent: int  # these, and what they depend on
    doubts: tuple[str, ...] = ()  # why it could not be told; sentences


@dataclass(frozen=True, slots=True)
class RunReport:
    """A finished run with everything that any report shows. Findings come the most important first."""

    run_id: str
    recording: str
    candidate: str
    verdict: Verdict
    baselines: tuple[str, ...] = ()  # empty: compared with the recording alone
    started_at: float = 0.0  # seconds since the epoch
    seconds: float = 0.0
    executor: str = "local"
    branch: str = ""
    commit: str = ""
    ledger: Ledger = field(default_factory=Ledger)
    fidelity: float | None = None
    coverage: Coverage = field(default_factory=Coverage)
    findings: Sequence[Finding] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)  # what was said of findings, by their fingerprints
    first_seen: Mapping[str, FirstSeen] = field(default_factory=dict)  # of findings, by their fingerprints
    unseen: tuple[Approval, ...] = ()  # approvals whose change was not observed any more
    unchecked_share: float = 0.0  # of all leaves that were looked at
    unchecked: tuple[str, ...] = ()  # location shapes at which nothing could be checked
    suppressed: Mapping[str, int] = field(default_factory=dict)  # what hid how many differences
    rules: tuple[RuleUse, ...] = ()  # the noise rules that were in force, those that hid nothing too
    noise: Mapping[str, Figure] = field(default_factory=dict)  # what the A/A replays taught
    correlation: Mapping[str, Figure] = field(default_factory=dict)  # what was rewritten
    confirmations: Mapping[str, Figure] = field(default_factory=dict)  # second replays and what they said
    self_test: Sensitivity | None = None  # what became of the faults that were planted; None: none were
    selection: Account | None = None  # what a budget left out, and what that can miss; None: all was taken
    retrial: Retrial | None = None  # one finding alone was replayed; None: a release was judged
    alerts: tuple[AlertReport, ...] = ()  # messages for people outside, and what became of them
    notes: tuple[str, ...] = ()  # how the run went, in sentences
    limits: tuple[str, ...] = ()  # what this run cannot tell, in sentences
    problems: tuple[str, ...] = ()  # what makes it inconclusive, in sentences

    @property
    def mode(self) -> str:
        """What the candidate was compared with: "baseline" or "recording"."""
        return "baseline" if self.baselines else "recording"

    @property
    def started(self) -> str:
        """When the run started: ISO 8601, UTC, to the second; "" when that is not known."""
        return datetime.fromtimestamp(self.started_at, UTC).isoformat(timespec="seconds") if self.started_at else ""

    @property
    def exit_code(self) -> int:
        """How the command ends that made the run."""
        return self.retrial.came.exit_code if self.retrial else self.verdict.exit_code

    def standing(self, finding: Finding) -> Standing:
        """What people have said of the finding."""
        return self.standings.get(finding.fingerprint, SILENT)

    def is_new(self, finding: Finding) -> bool:
        """Whether no earlier run of the service showed the finding."""
        seen = self.first_seen.get(finding.fingerprint)
        return seen is not None and seen.run == self.run_id

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that nobody approved, or not enough people."""
        return tuple(finding for finding in self.findings if not self.standing(finding).approved)

    @property
    def approved(self) -> tuple[Finding, ...]:
        """The findings that are intended."""
        return tuple(finding for finding in self.findings if self.standing(finding).approved)

    @property
    def aside(self) -> frozenset[str]:
        """The fingerprints of the findings that are put down to the environment."""
        return aside_fingerprints(self.standings)

    @property
    def expired(self) -> tuple[Approval, ...]:
        """The approvals that would cover a finding, and are over."""
        return tuple({each.id: each for finding in self.open for each in self.standing(finding).expired}.values())

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that fail the gate."""
        return tuple(finding for finding in self.findings if finding.fingerprint in self.verdict.blocking)
