"""Two texts side by side, line by line: never colour alone."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of two values side by side. `mark` is " ", "-", "+" or "~"; "…" stands for equal lines left out."""

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


def changed_only(rows: Sequence[Row], around: int = 3) -> list[Row]:
    """The rows that differ, with some equal ones around them; where others were left out, a row says how many."""
    wanted = {
        near
        for place, row in enumerate(rows)
        if row.mark != " "
        for near in range(max(0, place - around), min(len(rows), place + around + 1))
    }
    found: list[Row] = []
    left_out = 0
    for place, row in enumerate(rows):
        if place in wanted:
            if left_out:
                found.append(_gap(left_out))
                left_out = 0
            found.append(row)
        else:
            left_out += 1
    return [*found, _gap(left_out)] if left_out else found


def _gap(count: int) -> Row:
    text = f"{count} equal line{'' if count == 1 else 's'}"
    return Row("…", text, text)
