"""In words, what changed between two values that are known to differ. The one module that knows deepdiff.

It never decides whether something differs: it is asked afterwards, for small values only. Past the bounds below
deepdiff takes seconds (its time grows with the square of what changed when order is ignored), and with `max_diffs`
exceeded it answers as if nothing had changed.
"""

from __future__ import annotations

from .kinds import shown

MAX_LEAVES = 300
"""Scalars and containers on both sides together: about 20 ms of deepdiff."""
_NAMED = 3
"""Rows that are named; of more, only the number is told."""


def rows_changed(baseline: list[object], candidate: list[object]) -> str:
    """Which rows of two arrays without identity came and went, order apart: "added: …; removed: …"; "" if too large."""
    if _size([baseline, candidate]) > MAX_LEAVES:
        return ""
    from deepdiff import DeepDiff  # 130 ms to import, and most runs never come here

    try:
        found = DeepDiff(
            baseline, candidate, ignore_order=True, report_repetition=False, ignore_numeric_type_changes=False
        )
    except Exception:  # a library on data of strangers: without its words the difference stands as it is
        return ""
    said = []
    for name, word in (("iterable_item_added", "added"), ("iterable_item_removed", "removed")):
        rows = list(found.get(name, {}).values())
        if rows:
            named = ", ".join(str(shown(row))[:80] for row in rows[:_NAMED])
            said.append(f"{word}: {named}" + (f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""))
    return "; ".join(said)


def _size(value: object) -> int:
    """Nodes of a value, counted no further than MAX_LEAVES allows."""
    count = 0
    stack = [value]
    while stack and count <= MAX_LEAVES:
        node = stack.pop()
        count += 1
        if isinstance(node, dict):
            stack.extend(list(node.values())[: MAX_LEAVES + 1])
        elif isinstance(node, list):
            stack.extend(node[: MAX_LEAVES + 1])
        elif isinstance(node, str) and len(node) > 1000:
            return MAX_LEAVES + 1
    return count
