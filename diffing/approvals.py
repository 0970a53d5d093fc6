"""A person's word on a change of behaviour: intended or not, chance, or the environment. Nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum

from .difference import Location, Severity

NO_BRANCH = frozenset({"", "HEAD"})
"""What git says where no branch is checked out, as CI often does: no approval of a branch is meant for it."""


class Decision(Enum):
    """What a person said."""

    APPROVE = "approve"  # it is intended
    REJECT = "reject"  # it is not
    NOISE = "noise"  # it is chance, and nothing to hold a release back for
    ENVIRONMENT = "environment"  # the run is to blame, not the candidate: only another run can tell

    @property
    def lets_pass(self) -> bool:
        """Whether a gate passes what this was said of."""
        return self in (Decision.APPROVE, Decision.NOISE)

    @property
    def noun(self) -> str:
        """What such a decision is called."""
        return _NOUNS[self]

    def overrules(self, other: Decision) -> bool:
        """Whether the other one counts for nothing beside this one. A rejection beats all, what lets pass none."""
        return self._weight > other._weight

    @property
    def _weight(self) -> int:
        return {Decision.REJECT: 2, Decision.ENVIRONMENT: 1}.get(self, 0)


_NOUNS = {
    Decision.APPROVE: "approval",
    Decision.REJECT: "rejection",
    Decision.NOISE: "noise decision",
    Decision.ENVIRONMENT: "environment decision",
}


class Scope(Enum):
    """Where it holds."""

    RUN = "run"
    BRANCH = "branch"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Subject:
    """What was decided on, as the report described it then: for people, and for its severity."""

    method: str
    route: str
    location: Location  # a shape
    kind: str
    transition: str
    severity: Severity  # what was graver when it is seen again was not decided on


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The tombstone of a decision: it stays where it was, and does not count."""

    author: str
    created: datetime  # UTC, to the second
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """One decision on one change. `fingerprint` is that of a finding, with its `members`, or of one member alone."""

    id: str
    fingerprint: str
    scope: Scope
    author: str
    reason: str
    created: datetime  # UTC, to the second
    subject: Subject
    of: str = ""  # the run's id or the branch's name that the scope means
    until: date | None = None  # the last day on which it counts
    decision: Decision = Decision.APPROVE
    members: tuple[str, ...] = ()  # fingerprints of the finding's members when it was decided on, sorted
    withdrawn: Withdrawal | None = None
    run: str = field(default="", compare=False)  # the id of the run at which it was decided; the file does not say it
    stored: bool = field(default=False, compare=False)  # whether the store holds it
    filed: bool = field(default=False, compare=False)  # whether the file in the repository does

    @property
    def covers(self) -> frozenset[str]:
        """Every fingerprint that was decided on."""
        return frozenset((self.fingerprint, *self.members))

    @property
    def person(self) -> str:
        """The author, comparable."""
        return key_of(self.author)


def key_of(name: str) -> str:
    """A person's name, comparable: letters' case and space around do not make another person."""
    return " ".join(name.split()).casefold()


@dataclass(frozen=True, slots=True)
class Approvals:
    """Everything that was decided, and the run in which it is looked at. Without a day nothing has expired."""

    entries: tuple[Approval, ...] = ()
    run: str = ""
    branch: str = ""
    today: date = date.min
    notes: tuple[str, ...] = ()  # what is odd about the entries, in sentences
    unresolved: frozenset[str] = frozenset()  # fingerprints of what a comment that nobody has dealt with is about

    @property
    def held(self) -> tuple[Approval, ...]:
        """What was decided for this run and not withdrawn, expired or not."""
        return tuple(each for each in self.entries if each.withdrawn is None and self._is_meant(each))

    def is_over(self, approval: Approval) -> bool:
        """Whether its last day is past."""
        return approval.until is not None and approval.until < self.today

    def _is_meant(self, approval: Approval) -> bool:
        if approval.scope is Scope.ALWAYS:
            return True
        if approval.scope is Scope.RUN:
            return bool(self.run) and approval.of == self.run
        return self.branch not in NO_BRANCH and approval.of == self.branch


def joined(
    stored: Iterable[Approval], filed: Iterable[Approval], tombstones: Iterable[tuple[str, Withdrawal]] = ()
) -> tuple[tuple[Approval, ...], tuple[str, ...]]:
    """Both homes as one set, joined by id, the oldest first; and what is odd about it, in sentences.

    The store is out of reach of whoever proposes a change, the file is not. So the file may add, and take approvals
    away, but it changes nothing that the store holds, and lifts nothing that holds a release back there. `tombstones`
    are those of the file, by id.
    """
    entries = {each.id: replace(each, stored=True) for each in stored}
    notes = []
    for each in filed:
        known = entries.get(each.id)
        if known is None:
            entries[each.id] = replace(each, stored=False, filed=True)
            continue
        entries[each.id] = replace(known, filed=True)
        if replace(known, withdrawn=None) != replace(each, withdrawn=None):
            what = f"The {known.decision.noun} {each.id}"
            notes.append(f"{what} says something else in the file than in the store; the store counts.")
    for identity, tombstone in tombstones:
        found = entries.get(identity)
        if found is None or found.withdrawn is not None:
            continue
        if found.stored and not found.decision.lets_pass:
            notes.append(f"The {found.decision.noun} {identity} is in the store and can not be withdrawn by the file.")
            continue
        entries[identity] = replace(found, withdrawn=tombstone)
    return tuple(sorted(entries.values(), key=lambda each: each.created)), tuple(notes)
