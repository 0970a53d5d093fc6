"""A plan cut into batches that workers can send without ever waiting for one another.

A wave is a set of batches that may run side by side: what a step of it waits for is in an earlier wave or in its own
batch. Waves are bands of the plan's levels (a step's level is the length of the longest chain that leads to it); the
connected components of a band are what has to stay together. Where to cut is chosen so that the whole takes the least
time: a larger band has fewer barriers, and hangs together in larger pieces. It is chosen among places some steps apart,
since to weigh each level of a long chain takes longer than to send it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

BARRIER = 20
"""What a barrier costs, in steps: the time in which a worker would have sent so many."""

SLICES = 10
"""Into how many parts of about the same number of steps a full batch could be cut."""
ALONE = 4
"""How much larger a batch may be beside which nothing can be sent: to cut it would gain nothing but a barrier."""

Wave = list[tuple[int, ...]]
"""Batches, each with its steps in recorded order."""


def waves(depends: Sequence[Collection[int]], chosen: Sequence[int], size: int, parallel: int) -> list[Wave]:
    """The chosen steps as waves of batches of about `size` steps, for `parallel` workers.

    `depends[i]` are the steps that step i waits for, all with smaller numbers; those that are not chosen do not count.
    A batch is larger than `size` only where a single level hangs together by nothing but chance, never by more than
    one component; where it takes in what would be sent beside it sooner than another worker begins; and up to ALONE
    times as large where nothing can be sent beside it.
    """
    levels = _slices(_levels(depends, chosen), size // SLICES)
    found: list[Wave] = []
    begin = 0
    for end in _cuts(depends, levels, size, parallel):
        members = _Components()
        for level in levels[begin:end]:
            members.add(level, depends)
        found.append(_packed(members.all(), size, parallel))
        begin = end
    return _joined(found, ALONE * size)


def _levels(depends: Sequence[Collection[int]], chosen: Sequence[int]) -> list[list[int]]:
    level: dict[int, int] = {}
    found: list[list[int]] = []
    for step in sorted(chosen):
        depth = max((level[other] + 1 for other in depends[step] if other in level), default=0)
        level[step] = depth
        if depth == len(found):
            found.append([])
        found[depth].append(step)
    return found


def _slices(levels: Sequence[list[int]], least: int) -> list[list[int]]:
    """Levels put together while they have fewer than `least` steps, and next to one that has as many by itself."""
    found: list[list[int]] = []
    for level in levels:
        if found and len(found[-1]) < least and len(level) < least:
            found[-1] += level
        else:
            found.append([*level])
    return found


def _cuts(depends: Sequence[Collection[int]], levels: Sequence[list[int]], size: int, parallel: int) -> list[int]:
    """After which levels to cut: the shortest way through them, each band costing a barrier and its largest batch."""
    time = [float("inf")] * len(levels) + [0.0]  # of everything from a level on
    cut = [0] * len(levels)
    for begin in reversed(range(len(levels))):
        members = _Components()
        for end in range(begin, len(levels)):
            members.add(levels[end], depends)
            if end > begin and (members.total > size * parallel or members.largest > size):
                break
            taken = BARRIER + max(members.largest, members.total / parallel) + time[end + 1]
            if taken <= time[begin]:
                time[begin], cut[begin] = taken, end + 1
    found: list[int] = []
    while (found[-1] if found else 0) < len(levels):
        found.append(cut[found[-1] if found else 0])
    return found


def _joined(found: Sequence[Wave], most: int) -> list[Wave]:
    """The waves, those of a single batch joined with the next of that kind while both have at most `most` steps."""
    joined: list[Wave] = []
    for wave in found:
        last = joined[-1] if joined else []
        if len(wave) == len(last) == 1 and len(wave[0]) + len(last[0]) <= most:
            joined[-1] = [tuple(sorted(last[0] + wave[0]))]
        else:
            joined.append(wave)
    return joined


class _Components:
    """Steps that hang together, found as they are added (union-find by size)."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}
        self._size: dict[int, int] = {}
        self.largest = 0

    @property
    def total(self) -> int:
        return len(self._parent)

    def add(self, level: Iterable[int], depends: Sequence[Collection[int]]) -> None:
        """Steps of one more level; what they wait for and was not added does not count."""
        for step in level:
            self._parent[step] = step
            self._size[step] = 1
            for other in depends[step]:
                if other in self._parent:
                    self._join(step, other)
            self.largest = max(self.largest, self._size[self._root(step)])

    def all(self) -> list[list[int]]:
        """The components, each in recorded order."""
        found: dict[int, list[int]] = defaultdict(list)
        for step in sorted(self._parent):
            found[self._root(step)].append(step)
        return list(found.values())

    def _root(self, step: int) -> int:
        while (parent := self._parent[step]) != step:
            self._parent[step] = step = self._parent[parent]
        return step

    def _join(self, one: int, other: int) -> None:
        a, b = self._root(one), self._root(other)
        if a == b:
            return
        if self._size[a] < self._size[b]:
            a, b = b, a
        self._parent[b] = a
        self._size[a] += self._size.pop(b)


def _packed(components: Sequence[list[int]], size: int, parallel: int) -> Wave:
    """The components in as many batches as there are workers, or in more of `size` steps; the largest go first.

    In one where the others together are less than a barrier: it is sent before another worker has begun with them.
    """
    total = sum(map(len, components))
    count = min(len(components), max(parallel, -(-total // size)))
    bins: list[list[int]] = [[] for _ in range(count)]
    for component in sorted(components, key=lambda steps: (-len(steps), steps[0])):
        min(bins, key=len).extend(component)
    if total - max(map(len, bins), default=0) < min(BARRIER, size):
        bins = [[step for steps in bins for step in steps]]
    return [tuple(sorted(steps)) for steps in bins if steps]
