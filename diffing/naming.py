"""Which locations hold identifiers: given sorts put to the test, and sorts that the passes themselves reveal."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .atoms import is_integer, is_opaque
from .bindings import Renaming
from .times import moment

MAX_PAIRS = 20_000
"""Distinct pairs of values kept of one location and pass."""
_FEW = 2
"""Distinct moved values that show a renaming where they can not be a coincidence."""
_SEVERAL = 5
"""Distinct moved integers that show one where they vary between passes, or where no name speaks for it."""
_KNOWN = 0.8
"""Share of a location's moved values that a sort must know for the location to join it."""
_ID_LIKE = re.compile(
    r"(?:^|[._\]~-])(?:ids?|uuid|guid|key|number|num|no|seq|sequence|ref|reference|code|pk|sub|token|url\[(?:[A-Za-z_-]+:)?\d+\]|csv)"
    r"(?:\[\*\])?$|[a-z](?:Id|ID|Ids|IDs|Uuid|Number|Ref|Key)(?:\[\*\])?$|_(?:by|to|from)$"
)


@dataclass(slots=True)
class Pairs:
    """Distinct pairs of values that stood opposite each other, in the order in which they were first seen."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, baseline: str, candidate: str) -> None:
        """Counts a pair; past MAX_PAIRS new ones are left out: what they could refute is refuted by fewer."""
        pair = (baseline, candidate)
        if pair in self.counts or len(self.counts) < MAX_PAIRS:
            self.counts[pair] = self.counts.get(pair, 0) + 1

    def moved(self) -> list[tuple[str, str]]:
        """The pairs of different values."""
        return [pair for pair in self.counts if pair[0] != pair[1]]

    def one_to_one(self) -> bool:
        """Whether no value stands opposite two."""
        forward: dict[str, str] = {}
        backward: dict[str, str] = {}
        return all(forward.setdefault(a, b) == b and backward.setdefault(b, a) == a for a, b in self.counts)


@dataclass(frozen=True, slots=True)
class Observed:
    """One location key: its pairs by pass number (negative: the recording against a pass)."""

    pairs: Mapping[int, Pairs]
    varies: bool  # between passes of one release


def name_sorts(
    observed: Mapping[str, Observed], given: Mapping[str, str], trusted: bool
) -> tuple[dict[str, str], set[str]]:
    """(location key -> sort, location keys whose given sort was refuted).

    `trusted` says that no release under judgement is among the passes; when one is, a figure that it got wrong in a
    regular way must not be taken for an identifier.
    """
    refuted = _refuted(observed, given)
    named = {key: sort for key, sort in given.items() if key not in refuted}
    renamings: dict[int, Renaming] = defaultdict(Renaming)
    for key, sort in named.items():
        _enter(renamings, sort, observed.get(key))
    for key in sorted(observed, key=_id_first):
        if key in given:
            continue
        found = observed[key]
        if not _may_be_identifier(found):
            continue
        sort = _joins(found, renamings) or (f"own:{key}" if _reveals(key, found, trusted) else "")
        if sort:
            named[key] = sort
            _enter(renamings, sort, found)
    return named, refuted


def _refuted(observed: Mapping[str, Observed], given: Mapping[str, str]) -> set[str]:
    """Locations that break the renaming of their sort between two passes; the majority of places is right."""
    votes: dict[tuple[int, str], dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for key, sort in given.items():
        for number, pairs in _passes(observed.get(key)):
            for a, b in pairs.counts:
                votes[number, sort][a][b] += 1
    refuted: set[str] = set()
    for key, sort in given.items():
        for number, pairs in _passes(observed.get(key)):
            chosen = votes[number, sort]
            if not pairs.one_to_one() or any(chosen[a].most_common(1)[0][0] != b for a, b in pairs.counts):
                refuted.add(key)
    return refuted


def _passes(found: Observed | None) -> Iterable[tuple[int, Pairs]]:
    """Only what passes of one release show against each other can refute."""
    return [(number, pairs) for number, pairs in found.pairs.items() if number >= 0] if found is not None else []


def _enter(renamings: dict[int, Renaming], sort: str, found: Observed | None) -> None:
    for number, pairs in found.pairs.items() if found is not None else ():
        for a, b in pairs.counts:
            renamings[number].bind(sort, a, b)


def _id_first(key: str) -> tuple[int, int, str]:
    """Places that produce identifiers before places that merely repeat them: plain `id`, then shorter paths."""
    return (0 if key.endswith((".id", ".uuid")) else 1 if "~" not in key else 2, len(key), key)


def _may_be_identifier(found: Observed) -> bool:
    """Integers or opaque texts, not times, and one-to-one in every pass."""
    values = [value for pairs in found.pairs.values() for pair in pairs.counts for value in pair]
    if not values or not all(is_integer(value) or is_opaque(value) for value in values):
        return False
    if not all(pairs.one_to_one() for pairs in found.pairs.values()):
        return False
    moved = [pair for pairs in found.pairs.values() for pair in pairs.moved()]
    times = sum(1 for a, b in moved if _is_time(a) and _is_time(b))
    return bool(moved) and times * 2 < len(moved)


def _is_time(text: str) -> bool:
    return moment(text) is not None


def is_id_like(key: str) -> bool:
    """Whether a location key ends in a name that identifiers have: `id`, `order_id`, `number`, a segment of a URL."""
    return _ID_LIKE.search(key.rpartition("|")[2]) is not None


def is_called_after(key: str, sorts: Iterable[str]) -> bool:
    """Whether a location key's last name is a word for what one of the sorts names: a column `visit`, of `/visits`."""
    name = re.split(r"[.~]", re.sub(r"\[\*\]$", "", key.rpartition("|")[2]))[-1].lower()
    plurals = {name + "s", name + "es", name.removesuffix("y") + "ies"}
    return len(name) > 2 and any(plurals & set(re.split(r"[^a-z_]+", sort.lower())) for sort in sorts)


def _joins(found: Observed, renamings: Mapping[int, Renaming]) -> str:
    """The sort whose renaming explains every value that moved here, "" when there is none."""
    best = ""
    most = 0
    for sort in sorted(_knowing(found, renamings)):
        known = moved = 0
        distinct: set[str] = set()
        for number, pairs in found.pairs.items():
            names = renamings[number].forward.get(sort, {}) if number in renamings else {}
            for a, b in pairs.counts:
                image = names.get(a)
                if image is not None and image != b:
                    break
                if a != b:
                    moved += 1
                    known += image is not None
                    distinct |= {a} if image is not None else set()
            else:
                continue
            break
        else:
            if len(distinct) >= _FEW and known >= _KNOWN * moved and known > most:
                best, most = sort, known
    return best


def _knowing(found: Observed, renamings: Mapping[int, Renaming]) -> set[str]:
    """The sorts that call at least one of the values that moved what it is called here."""
    sorts: set[str] = set()
    for number, pairs in found.pairs.items():
        if number in renamings:
            for a, b in pairs.counts:
                if a != b and renamings[number].knows(a, b):
                    sorts |= renamings[number].calling(a, b)
    return sorts


def _reveals(key: str, found: Observed, trusted: bool) -> bool:
    """Whether the location shows a renaming of its own: enough different values moved, one-to-one."""
    moved = {a for pairs in found.pairs.values() for a, _ in pairs.moved()}
    if all(is_opaque(value) for value in moved):
        return len(moved) >= _FEW
    if is_id_like(key):
        return len(moved) >= (_SEVERAL if found.varies else _FEW)
    # a counter, too, never shows a value twice: only what comes again and is called the same again speaks for a name
    return trusted and len(moved) >= _SEVERAL and len(_again(found)) >= _FEW


def _again(found: Observed) -> set[str]:
    """The moved values that stood opposite the same other value more than once in one pass."""
    return {a for pairs in found.pairs.values() for a, b in pairs.moved() if pairs.counts[a, b] > 1}
