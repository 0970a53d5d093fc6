"""Which row of one array stands opposite which row of the other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from .atoms import canonical
from .bindings import NOWHERE
from .equality import row_key
from .paths import step

IDENTITY_FIELDS = ("id", "uuid", "guid", "key", "code", "slug", "sku", "number", "reference", "name", "email", "token")
"""Names of fields that identify a row, in order of preference."""
_MAX_LCS = 250_000
"""Cells of the table of the longest common subsequence; past it equal rows are matched in order of appearance."""
_ALIKE = 0.5
"""Share of equal leaves above which two rows at one index are the same row with something changed."""


class Matching(Protocol):
    """What is known about locations when two values are paired."""

    def expected(self, shape: str, text: str) -> str | None:
        """The candidate's text for a baseline text at a location; None while that is not known."""

    def unordered(self, shape: str) -> bool:
        """Whether the array at a location has no fixed order."""

    def selects(self, shape: str) -> bool:
        """Whether the array at a location shows other objects each time."""


@dataclass(slots=True)
class Alignment:
    """Pairs of indices, and the rows that stand alone."""

    pairs: list[tuple[int, int]]
    missing: list[int] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    moved: bool = False
    named: bool = True  # rows that stand alone can be named, so each is a difference of its own


def align(old: Sequence[object], new: Sequence[object], shape: str, matching: Matching) -> Alignment:
    """Rows by identity field where they have one, else by position, else by longest common subsequence."""
    unordered = matching.unordered(shape)
    old_rows = [row for row in old if isinstance(row, dict)]
    new_rows = [row for row in new if isinstance(row, dict)]
    if (old or new) and len(old_rows) == len(old) and len(new_rows) == len(new):
        name = _identity_field(old_rows, new_rows, shape, matching)
        if name is not None:
            return _by_identity(old_rows, new_rows, name, shape, matching, unordered)
        return _by_content([row_key(row) for row in old], [row_key(row) for row in new], unordered, False)
    if any(isinstance(row, dict | list) for row in (*old, *new)):
        return _by_content([row_key(row) for row in old], [row_key(row) for row in new], unordered, False)
    return _scalars(old, new, shape, matching, unordered)


def _scalars(
    old: Sequence[object], new: Sequence[object], shape: str, matching: Matching, unordered: bool
) -> Alignment:
    where = f"{shape}[*]"
    keys_old: list[Hashable] = []
    for i, value in enumerate(old):
        text = canonical(value)
        expected = matching.expected(where, text) if text is not None else None
        keys_old.append((type(value), expected if expected is not None else value if text is None else ("unknown", i)))
    keys_new: list[Hashable] = [(type(value), t if (t := canonical(value)) is not None else value) for value in new]
    texts = all(isinstance(value, str) for value in (*old, *new))
    named = texts and len(set(keys_old)) == len(keys_old) and len(set(keys_new)) == len(keys_new)
    return _by_content(keys_old, keys_new, unordered, named)


def _by_content(old: Sequence[Hashable], new: Sequence[Hashable], unordered: bool, named: bool) -> Alignment:
    if not unordered and len(old) == len(new):
        if old != new and Counter(old) == Counter(new):
            pairs, _, _ = _as_multisets(old, new)
            return Alignment(pairs, moved=True, named=named)
        if not named or sum(a == b for a, b in zip(old, new, strict=True)) * 2 >= len(old) or not set(old) & set(new):
            return Alignment([(i, i) for i in range(len(old))], named=named)
    if unordered or named:
        pairs, missing, extra = _as_multisets(old, new)
        if len(missing) == len(extra):
            pairs += zip(missing, extra, strict=True)
            missing, extra = [], []
        moved = any(a[1] > b[1] for a, b in pairwise(pairs))
        return Alignment(sorted(pairs), missing, extra, moved, named)
    return _by_subsequence(old, new, named)


def _as_multisets(
    old: Sequence[Hashable], new: Sequence[Hashable]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    places: dict[Hashable, list[int]] = defaultdict(list)
    for j in range(len(new) - 1, -1, -1):
        places[new[j]].append(j)
    pairs: list[tuple[int, int]] = []
    missing: list[int] = []
    for i, key in enumerate(old):
        found = places.get(key)
        if found:
            pairs.append((i, found.pop()))
        else:
            missing.append(i)
    return pairs, missing, sorted(j for found in places.values() for j in found)


def _by_subsequence(old: Sequence[Hashable], new: Sequence[Hashable], named: bool) -> Alignment:
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < min(len(old), len(new)) - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[start : len(old) - tail], new[start : len(new) - tail]
    matched = _common(middle_old, middle_new)
    result = Alignment([(i, i) for i in range(start)], named=named)
    i = j = 0
    for a, b in [*matched, (len(middle_old), len(middle_new))]:
        for k in range(min(a - i, b - j)):  # replaced rows stand opposite each other
            result.pairs.append((start + i + k, start + j + k))
        shared = min(a - i, b - j)
        result.missing.extend(start + k for k in range(i + shared, a))
        result.extra.extend(start + k for k in range(j + shared, b))
        if a < len(middle_old):
            result.pairs.append((start + a, start + b))
        i, j = a + 1, b + 1
    result.pairs.extend((len(old) - k, len(new) - k) for k in range(tail, 0, -1))
    return result


def _common(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Index pairs of a longest common subsequence, or of a common one when the table would be too large."""
    if len(old) * len(new) > _MAX_LCS:
        pairs, _, _ = _as_multisets(old, new)
        rising: list[tuple[int, int]] = []
        for pair in pairs:
            if not rising or pair[1] > rising[-1][1]:
                rising.append(pair)
        return rising
    lengths = [[0] * (len(new) + 1)]
    for a in old:
        above = lengths[-1]
        row = [0]
        for j, b in enumerate(new):
            row.append(above[j] + 1 if a == b else max(row[j], above[j + 1]))
        lengths.append(row)
    pairs = []
    i, j = len(old), len(new)
    while i and j:
        if old[i - 1] == new[j - 1]:
            pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif lengths[i - 1][j] >= lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _identity_field(
    old: list[dict[str, object]], new: list[dict[str, object]], shape: str, matching: Matching
) -> str | None:
    """The field that is unique on both sides and has the best overlap; unknown images count for little."""
    best: tuple[float, int] | None = None
    name: str | None = None
    for rank, candidate in enumerate(IDENTITY_FIELDS):
        keys_old = [canonical(row.get(candidate)) for row in old]
        keys_new = [canonical(row.get(candidate)) for row in new]
        if None in keys_old or None in keys_new:
            continue
        if len(set(keys_old)) < len(keys_old) or len(set(keys_new)) < len(keys_new):
            continue
        there = set(keys_new)
        where = f"{shape}[*]{step(candidate)}"
        images = [matching.expected(where, key) for key in keys_old if key is not None]
        score = sum(
            1.0 if image in there else 0.0 if image is not None else 0.9 if key in there else 0.4
            for key, image in zip(keys_old, images, strict=True)
        )
        if best is None or (score, -rank) > best:
            best, name = (score, -rank), candidate
    return name


def _by_identity(
    old: list[dict[str, object]],
    new: list[dict[str, object]],
    name: str,
    shape: str,
    matching: Matching,
    unordered: bool,
) -> Alignment:
    where = f"{shape}[*]{step(name)}"
    place = {canonical(row[name]): j for j, row in enumerate(new)}
    images = [matching.expected(where, str(canonical(row[name]))) for row in old]
    pairs = [(i, place[image]) for i, image in enumerate(images) if image is not None and image in place]
    taken = {j for _, j in pairs}
    matched = {i for i, _ in pairs}
    left_old = [i for i in range(len(old)) if i not in matched]
    left_new = [j for j in range(len(new)) if j not in taken]
    sure = matched
    free = set(left_new)
    # nobody can say yet which is which: by what else the rows hold, ties in order
    found = _by_likeness(old, new, [i for i in left_old if images[i] is None], left_new)
    if matching.selects(shape):  # two rows that have little in common are two objects
        found = [(i, j) for i, j in found if _likeness(old[i], new[j]) > _ALIKE]
    found += [
        (i, i)
        for i in left_old
        if images[i] not in (None, NOWHERE) and i in free and _likeness(old[i], new[i]) > _ALIKE
    ]
    for i, j in found:
        if j not in taken:
            taken.add(j)
            pairs.append((i, j))
    matched = {i for i, _ in pairs}
    missing = [i for i in left_old if i not in matched]
    extra = [j for j in left_new if j not in taken]
    pairs.sort()
    moved = any(a[1] > b[1] and _changed_places(a, b, old, new, sure) for a, b in pairwise(pairs))
    return Alignment(pairs, missing, extra, moved)


def _changed_places(
    one: tuple[int, int],
    other: tuple[int, int],
    old: list[dict[str, object]],
    new: list[dict[str, object]],
    sure: Set[int],
) -> bool:
    """Whether two pairs that cross show another order: surely by name, else as long as they are more alike so."""
    if one[0] in sure and other[0] in sure:
        return True
    likenesses = [_likeness(old[i], new[j]) for i, j in (one, other)]
    straight = _likeness(old[one[0]], new[other[1]]) + _likeness(old[other[0]], new[one[1]])
    return min(likenesses) > _ALIKE and sum(likenesses) > straight


def _by_likeness(
    old: list[dict[str, object]], new: list[dict[str, object]], left_old: list[int], left_new: list[int]
) -> list[tuple[int, int]]:
    """Pairs the rows that are left, each with the one most like it, ties in order; bounded, then simply in order."""
    if len(left_old) * len(left_new) > 10_000:
        return list(zip(left_old, left_new, strict=False))
    scored = sorted(
        ((-_likeness(old[i], new[j]), abs(a - b), i, j) for a, i in enumerate(left_old) for b, j in enumerate(left_new))
    )
    pairs: list[tuple[int, int]] = []
    used_old: set[int] = set()
    used_new: set[int] = set()
    for _, _, i, j in scored:
        if i not in used_old and j not in used_new:
            used_old.add(i)
            used_new.add(j)
            pairs.append((i, j))
    return sorted(pairs)


def _likeness(old: dict[str, object], new: dict[str, object]) -> float:
    """Share of the fields of two rows that are equal."""
    fields = old.keys() | new.keys()
    if not fields:
        return 1.0
    same = sum(1 for key in old.keys() & new.keys() if type(old[key]) is type(new[key]) and old[key] == new[key])
    return same / len(fields)
