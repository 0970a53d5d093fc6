"""Who did what, when and why: decisions on findings, noise rules, and the journal. The dashboard's door to it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime

from diffing.approvals import Approval, Scope

from .approving import Book, approvals_path
from .reports.wording import change, route, visible
from .settings import Settings
from .store import AssignmentRecord, CommentRecord, JournalEntry, KeptRule, Store

DECIDED, WITHDRAWN = "decision.made", "decision.withdrawn"
KEPT, TAKEN_BACK = "rule.kept", "rule.withdrawn"
COMMENTED, RESOLVED, ASSIGNED = "comment.made", "comment.resolved", "finding.assigned"

ACCOUNTS = ("login", "logout", "user", "token")
"""What the actions on who may do what begin with: these are for admins."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a cell for a formula by."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that somebody did."""

    id: str
    at: datetime  # UTC, to the second
    actor: str
    action: str  # a noun and what was done to it: "decision.made", "user.changed"
    subject: str
    before: str  # how it was, in a few words; "" for nothing
    after: str
    reason: str

    @property
    def is_of_accounts(self) -> bool:
        """Whether it is about who may do what."""
        return self.action.partition(".")[0] in ACCOUNTS


def events(store: Store, settings: Settings, accounts: bool = True) -> list[Event]:
    """Everything on record, the newest first; without `accounts`, only what was done to findings and runs."""
    book = Book(store, approvals_path(settings), datetime.now(UTC))
    found = [
        *_of_decisions(book.approvals().entries),
        *_of_rules(store.kept_rules()),
        *_of_comments(store.comments()),
        *_of_assignments(store.assignments()),
        *map(_of_journal, store.journal()),
    ]
    found.sort(key=lambda each: (-each.at.timestamp(), each.id))
    return [each for each in found if accounts or not each.is_of_accounts]


def to_csv(found: Iterable[Event]) -> Iterator[str]:
    """Comma-separated values with a line of names, a piece at a time. No cell is a formula to a spreadsheet."""
    names = [field.name for field in fields(Event)]
    yield _line(names)
    for event in found:
        yield _line([_harmless(text) for text in _texts(event).values()])


def to_json(found: Iterable[Event]) -> Iterator[str]:
    """A JSON array, an event a line."""
    gap = "[\n"
    for event in found:
        yield gap + json.dumps(_texts(event), ensure_ascii=True)
        gap = ",\n"
    yield "]\n" if gap != "[\n" else "[]\n"


def _texts(event: Event) -> dict[str, str]:
    return {**asdict(event), "at": event.at.isoformat()}


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode("utf-8", "backslashreplace").decode()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _of_decisions(entries: Sequence[Approval]) -> Iterator[Event]:
    """What was decided and taken back, in the order in which it was; `before` is what was said of the same finding."""
    told: dict[str, list[Approval]] = {}
    for entry in entries:
        known = told.setdefault(entry.fingerprint, [])
        stood = [each for each in known if each.withdrawn is None or each.withdrawn.created > entry.created]
        known.append(entry)
        subject = f"{route(entry.subject)} {change(entry.subject)} ({entry.fingerprint})"
        before = _said(stood[-1]) if stood else ""
        yield Event(entry.id, entry.created, entry.author, DECIDED, subject, before, _said(entry), entry.reason)
        if gone := entry.withdrawn:
            yield Event(
                f"{entry.id}.withdrawn", gone.created, gone.author, WITHDRAWN, subject, _said(entry), "", gone.reason
            )


def _said(entry: Approval) -> str:
    """`approve by ann, branch main until 2027-01-31`."""
    where = entry.scope.value if entry.scope is Scope.ALWAYS else f"{entry.scope.value} {entry.of}"
    until: date | None = entry.until
    return f"{entry.decision.value} by {entry.author}, {where}" + (f" until {until}" if until else "")


def _of_rules(kept: Sequence[KeptRule]) -> Iterator[Event]:
    """The noise rules that were kept, and taken back."""
    for each in kept:
        rule, said = each.rule, f"kept by {each.rule.author} until {each.rule.until}"
        subject = f"{visible(rule.name)} ({each.fingerprint})"
        yield Event(each.id, each.created, rule.author, KEPT, subject, "", said, rule.reason)
        if gone := each.withdrawn:
            yield Event(f"{each.id}.withdrawn", gone.created, gone.author, TAKEN_BACK, subject, said, "", gone.reason)


def _of_comments(comments: Sequence[CommentRecord]) -> Iterator[Event]:
    for each in comments:
        yield Event(each.id, _moment(each.created), each.author, COMMENTED, each.subject, "", each.text, "")
        if each.resolved is not None:
            identity, at = f"{each.id}.resolved", _moment(each.resolved)
            yield Event(identity, at, each.resolved_by, RESOLVED, each.subject, each.text, "", "")


def _of_assignments(assignments: Sequence[AssignmentRecord]) -> Iterator[Event]:
    """Who was to look after what; `before` is who did until then."""
    known: dict[str, str] = {}
    for each in assignments:
        before, known[each.fingerprint] = known.get(each.fingerprint, ""), each.assignee
        identity, at = f"a{each.number}", _moment(each.created)
        yield Event(identity, at, each.author, ASSIGNED, each.subject, before, each.assignee, "")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), UTC)


def _of_journal(entry: JournalEntry) -> Event:
    return Event(
        f"j{entry.number}",
        _moment(entry.at),
        entry.actor,
        entry.action,
        entry.subject,
        entry.before,
        entry.after,
        entry.reason,
    )
