"""A renaming that can be taken back: what would be bound if an answer were another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .bindings import Renaming

Bound = tuple[str, str, str]
"""(sort, baseline value, candidate value)."""


@dataclass(slots=True)
class TentativeRenaming(Renaming):
    """Keeps a journal of what it adds, and of the identifiers that it was asked to bind."""

    journal: list[tuple[Bound, bool, bool, bool]] = field(default_factory=list)  # new in forward, backward, everywhere
    touched: set[tuple[str, str]] = field(
        default_factory=set
    )  # (sort, value of either side); whoever reads it clears it

    def bind(self, sort: str, baseline: str, candidate: str) -> str:
        self.touched.add((sort, baseline))
        self.touched.add((sort, candidate))
        forward = baseline not in self.forward.get(sort, ())
        backward = candidate not in self.backward.get(sort, ())
        everywhere = baseline != candidate and sort not in self.everywhere.get(baseline, {}).get(candidate, ())
        why = Renaming.bind(self, sort, baseline, candidate)
        if not why and (forward or backward or everywhere):
            self.journal.append(((sort, baseline, candidate), forward, backward, everywhere))
        return why

    def lose(self, sort: str, value: str) -> None:
        new = value not in self.forward.get(sort, ())
        Renaming.lose(self, sort, value)
        if new:
            self.journal.append(((sort, value, ""), True, False, False))

    def take_back(self) -> tuple[Bound, ...]:
        """Takes back whatever is in the journal, and says what it was."""
        taken = [*self.journal]
        self.journal.clear()
        for (sort, a, b), forward, backward, everywhere in reversed(taken):
            if forward:
                del self.forward[sort][a]
            if backward:
                del self.backward[sort][b]
            if everywhere:
                self.everywhere[a][b].discard(sort)
                if not self.everywhere[a][b]:
                    del self.everywhere[a][b]
        return tuple(bound for bound, _, _, _ in taken)

    @contextmanager
    def instead(self, bound: Iterable[Bound]) -> Iterator[None]:
        """These pairs take the place of whatever else binds one of their values, until the block ends.

        Nothing that was added inside the block may be left when it ends: take it back first.
        """
        undo: list[tuple[dict[str, str], str, str | None]] = []

        def put(record: dict[str, str], key: str, value: str | None) -> None:
            undo.append((record, key, record.get(key)))
            if value is None:
                record.pop(key, None)
            else:
                record[key] = value

        for sort, a, b in bound:
            forward, backward = self.forward.setdefault(sort, {}), self.backward.setdefault(sort, {})
            before, origin = forward.get(a), backward.get(b)
            if before is not None and before != b:
                put(backward, before, None)
            if origin is not None and origin != a:
                put(forward, origin, None)
            put(forward, a, b)
            put(backward, b, a)
        try:
            yield
        finally:
            for record, key, earlier in reversed(undo):
                if earlier is None:
                    record.pop(key, None)
                else:
                    record[key] = earlier
