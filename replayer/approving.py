"""Deciding on findings, and withdrawing: what a fingerprint means, who says so, and where it is kept."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path

from diffing.approvals import NO_BRANCH, Approval, Approvals, Decision, Scope, Subject, Withdrawal, joined
from diffing.difference import Location
from diffing.grouping import Finding, Member
from diffing.standing import marks

from .approvals_file import FILE_NAME, add_approval, add_withdrawal, as_file, read_approvals
from .errors import ConflictError, UsageError
from .reports.json_findings import findings_of
from .settings import Settings
from .store import Store
from .store.dialect import storable
from .store.records import RunInfo

MIN_PREFIX = 4
"""Characters of a fingerprint that must be given: fewer are typed by mistake."""

MAX_RUNS = 20
"""Runs in which a fingerprint is looked for, the newest first."""

MOST_AT_ONCE = 500
"""Findings that one decision is made on: more are not read before they are judged."""

MAX_TEXT = 2000  # characters of a reason, an author or an id
MAX_NAMED = 5  # findings that an error names


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to decide, as typed."""

    fingerprint: str  # of a finding or a member, or the beginning of it
    reason: str
    author: str
    decision: Decision = Decision.APPROVE
    scope: Scope = Scope.ALWAYS
    until: date | None = None  # the last day
    run: str = ""  # an id or the beginning of it; "": the newest runs
    store_only: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a wish."""

    approval: Approval
    homes: tuple[str, ...]  # what it was written to: the file's path, "the database"; empty: it was there already
    against: tuple[Approval, ...] = ()  # decisions that it overrules


@dataclass(frozen=True, slots=True)
class Change:
    """A finding of a run, or one member of it."""

    run: RunInfo
    fingerprint: str
    subject: Subject
    members: tuple[str, ...]


def approvals_path(settings: Settings) -> Path:
    """The file of the repository: beside the settings file, or in the current folder."""
    return (settings.source.parent if settings.source else Path.cwd()) / FILE_NAME


class Book:
    """Both homes of what was decided, as one: the store, and the file in the user's repository."""

    def __init__(self, store: Store, path: Path, now: datetime) -> None:
        self._store = store
        self._path = path
        self._now = now.astimezone(UTC).replace(microsecond=0)
        self._today = now.date()

    def approvals(self, run: str = "", branch: str = "") -> Approvals:
        """Everything, as one run sees it. Raises UsageError for a file that is not understood."""
        filed = read_approvals(self._path)
        entries, notes = joined(self._store.approvals(), filed.approvals, filed.withdrawals)
        return Approvals(entries, run, branch, self._today, notes, self._store.unresolved())

    def decide(self, wish: Wish) -> Decided:
        """Keeps a decision on a finding, or on one member. The same decision twice is one."""
        change = find_change(self._store, wish.fingerprint, wish.run)
        wanted = self._wanted(wish, change)
        known = self.approvals(change.run.id, change.run.branch)
        approval, against = _weighed(wanted, [each for each in known.held if not known.is_over(each)])
        return Decided(approval, self._keep(approval, wish.store_only), against)

    def decide_all(self, wish: Wish, fingerprints: Sequence[str]) -> tuple[str, tuple[Decided, ...]]:
        """Keeps one decision on several findings of the wish's run in the store: on all of them, or on none.

        The first part of what is given back begins the ids of what is new: `withdraw_all` takes that back.
        Fingerprints are whole. Raises UsageError as `decide`, and for a finding that the run has not.
        """
        info = self._store.run(wish.run)
        changes = {each.fingerprint: each for each in _changes(info, findings_of(self._store.run_report(info.id)))}
        if not fingerprints:
            raise UsageError("No finding is chosen.", "Choose one at least.")
        if len(fingerprints) > MOST_AT_ONCE:
            raise UsageError(f"{len(fingerprints)} findings are chosen; {MOST_AT_ONCE} are decided on at once.")
        if absent := [each for each in fingerprints if each not in changes]:
            raise UsageError(f"The run {info.id} has no finding {absent[0]!r}.", "Load the page again.")
        known = self.approvals(info.id, info.branch)
        held = [each for each in known.held if not known.is_over(each)]
        group, found = secrets.token_hex(6), []
        for number, mark in enumerate(dict.fromkeys(fingerprints)):
            wanted = replace(self._wanted(wish, changes[mark]), id=f"{group}-{number}")
            try:
                found.append(_weighed(wanted, held))
            except UsageError as error:
                what = f"{changes[mark].subject.method} {changes[mark].subject.route} ({mark})"
                raise type(error)(f"{what}: {error.message} Leave it out.", error.hint) from None
        self._store.add_approvals([approval for approval, _ in found if not approval.stored])
        return group, tuple(Decided(each, () if each.stored else ("the database",), than) for each, than in found)

    def is_group(self, identity: str) -> bool:
        """Whether this is what `decide_all` gave back."""
        return bool(identity) and any(each.id.startswith(f"{identity}-") for each in self.approvals().entries)

    def withdraw_all(self, group: str, author: str, reason: str = "") -> tuple[Approval, ...]:
        """Takes back what one `decide_all` kept, as far as it stands."""
        mine = [each for each in self.approvals().entries if group and each.id.startswith(f"{group}-")]
        if not mine:
            raise UsageError(f"There is no decision on several findings {group!r}.", "Take them back one by one.")
        left = [each for each in mine if each.withdrawn is None]
        if not left:
            raise ConflictError("All of this was withdrawn already.")
        tombstone = self._tombstone(author, reason)
        self._store.withdraw_approvals([each.id for each in left], tombstone)
        return tuple(replace(each, withdrawn=tombstone) for each in left)

    def withdraw(self, identity: str, author: str, reason: str = "") -> Approval:
        """Sets a tombstone wherever the entry is kept. Raises UsageError for an id that fits none, or several."""
        found = self._find(identity)
        if found.withdrawn is not None:
            raise ConflictError(f"{found.id} was withdrawn already, by {found.withdrawn.author}.")
        tombstone = self._tombstone(author, reason)
        if found.filed:
            add_withdrawal(self._path, found.id, tombstone)
        if found.stored:
            self._store.withdraw_approvals([found.id], tombstone)
        return replace(found, withdrawn=tombstone)

    def export(self) -> str:
        """What only the store has, as the file would: neither what was withdrawn or is over, nor what is of one run."""
        known = self.approvals()
        return as_file(
            each
            for each in known.entries
            if each.withdrawn is None and not each.filed and not known.is_over(each) and each.scope is not Scope.RUN
        )

    def states(self) -> list[tuple[Approval, str]]:
        """Every entry with what it is worth today: holds, overruled, expired or withdrawn."""
        known = self.approvals()
        return [(each, _state(each, known)) for each in known.entries]

    def _tombstone(self, author: str, reason: str) -> Withdrawal:
        return Withdrawal(one_line(author, "author"), self._now, one_line(reason, "reason") if reason.strip() else "")

    def _wanted(self, wish: Wish, change: Change) -> Approval:
        if wish.until is not None and wish.until < self._today:
            raise UsageError(f"{wish.until} is past.", "Give the last day on which the approval counts.")
        if wish.scope is Scope.BRANCH and change.run.branch in NO_BRANCH:
            raise UsageError(
                f"It is not known which branch the run {change.run.id} judged.",
                "Tell the gate with --branch, or approve with another --scope.",
            )
        if wish.decision is Decision.ENVIRONMENT and (wish.scope is not Scope.RUN or wish.until is not None):
            raise UsageError(
                "What is put down to the environment is of one run: the next one tells whether it is still there.",
                "Leave the last day out, and give the scope run.",
            )
        of = {Scope.RUN: change.run.id, Scope.BRANCH: change.run.branch, Scope.ALWAYS: ""}[wish.scope]
        return Approval(
            id=secrets.token_hex(6),
            fingerprint=change.fingerprint,
            scope=wish.scope,
            author=one_line(wish.author, "author"),
            reason=one_line(wish.reason, "reason"),
            created=self._now,
            subject=change.subject,
            of=of,
            until=wish.until,
            decision=wish.decision,
            members=change.members,
            run=change.run.id,
        )

    def _keep(self, approval: Approval, store_only: bool) -> tuple[str, ...]:
        homes = []
        if not store_only and not approval.filed:
            add_approval(self._path, approval)
            homes.append(str(self._path))
        if not approval.stored:
            self._store.add_approvals([approval])
            homes.append("the database")
        return tuple(homes)

    def _find(self, identity: str) -> Approval:
        found = [each for each in self.approvals().entries if identity and each.id.startswith(identity)]
        exact = [each for each in found if each.id == identity]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if found:
            raise UsageError(f"Several decisions have ids that begin with {identity!r}.", "Give more of it.")
        raise UsageError(f"There is no decision {identity!r}.", "`understudy findings approvals` shows the ids.")


def find_change(store: Store, text: str, run: str = "") -> Change:
    """The finding or member with this fingerprint, or one that begins with it, in the newest run that has it.

    Raises UsageError when it fits none, or several of one run.
    """
    wanted = text.strip().lower()
    if len(wanted) < MIN_PREFIX:
        raise UsageError(f"{text!r} is too short for a fingerprint.", f"Give at least {MIN_PREFIX} characters of it.")
    finished = [store.run(run)] if run else [each for each in store.runs() if each.is_judged][:MAX_RUNS]
    if not finished:
        raise UsageError("There is no finished run whose findings could be decided on.", "`understudy gate` makes one.")
    last: dict[str, Change] = {}
    for info in finished:
        changes = {each.fingerprint: each for each in _changes(info, findings_of(store.run_report(info.id)))}
        found = [changes[wanted]] if wanted in changes else [c for f, c in changes.items() if f.startswith(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"Several findings of the run {info.id} begin with {wanted!r}: {_named(found)}.", "Give more of it."
            )
        last = last or changes
    where = f"the run {finished[0].id}" if run else f"the last {len(finished)} runs" if finished[1:] else "the last run"
    raise UsageError(f"No finding of {where} has the fingerprint {wanted!r}.", _nearest(wanted, finished[0], last))


def _changes(run: RunInfo, findings: Sequence[Finding]) -> Iterator[Change]:
    """What can be decided on in a run: each member of a finding, and then each finding as a whole."""
    for finding in findings:
        for member in finding.members:
            yield Change(run, member.fingerprint, _subject(member), ())
    for finding in findings:
        yield Change(run, finding.fingerprint, _subject(finding), tuple(sorted(set(marks(finding)))))


def _subject(place: Finding | Member) -> Subject:
    return Subject(
        method=storable(place.method),
        route=storable(place.route),
        location=Location(place.location.part, storable(place.location.path)),
        kind=storable(place.kind),
        transition=storable(place.transition),
        severity=place.severity,
    )


def one_line(text: str, what: str) -> str:
    """One line that can be kept anywhere. Raises UsageError for an empty text, and for too long a one."""
    line = storable(" ".join(text.split()))
    if not line:
        raise UsageError(f"The {what} is empty.", f"Give one with --{what}.")
    if len(line) > MAX_TEXT:
        raise UsageError(f"The {what} has {len(line)} characters; {MAX_TEXT} are allowed.")
    return line


def _weighed(wanted: Approval, held: Sequence[Approval]) -> tuple[Approval, tuple[Approval, ...]]:
    """The decision, or the same one kept before; and what it overrules. Raises ConflictError if it is overruled."""
    mine = [each for each in held if each.covers & wanted.covers]
    if stronger := [each for each in mine if each.decision.overrules(wanted.decision)]:
        no = stronger[-1]
        done = "rejected this change" if no.decision is Decision.REJECT else "put it down to the environment"
        raise ConflictError(
            f"{no.author} has {done} ({no.reason}).",
            f"`understudy findings withdraw {no.id}` takes the {no.decision.noun} back.",
        )
    same = (each for each in mine if replace(each, id=wanted.id, created=wanted.created) == wanted)
    return next(same, wanted), tuple(each for each in mine if wanted.decision.overrules(each.decision))


def _state(approval: Approval, known: Approvals) -> str:
    if approval.withdrawn is not None:
        return "withdrawn"
    if known.is_over(approval):
        return "expired"
    overruled = any(
        each.decision.overrules(approval.decision)
        and each.withdrawn is None
        and not known.is_over(each)
        and (each.scope is Scope.ALWAYS or (each.scope, each.of) == (approval.scope, approval.of))
        and each.covers & approval.covers
        for each in known.entries
    )
    return "overruled" if overruled else "holds"


def _nearest(wanted: str, run: RunInfo, changes: Mapping[str, Change]) -> str:
    if not changes:
        return f"The run {run.id} has no findings."
    near = get_close_matches(wanted, list(changes), 1, cutoff=0.6)
    if near:
        return f"Did you mean {_named([changes[near[0]]])}?"
    return f"The run {run.id} has {_named([each for each in changes.values() if each.members])}."


def _named(changes: Sequence[Change]) -> str:
    names = [
        f"{c.fingerprint} ({c.subject.method} {c.subject.route} {c.subject.location.path or c.subject.kind})"
        for c in changes[:MAX_NAMED]
    ]
    return ", ".join(names) + (f" and {len(changes) - MAX_NAMED} more" if len(changes) > MAX_NAMED else "")
