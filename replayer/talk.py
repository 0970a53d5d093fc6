"""What people say to each other of findings, and who looks after them: the dashboard's door to it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from diffing.grouping import Finding
from diffing.standing import marks

from .accounts import as_name
from .errors import ConflictError, UsageError, nearest
from .mentions import Mentions as Mentions
from .reports.wording import change, route
from .store import AssignmentRecord, CommentRecord, Store

LONGEST = 2000  # characters of a comment


@dataclass(frozen=True, slots=True)
class Talked:
    """Everything that was said, by the fingerprints of findings and of members that it was said of."""

    comments: Mapping[str, Sequence[CommentRecord]] = field(default_factory=dict)
    assigned: Mapping[str, AssignmentRecord] = field(default_factory=dict)  # the last one of each
    mentions: Mentions = field(default_factory=lambda: Mentions(()))  # of the users that may log in

    def comments_on(self, finding: Finding) -> list[CommentRecord]:
        """What was said of a finding or a member of it, in any run, the oldest first."""
        found = {each.id: each for mark in marks(finding) for each in self.comments.get(mark, ())}
        return sorted(found.values(), key=lambda each: each.created)

    def unresolved(self, finding: Finding) -> int:
        """Comments that nobody has dealt with."""
        return sum(each.resolved is None for each in self.comments_on(finding))

    def mentioned(self, finding: Finding) -> tuple[str, ...]:
        """The users that comments on a finding speak to, each once."""
        found = (user for each in self.comments_on(finding) for user in self.mentions.of(each.text))
        return tuple(dict.fromkeys(found))

    def assignee(self, finding: Finding) -> str:
        """Who looks after a finding; "" for nobody."""
        found = [self.assigned[mark] for mark in marks(finding) if mark in self.assigned]
        return max(found, key=lambda each: each.number).assignee if found else ""


SILENCE = Talked()


class Talk:
    """The talk in one store. Everything wrong with a text, an id or a name is a UsageError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> Talked:
        """Everything that was said."""
        comments: dict[str, list[CommentRecord]] = {}
        for comment in self._store.comments():
            for mark in {comment.fingerprint, *comment.members}:
                comments.setdefault(mark, []).append(comment)
        assigned = {mark: each for each in self._store.assignments() for mark in (each.fingerprint, *each.members)}
        return Talked(comments, assigned, self.mentions())

    def mentions(self) -> Mentions:
        """What finds the users that may log in, in a text."""
        return Mentions(self.people())

    def comment(self, run: str, finding: Finding, text: str, author: str) -> CommentRecord:
        """Says something of a finding."""
        said = text.replace("\r\n", "\n").strip()
        if not said:
            raise UsageError("The comment is empty.", "Write something.")
        if len(said) > LONGEST:
            raise UsageError(f"The comment has {len(said)} characters; {LONGEST} are allowed.")
        comment = CommentRecord(
            secrets.token_hex(6), finding.fingerprint, _others(finding), _words(finding), run, author, said, time.time()
        )
        self._store.add_comment(comment)
        return comment

    def resolve(self, identity: str, by: str) -> CommentRecord:
        """Says that a comment is dealt with. It stays on record."""
        done = self._store.resolve_comment(identity, by, time.time())
        found = next((each for each in self._store.comments() if each.id == identity), None)
        if found is None:
            raise UsageError(f"There is no comment {identity!r}.")
        if not done:
            raise ConflictError(f"The comment {identity} was resolved already, by {found.resolved_by}.")
        return found

    def assign(self, finding: Finding, assignee: str, by: str) -> None:
        """Says who looks after a finding from now on: a user, or whoever says so; "" is nobody."""
        name = as_name(assignee) if assignee.strip() else ""
        if name and name not in (names := [*self.people(), by]):
            raise UsageError(f"There is no user {name!r} who may log in.", nearest(name, names))
        if name != self.all().assignee(finding):
            self._store.assign(
                AssignmentRecord(finding.fingerprint, _others(finding), _words(finding), name, by, time.time())
            )

    def people(self) -> list[str]:
        """The users that may log in, by name."""
        return [user.name for user in self._store.users() if user.disabled is None]


def _others(finding: Finding) -> tuple[str, ...]:
    return tuple(sorted(set(marks(finding)) - {finding.fingerprint}))


def _words(finding: Finding) -> str:
    return f"{route(finding)} {change(finding)} ({finding.fingerprint})"
