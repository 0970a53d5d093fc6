"""What a user asks of a release, and how each single thing that is asked for came out: the words of the gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from .difference import Severity

MAX_NAMED = 5  # findings, routes or faults that one sentence names


class Holding(Enum):
    """How one clause of a policy came out."""

    HELD = "held"
    FAILS = "fails"
    UNTOLD = "inconclusive"  # the evidence is too thin, or too noisy, to say
    OFF = "not asked for"


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that policy asks for, with its arithmetic: what was asked, what was measured, and whether it held."""

    key: str  # where it stands in the settings file: "policy.min_replayed", "policy.tags.payments.min_compared"
    asked: str
    measured: str
    holding: Holding
    sentences: tuple[str, ...] = ()  # the reasons that it gives the verdict; empty unless it fails or is inconclusive
    evidence: tuple[str, ...] = ()  # fingerprints of findings, or routes
    tag: str = ""  # the tag whose policy it is of


@dataclass(frozen=True, slots=True)
class TagRule:
    """What blocks a release on the routes of one tag, and how much evidence there must be of them."""

    fail_on: Severity = Severity.MAJOR
    reviewers: int = 1  # people who must approve; from 2 on only approvals in the store count
    min_compared: int = 0  # exchanges of all its routes together
    min_per_route: int = 0  # exchanges of each of its routes


@dataclass(frozen=True, slots=True)
class Budget:
    """What the requests of some routes may cost. A limit that is None is not asked for."""

    route: str  # "METHOD /glob/**"
    max_slowdown: float | None = None  # the candidate may take so many times as long as the baseline
    slowdown_floor: float = 0.01  # seconds by which it may be slower in any case
    max_statements: int | None = None  # SQL statements of one request
    max_more_statements: int | None = None  # beyond those of the baseline


@dataclass(frozen=True, slots=True)
class Policy:
    """What blocks a release, and how much evidence a verdict needs."""

    fail_on: Severity = Severity.BREAKING  # the lightest severity that fails
    min_route_coverage: float = 0.0  # share of the known routes that must have been replayed, 0..1
    min_replayed: int = 1  # exchanges
    min_per_route: int = 0  # exchanges that must have been compared on each route of the recording
    min_fidelity: float = 0.9  # share of replayed exchanges with the recorded status from the baseline, 0..1
    min_sensitivity: float = 0.0  # share of planted faults that the comparison must catch, 0..1; 0: it is not asked for
    min_new: float = 0.0  # share of the candidate's new routes that must have been replayed, 0..1; 0: not asked for
    max_errored: float = 0.1  # share of the replayed exchanges that may end without an answer, 0..1
    max_age: float = 0.0  # seconds since the last exchange was recorded; 0: a recording may have any age
    inconclusive: str = "fail"  # or "pass": too little evidence lets the release out, but never for tagged routes
    budgets: Sequence[Budget] = ()
    tags: Mapping[str, TagRule] = field(default_factory=dict)

    def lightest_failing(self, tags: Iterable[str]) -> Severity:
        """The lightest severity that fails on routes with these tags: the strictest of what applies."""
        applying = [self.fail_on, *(self.tags.get(tag, TagRule()).fail_on for tag in tags)]
        return max(applying, key=lambda severity: severity.rank)

    def reviewers(self, tags: Iterable[str]) -> int:
        """How many people must approve a finding on routes with these tags: the most that any of them asks for."""
        return max((self.tags.get(tag, TagRule()).reviewers for tag in tags), default=1)


def listed(items: Sequence[str]) -> str:
    """Some of many, in one sentence."""
    more = f"; and {len(items) - MAX_NAMED} more" if len(items) > MAX_NAMED else ""
    return "; ".join(items[:MAX_NAMED]) + more


def percent(share: float) -> str:
    """A share as a percentage that never rounds up to a threshold that it misses."""
    return f"{int(share * 1000 + 1e-9) / 10:g} %"


def counted(count: int, noun: str) -> str:
    """`1 route`, `2 routes`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
