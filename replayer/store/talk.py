"""What people say to each other of findings, and who looks after them: added, and never deleted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, insert, select, update

from .dialect import read, storable, write
from .people_tables import assignments, comments
from .records import AssignmentRecord, CommentRecord


class TalkStore:
    """The part of the store that holds comments and assignments. They outlive the runs that they were made at."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_comment(self, comment: CommentRecord) -> None:
        """Keep a comment."""
        values = {
            "id": comment.id,
            "fingerprint": comment.fingerprint,
            "members": json.dumps(comment.members),
            "subject": storable(comment.subject),
            "run": comment.run,
            "author": storable(comment.author),
            "text": storable(comment.text),
            "created": comment.created,
            "resolved_by": "",
        }
        write(self._engine, lambda given: given.execute(insert(comments).values(values)))

    def resolve_comment(self, identity: str, by: str, at: float) -> bool:
        """Note that a comment is dealt with; False when there is none that is not."""
        change = (
            update(comments)
            .where(comments.c.id == identity, comments.c.resolved.is_(None))
            .values(resolved=at, resolved_by=storable(by))
        )
        return bool(write(self._engine, lambda given: given.execute(change).rowcount))

    def comments(self) -> list[CommentRecord]:
        """All comments, in the order in which they were made."""
        query = select(comments).order_by(comments.c.number)
        return [_comment(row) for row in read(self._engine, lambda given: given.execute(query).all())]

    def unresolved(self) -> frozenset[str]:
        """The fingerprints of findings, and of their members, of which a comment is not dealt with."""
        query = select(comments.c.fingerprint, comments.c.members).where(comments.c.resolved.is_(None))
        rows = read(self._engine, lambda given: given.execute(query).all())
        return frozenset(mark for row in rows for mark in (row.fingerprint, *_marks(row.members)))

    def assign(self, assignment: AssignmentRecord) -> None:
        """Keep who looks after a finding from now on."""
        values = {
            "fingerprint": assignment.fingerprint,
            "members": json.dumps(assignment.members),
            "subject": storable(assignment.subject),
            "assignee": storable(assignment.assignee),
            "author": storable(assignment.author),
            "created": assignment.created,
        }
        write(self._engine, lambda given: given.execute(insert(assignments).values(values)))

    def assignments(self) -> list[AssignmentRecord]:
        """Who was to look after which finding, in the order in which it was said."""
        query = select(assignments).order_by(assignments.c.number)
        return [
            AssignmentRecord(
                row.fingerprint, _marks(row.members), row.subject, row.assignee, row.author, row.created, row.number
            )
            for row in read(self._engine, lambda given: given.execute(query).all())
        ]


def _comment(row: Any) -> CommentRecord:
    return CommentRecord(
        row.id,
        row.fingerprint,
        _marks(row.members),
        row.subject,
        row.run,
        row.author,
        row.text,
        row.created,
        row.resolved,
        row.resolved_by,
    )


def _marks(text: str) -> tuple[str, ...]:
    found: Iterable[str] = json.loads(text)
    return tuple(found)
