"""The journal: what was done and by whom, as far as nothing else keeps it. Only added to."""

from __future__ import annotations

import time

from sqlalchemy import Engine, insert, select

from .dialect import read, storable, write
from .people_tables import journal
from .records import JournalEntry


class JournalStore:
    """The part of the store that remembers who did what."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, actor: str, action: str, subject: str, before: str = "", after: str = "", reason: str = "") -> None:
        """Add what was done just now. Nothing of it may be secret."""
        texts = {"actor": actor, "subject": subject, "before": before, "after": after, "reason": reason}
        values = {"at": time.time(), "action": action, **{name: storable(text) for name, text in texts.items()}}
        write(self._engine, lambda given: given.execute(insert(journal).values(values)))

    def journal(self) -> list[JournalEntry]:
        """Everything, in the order in which it was noted."""
        query = select(journal).order_by(journal.c.number)
        return [JournalEntry(*row) for row in read(self._engine, lambda given: given.execute(query).all())]
