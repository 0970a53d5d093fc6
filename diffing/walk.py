"""Two values side by side: every place where they differ, rows of arrays matched before they are compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from .align import IDENTITY_FIELDS, Matching, align
from .atoms import is_opaque
from .difference import DifferenceKind
from .equality import equal_leaves, strictly_equal
from .paths import step

MAX_DEPTH = 64
"""Levels that are walked; below, two values are equal or they "differ, too large to explain"."""
MAX_PAIRS = 200_000
"""Places looked at in one pair of values before the rest is only told apart."""
MAX_ALONE = 50
"""Rows of one array, or keys of one object, that stand alone and are told one by one."""
TOO_LARGE = "differs, too large to explain"


_SCALARS = frozenset([str, int, float, bool, type(None)])


class Walking(Matching, Protocol):
    """What the walk asks about locations, beside what the alignment of rows asks."""

    def is_map(self, shape: str) -> bool:
        """Whether the object at a location has data for keys (ids, dates), so that a key is no part of a shape."""

    def watches(self, shape: str) -> bool:
        """Whether pairs of equal leaves at a location are wanted as well."""

    @property
    def watching(self) -> bool:
        """Whether any location is watched."""


class Plain:
    """Nothing is known: no renaming, no order to be ignored, equal leaves are of no interest."""

    watching = False

    def expected(self, shape: str, text: str) -> str | None:
        return text

    def unordered(self, shape: str) -> bool:
        return False

    def selects(self, shape: str) -> bool:
        return False

    def is_map(self, shape: str) -> bool:
        return False

    def watches(self, shape: str) -> bool:
        return False


@dataclass(slots=True)
class Pair:
    """Two values at one place. `kind` is None for two leaves, which are to be judged by whoever asked for the walk.

    `shape` is the place over all rows and all keys of maps; `below` says which key a `.*` stood for.
    """

    path: str
    shape: str
    kind: DifferenceKind | None
    baseline: object
    candidate: object
    detail: str = ""

    @property
    def array(self) -> str:
        """The path of the array that a row is in."""
        return self.path.rpartition("[")[0]


def came(pair: Pair) -> int:
    """1 for a row that is new, -1 for one that is gone, 0 for everything else."""
    return {DifferenceKind.EXTRA: 1, DifferenceKind.MISSING: -1}.get(pair.kind, 0) if pair.kind is not None else 0


@lru_cache(maxsize=8192)
def is_data_key(key: str) -> bool:
    """Whether an object key is data rather than a name: a number, a date, a UUID, a token."""
    return (
        bool(key)
        and (key[0].isdigit() or len(key) >= 8)
        and (re.fullmatch(r"\d+|\d{4}-\d\d(?:-\d\d)?", key) is not None or is_opaque(key))
    )


def walk(baseline: object, candidate: object, path: str, shape: str, known: Walking) -> Iterator[Pair]:
    """Every pair of leaves that differ, and every difference of structure, in the baseline's order.

    At watched locations equal leaves are given as well. Bounded in depth and in number; past the bound one pair of
    kind VALUE says that the rest differs.
    """
    if strictly_equal(baseline, candidate):
        if known.watching:
            yield from _watched(baseline, path, shape, known)
        return
    yield from _Walk(known).pair(baseline, candidate, path, shape, 0)


def leaves(value: object, path: str, shape: str, known: Walking) -> Iterator[tuple[str, str, object]]:
    """(path, shape, leaf) of every scalar; empty containers have none."""
    stack = [(value, path, shape)]
    while stack:
        node, where, form = stack.pop()
        if isinstance(node, dict):
            as_map = has_data_keys(node, form, known)
            for key in reversed(node):
                name = ".*" if as_map else step(key)
                stack.append((node[key], where + name, form + name))
        elif isinstance(node, list):
            form += "[*]"
            for i in range(len(node) - 1, -1, -1):
                stack.append((node[i], f"{where}[{i}]", form))
        else:
            yield where, form, node


def _watched(value: object, path: str, shape: str, known: Walking) -> Iterator[Pair]:
    for where, form, leaf in leaves(value, path, shape, known):
        if known.watches(form):
            yield Pair(where, form, None, leaf, leaf)


def nodes(value: object, shape: str, known: Walking) -> Iterator[tuple[tuple[str | int, ...], str, object]]:
    """(steps, shape, node) of everything below a value and of itself: containers and scalars, to a bounded depth."""
    stack: list[tuple[tuple[str | int, ...], str, object]] = [((), shape, value)]
    while stack:
        steps, form, node = stack.pop()
        yield steps, form, node
        if len(steps) >= MAX_DEPTH:
            continue
        if isinstance(node, dict):
            as_map = has_data_keys(node, form, known)
            for key in reversed(node):
                stack.append(((*steps, key), form + (".*" if as_map else step(key)), node[key]))
        elif isinstance(node, list):
            for i in range(len(node) - 1, -1, -1):
                stack.append(((*steps, i), form + "[*]", node[i]))


def has_data_keys(value: dict[str, object], shape: str, known: Walking) -> bool:
    """Whether an object's keys are data, by their looks or by what was learned of the location."""
    if not value:
        return False
    if is_data_key(next(iter(value))):
        return all(is_data_key(key) for key in value)
    return known.is_map(shape)


class _Walk:
    def __init__(self, known: Walking) -> None:
        self._known = known
        self._left = MAX_PAIRS

    def pair(self, a: object, b: object, path: str, shape: str, depth: int) -> Iterator[Pair]:
        self._left -= 1
        if isinstance(a, dict) and isinstance(b, dict):
            if depth >= MAX_DEPTH or self._left <= 0:
                yield from self._coarse(a, b, path, shape)
            else:
                yield from self._objects(a, b, path, shape, depth)
        elif isinstance(a, list) and isinstance(b, list):
            if depth >= MAX_DEPTH or self._left <= 0:
                yield from self._coarse(a, b, path, shape)
            else:
                yield from self._arrays(a, b, path, shape, depth)
        elif isinstance(a, dict | list) or isinstance(b, dict | list):
            kind = DifferenceKind.NULL if a is None or b is None else DifferenceKind.TYPE
            yield Pair(path, shape, kind, a, b)
        elif not equal_leaves(a, b) or (self._known.watching and self._known.watches(shape)):
            yield Pair(path, shape, None, a, b)

    def _coarse(self, a: object, b: object, path: str, shape: str) -> Iterator[Pair]:
        if not strictly_equal(a, b):
            yield Pair(path, shape, DifferenceKind.VALUE, a, b, TOO_LARGE)

    def _objects(self, a: dict[str, object], b: dict[str, object], path: str, shape: str, depth: int) -> Iterator[Pair]:
        as_map = has_data_keys(a, shape, self._known) and (not b or has_data_keys(b, shape, self._known))
        as_map = as_map or (not a and has_data_keys(b, shape, self._known))
        alone = 0
        lost = [key for key in a if key not in b]
        new = [key for key in b if key not in a]
        renamed: dict[str, str] = {}
        if as_map and lost and len(lost) == len(new):
            renamed = self._renamed(lost, new, shape)
        watching = self._known.watching
        for key, value in a.items():
            if not watching and type(value) in _SCALARS and key in b:
                other = b[key]
                if type(other) is type(value) and other == value:
                    continue  # the common case, without a generator of its own
            name = ".*" if as_map else step(key)
            if key in b:
                yield from self.pair(value, b[key], path + name, shape + name, depth + 1)
            elif key in renamed:
                yield Pair(path + ".*~key", shape + ".*~key", None, key, renamed[key])
                yield from self.pair(value, b[renamed[key]], path + name, shape + name, depth + 1)
            elif alone < MAX_ALONE:
                alone += 1
                detail = f"key {key}" if as_map else ""
                yield Pair(path + name, shape + name, DifferenceKind.MISSING, value, None, detail)
        taken = set(renamed.values())
        for key in [key for key in new if key not in taken][:MAX_ALONE]:
            name = ".*" if as_map else step(key)
            detail = f"key {key}" if as_map else ""
            yield Pair(path + name, shape + name, DifferenceKind.EXTRA, None, b[key], detail)

    def _renamed(self, lost: list[str], new: list[str], shape: str) -> dict[str, str]:
        """Keys of a map that name the same thing on both sides: by what is known of them, else in order."""
        there = set(new)
        found: dict[str, str] = {}
        for key in lost:
            image = self._known.expected(f"{shape}.*~key", key)
            if image is not None and image in there:
                found[key] = image
                there.discard(image)
        if any(self._known.expected(f"{shape}.*~key", key) is None for key in lost):
            rest = [key for key in new if key in there]
            found.update(zip([key for key in lost if key not in found], rest, strict=False))
        return found

    def _arrays(self, a: list[object], b: list[object], path: str, shape: str, depth: int) -> Iterator[Pair]:
        if strictly_equal(a, b):
            if self._known.watching:
                yield from _watched(a, path, shape, self._known)
            return
        rows = align(a, b, shape, self._known)
        inside = f"{shape}[*]"
        named = rows.named and ((not rows.missing and not rows.extra) or _can_be_named(a, b))
        if named:
            for i in rows.missing[:MAX_ALONE]:
                yield Pair(f"{path}[{i}]", inside, DifferenceKind.MISSING, a[i], None)
            for j in rows.extra[:MAX_ALONE]:
                yield Pair(f"{path}[{j}]", inside, DifferenceKind.EXTRA, None, b[j])
        elif rows.missing or rows.extra:
            yield Pair(path, shape, DifferenceKind.LENGTH, a, b)
        if rows.moved:
            yield Pair(path, shape, DifferenceKind.ORDER, a, b)
        for i, j in rows.pairs:
            yield from self.pair(a[i], b[j], f"{path}[{i}]", inside, depth + 1)


def _can_be_named(a: list[object], b: list[object]) -> bool:
    row = (a or b)[0]
    return isinstance(row, str) or (isinstance(row, dict) and any(name in row for name in IDENTITY_FIELDS))
