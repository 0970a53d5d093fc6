"""Which differences of one answer may as well be what varies by itself, as long as nothing was learned of that.

One process answers: an order that its hashes make, its number and its random texts are the same in all that it is asked
again. These are not told as changes, and not kept silent either: the summary says that they could not be told.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from itertools import cycle

from diffing.atoms import is_opaque, mixes_cases
from diffing.difference import Difference, DifferenceKind
from diffing.formats import template
from diffing.kinds import json_type

LEAST_LETTERS = 16
"""Of a random text without a digit."""
_PIECE = re.compile(r"([\w-]{8,})", re.ASCII)
_SECOND = re.compile(r"(?<!\d)20\d{12}(?!\d)")  # 20261128012224, as versions and ETags are made of


def sifted(differences: Iterable[Difference]) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """(what certainly changed, what may vary by itself), each in the order given."""
    given = tuple(differences)
    moved = _moved_rows(given)
    doubtful = tuple(one for n, one in enumerate(given) if n in moved or _may_vary(one))
    return tuple(one for one in given if one not in doubtful), doubtful


def is_other_token(one: Difference) -> bool:
    """Whether random text stands where random text of the same kind stood, words around it being the same."""
    a, b = one.baseline, one.candidate
    return one.kind is DifferenceKind.VALUE and isinstance(a, str) and isinstance(b, str) and _are_alike(a, b)


def _may_vary(one: Difference) -> bool:
    if one.kind is DifferenceKind.ORDER or is_other_token(one):
        return True
    return one.kind is DifferenceKind.VALUE and str(one.candidate) == str(os.getpid())


def _moved_rows(differences: Sequence[Difference]) -> set[int]:
    """Rows that went where others of the same build came: their keys are new each time, so that none finds its own."""
    rows = [(n, one) for n, one in enumerate(differences) if one.location.path.endswith("]")]
    come = [(n, one) for n, one in rows if one.kind is DifferenceKind.EXTRA]
    found: set[int] = set()
    for n, gone in rows:
        if gone.kind is DifferenceKind.MISSING:
            for m, other in come:
                same_place = gone.location.shape == other.location.shape
                if m not in found and same_place and _are_built_alike(gone.baseline, other.candidate):
                    found |= {n, m}
                    break
    return found


def _are_built_alike(a: object, b: object) -> bool:
    """Whether two rows have the same names, and values of the same types; texts but for what is random in them."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_are_built_alike(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_are_built_alike, a, b))
    if isinstance(a, str) and isinstance(b, str):
        return _are_alike(a, b)
    return json_type(a) == json_type(b)


def _are_alike(a: str, b: str) -> bool:
    a, b = _SECOND.sub("time", a), _SECOND.sub("time", b)
    if a == b:
        return True
    known = template(a)
    if known in ("uuid", "jwt") or known.startswith("time "):
        return known == template(b)
    left, right = _PIECE.split(a), _PIECE.split(b)
    if len(left) != len(right):
        return False
    return all(
        p == q or (odd and len(p) == len(q) and (_is_random(p) or _is_random(q)))
        for odd, (p, q) in zip(cycle((False, True)), zip(left, right, strict=True), strict=False)
    )


def _is_random(text: str) -> bool:
    return is_opaque(text) or (sum(map(str.isalpha, text)) >= LEAST_LETTERS and mixes_cases(text))
