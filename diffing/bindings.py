"""Equality up to a consistent renaming: one partial bijection per sort of identifier."""

from __future__ import annotations

from dataclasses import dataclass, field

NOWHERE = "\0nowhere"
"""The image of a value whose object the candidate never made: no text of a response equals it."""


@dataclass(slots=True)
class Renaming:
    """Baseline value <-> candidate value, per sort. A sort is a set of locations that carry one kind of identifier."""

    forward: dict[str, dict[str, str]] = field(default_factory=dict)
    backward: dict[str, dict[str, str]] = field(default_factory=dict)

    def image(self, sort: str, value: str) -> str | None:
        """What stands for a baseline value on the candidate's side, or None when it has not been seen."""
        return self.forward.get(sort, {}).get(value)

    def lose(self, sort: str, value: str) -> None:
        """Notes that nothing on the candidate's side stands for a value, so that no other object is taken for it."""
        self.forward.setdefault(sort, {}).setdefault(value, NOWHERE)

    def conflict(self, sort: str, baseline: str, candidate: str) -> str:
        """Why the two can not name the same thing; "" when they can."""
        known = self.image(sort, baseline)
        origin = self.backward.get(sort, {}).get(candidate)
        if known is not None and known != candidate:
            if origin is not None:
                return "is the image of another value"
            return "is not the value that stood for it before"
        if known is None and origin is not None:
            return "is the image of another value"
        return ""

    def bind(self, sort: str, baseline: str, candidate: str) -> str:
        """Binds the pair unless it is in conflict; says why it is, "" when it is not."""
        why = self.conflict(sort, baseline, candidate)
        if not why:
            self.forward.setdefault(sort, {}).setdefault(baseline, candidate)
            self.backward.setdefault(sort, {}).setdefault(candidate, baseline)
        return why
