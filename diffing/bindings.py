"""Equality up to a consistent renaming: one partial bijection per sort of identifier."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NOWHERE = "\0nowhere"
"""The image of a value whose object the candidate never made: no text of a response equals it."""


_RUNS = re.compile(r"\d+|[A-Za-z]+|[^0-9A-Za-z]+", re.ASCII)
TELLING_DIGITS = 3
"""Digits from which a number within a text is more likely a name than a figure."""


@dataclass(slots=True)
class Renaming:
    """Baseline value <-> candidate value, per sort. A sort is a set of locations that carry one kind of identifier."""

    forward: dict[str, dict[str, str]] = field(default_factory=dict)
    backward: dict[str, dict[str, str]] = field(default_factory=dict)
    # baseline value -> candidate value that differs from it -> the sorts that bind the two
    everywhere: dict[str, dict[str, set[str]]] = field(default_factory=dict)

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
                return "stands for another value already"
            return "is not the value that stood for it before"
        if known is None and origin is not None:
            return "stands for another value already"
        return ""

    def bind(self, sort: str, baseline: str, candidate: str) -> str:
        """Binds the pair unless it is in conflict; says why it is, "" when it is not."""
        why = self.conflict(sort, baseline, candidate)
        if not why:
            self.forward.setdefault(sort, {}).setdefault(baseline, candidate)
            self.backward.setdefault(sort, {}).setdefault(candidate, baseline)
            if baseline != candidate:
                self.everywhere.setdefault(baseline, {}).setdefault(candidate, set()).add(sort)
        return why

    def knows(self, baseline: str, candidate: str) -> bool:
        """Whether some sort calls the one value the other."""
        return candidate in self.everywhere.get(baseline, ())

    def calling(self, baseline: str, candidate: str) -> set[str]:
        """The sorts that call the one value the other, where they differ."""
        return self.everywhere.get(baseline, {}).get(candidate, set())

    def explains(self, baseline: str, candidate: str) -> bool:
        """Whether two texts are the same but for names in them: `INV-000071 is paid` and `INV-003647 is paid`."""
        if not self.everywhere:
            return False
        left, right = _RUNS.findall(baseline), _RUNS.findall(candidate)
        if len(left) != len(right):
            return False
        moved = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
        return bool(moved) and all(self._same_name(a, b) for a, b in moved)

    def names(self, baseline: str, candidate: str) -> bool:
        """Whether two names are called each other, or are the same but for numbers in them that are: `customer-7-1`."""
        if self.knows(baseline, candidate):
            return True
        left, right = _RUNS.findall(baseline), _RUNS.findall(candidate)
        return len(left) == len(right) and all(
            a == b or (a.isdigit() and b.isdigit() and self.knows(a, b)) for a, b in zip(left, right, strict=True)
        )

    def _same_name(self, a: str, b: str) -> bool:
        if not (a.isdigit() and b.isdigit()):
            return False
        padded = a[0] == "0" or b[0] == "0"
        if padded and len(a) != len(b):
            return False
        if not padded and min(len(a), len(b)) < TELLING_DIGITS:
            return False
        return self.knows(a.lstrip("0") or "0", b.lstrip("0") or "0")
