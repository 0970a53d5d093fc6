"""What the values of two changes say about a common cause.

Values decide only which changes are shown as one; they never enter a fingerprint.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from .difference import Difference, DifferenceKind
from .signatures import Change

Pair = tuple[str, str]

_MAX_TEXT = 400  # characters of a value that are compared
_MAX_DIGITS = 30  # of a number: longer ones are identifiers
_PAIRED = frozenset(
    {DifferenceKind.VALUE, DifferenceKind.IDENTITY, DifferenceKind.TYPE, DifferenceKind.FORMAT, DifferenceKind.MEDIA}
)


def pair_of(difference: Difference) -> Pair | None:
    """Both values as comparable texts; None where the kind of change has no two values.

    A number is written as its significant digits, and the candidate's with how far its point has moved: 12.34 -> 12.35
    and, in cents, 1234 -> 1235 are the same pair.
    """
    if difference.kind not in _PAIRED:
        return None
    before, after = _digits(difference.baseline), _digits(difference.candidate)
    if before and after:
        same_type = type(difference.baseline) is type(difference.candidate)
        return (f"#{before[0]}", f"#{after[0]}e{after[1] - before[1]}{'' if same_type else '!'}")
    return (_text(difference.baseline), _text(difference.candidate))


def is_trivial(value: object) -> bool:
    """Whether equal values are likely by chance: booleans, null, 0 to 9, nothing."""
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return True
    number = number_of(value)
    return number is not None and number == int(number) and abs(number) < 10


def is_distinctive(value: object) -> bool:
    """Whether equal values are unlikely by chance anywhere in a recording."""
    digits = _digits(value)
    return len(digits[0].lstrip("-")) >= 4 if digits else len(_text(value)) >= 8


def number_of(value: object) -> Decimal | None:
    """A JSON number, or a string that is one, exactly; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    text = value if isinstance(value, str) else repr(value)
    if not text or len(text) > _MAX_DIGITS or not (text[0].isdigit() or text[0] == "-") or not text.isascii():
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _MAX_DIGITS else None


def _digits(value: object) -> tuple[str, int] | None:
    number = number_of(value)
    if number is None:
        return None
    sign, digits, exponent = number.normalize().as_tuple()
    return ("-" if sign else "") + "".join(map(str, digits)), int(exponent)


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=repr)
    return (
        text
        if len(text) <= _MAX_TEXT
        else f"{text[:_MAX_TEXT]}\0{len(text)}\0{zlib.crc32(text.encode('utf-8', 'surrogatepass'))}"
    )


def pairs_of(change: Change) -> set[Pair]:
    """Every distinct pair of a change."""
    return {pair for occurrence in change.occurrences if (pair := pair_of(occurrence.difference)) is not None}


def laws_of(change: Change) -> tuple[str, ...]:
    """What all pairs of numbers of a change have in common: the factor between the values, or the distance.

    A factor that is a power of ten counts always; another one, or a distance, when at least two distinct pairs show it.
    """
    pairs = set()
    for occurrence in change.occurrences:
        before = number_of(occurrence.difference.baseline)
        after = number_of(occurrence.difference.candidate)
        if before is None or after is None or not before:
            return ()
        pairs.add((before, after))
    factors = {round(after / before, 6) for before, after in pairs}
    distances = {after - before for before, after in pairs}
    laws = []
    if len(factors) == 1:
        factor = factors.pop()
        if len(pairs) > 1 or (
            factor > 0 and abs(factor.adjusted()) >= 1 and factor.normalize().as_tuple().digits == (1,)
        ):
            laws.append(f"*{factor.normalize()}")
    if len(distances) == 1 and len(pairs) > 1:
        distance = distances.pop()
        if abs(distance) > 1:
            laws.append(f"+{distance.normalize()}")
    return tuple(laws)


def distances_of(change: Change) -> dict[str, Decimal]:
    """Exchange -> by how much the numbers at this place changed in sum, or by how many rows its array grew.

    Exchanges in which it cannot be said, and those where it is nothing, are left out.
    """
    sums: dict[str, Decimal] = defaultdict(Decimal)
    broken = set()
    for occurrence in change.occurrences:
        distance = _distance(occurrence.difference)
        if distance is None:
            broken.add(occurrence.exchange_id)
        else:
            sums[occurrence.exchange_id] += distance
    return {exchange: total for exchange, total in sums.items() if exchange not in broken and total}


def _distance(difference: Difference) -> Decimal | None:
    before, after = difference.baseline, difference.candidate
    if difference.kind is DifferenceKind.LENGTH and isinstance(before, list) and isinstance(after, list):
        return Decimal(len(after) - len(before))
    if difference.location.shape.endswith("[*]") and difference.kind in (DifferenceKind.MISSING, DifferenceKind.EXTRA):
        return Decimal(1 if difference.kind is DifferenceKind.EXTRA else -1)
    first, second = number_of(before), number_of(after)
    return None if first is None or second is None else second - first


def overlap(first: Iterable[str], second: Iterable[str]) -> float:
    """The share of the smaller set of exchanges that is in both."""
    one, other = set(first), set(second)
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 0.0
