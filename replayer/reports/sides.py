"""Two texts side by side, line by line: never colour alone."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

ALIKE = "≈"
"""The mark of a line that is another one, and that the comparison takes for the same."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of two values side by side. `mark` is " ", "-", "+", "~" or ALIKE; "…" stands for lines left out."""

    mark: str
    baseline: str
    candidate: str


def rows_of(before: Sequence[str], after: Sequence[str]) -> list[Row]:
    """All lines of both."""
    rows: list[Row] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for operation, i1, i2, j1, j2 in matcher.get_opcodes():
        left, right = before[i1:i2], after[j1:j2]
        for index in range(max(len(left), len(right))):
            one = left[index] if index < len(left) else ""
            other = right[index] if index < len(right) else ""
            mark = " " if operation == "equal" else "-" if not other else "+" if not one else "~"
            rows.append(Row(mark, one, other))
    return rows
