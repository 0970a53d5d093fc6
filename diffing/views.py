"""Cases as they are read: a run's may be more than memory holds, so whoever reads them keeps none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from .difference import Case


class View(Sequence[Case]):
    """Cases of which each is made when it is read, every time anew. `make` makes the one at an index."""

    def __init__(self, count: int, make: Callable[[int], Case]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Case]:
        return map(self._make, range(self._count))

    @overload
    def __getitem__(self, index: int) -> Case: ...

    @overload
    def __getitem__(self, index: slice) -> View: ...

    def __getitem__(self, index: int | slice) -> Case | View:
        numbers = range(self._count)[index]
        if isinstance(numbers, int):
            return self._make(numbers)
        return View(len(numbers), lambda number: self._make(numbers[number]))


def changed(cases: Sequence[Case], change: Callable[[Case], Case]) -> Sequence[Case]:
    """The cases, each with a change."""
    return View(len(cases), lambda index: change(cases[index]))
