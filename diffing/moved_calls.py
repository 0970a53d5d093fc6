"""Operations that only one side calls, put opposite each other: another host, another method, another path."""

from __future__ import annotations

from collections.abc import Sequence

from recorder.operations import Operation


def renamed_operations(lost: Sequence[Operation], new: Sequence[Operation]) -> dict[Operation, Operation]:
    """Operations that only one side has, put opposite each other: another host, another path, another method."""
    free = list(new)
    found: dict[Operation, Operation] = {}
    for alike in (_but_for_host, _but_for_method, _but_for_path):
        for key in lost:
            if key not in found:
                other = next((other for other in free if alike(key, other)), None)
                if other is not None:
                    found[key] = other
                    free.remove(other)
    return found


def _but_for_host(a: Operation, b: Operation) -> bool:
    return (a.method, a.template) == (b.method, b.template)


def _but_for_method(a: Operation, b: Operation) -> bool:
    return (a.host, a.template) == (b.host, b.template)


def _but_for_path(a: Operation, b: Operation) -> bool:
    """One word of the path is another, or the path goes on where the other ends."""
    if (a.host, a.method) != (b.host, b.method):
        return False
    left, right = a.template.split("/"), b.template.split("/")
    if len(left) != len(right):
        shorter = min(len(left), len(right))
        return abs(len(left) - len(right)) == 1 and left[:shorter] == right[:shorter]
    return sum(x != y for x, y in zip(left, right, strict=True)) <= 1
