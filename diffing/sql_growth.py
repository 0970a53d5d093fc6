"""Whether a statement's count grew with the rows, by a constant, or shrank: the verdict on its samples.

No absolute number decides: thirty statements that were thirty before are nothing, two more for each row are an N+1.
The rule on pairs of answers needs one exchange with three rows; where rows cannot be told (sums, caches, foreign keys
that repeat), a growth that differs from exchange to exchange decides, and must not fall as the rows grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median

from .sql_samples import Sample

PER_ROW = "constant -> once per row"
MORE_PER_ROW = "once per row -> several times per row"
MORE_OFTEN = "constant -> more often"
FIXED = "once per row -> constant"
GONE = "run -> not run"

FEW_ROWS = 3  # rows from which "as many as there are rows" is no coincidence
CONSISTENT = 0.8  # share of the exchanges that ran a statement which must show a constant growth
MIN_SLOPE = 0.05  # statements for each further row, below which a growth does not follow the rows
MAX_SAMPLES = 100  # that a slope is computed from


@dataclass(frozen=True, slots=True)
class Growth:
    """What became of a statement's count, and in which exchanges it is to be seen."""

    transition: str
    slope: float | None = None  # statements for each further row, where the exchanges tell


def growth_of(changed: Sequence[Sample], ran: int, constant: bool) -> Growth | None:
    """The verdict on one statement at one route, from the samples in which its count changed.

    `ran` says how many exchanges ran it at all; `constant`: judge also a growth that does not follow the rows.
    """
    alike = [sample for sample in changed if sample.rows.known is not None]
    grown = [sample for sample in alike if sample.more > 0]
    if not grown:
        return _shrinking(changed, alike, ran, constant)
    if _per_row(grown):
        before = sum(goes_with_rows(sample.baseline, sample) for sample in grown)
        return Growth(MORE_PER_ROW if 2 * before > len(grown) else PER_ROW, _slope(grown))
    several = all(sample.baseline or sample.candidate >= FEW_ROWS for sample in grown)  # and no new statement alone
    return Growth(MORE_OFTEN) if constant and several and len(grown) >= CONSISTENT * ran else None


def shows(sample: Sample, growth: Growth) -> bool:
    """Whether an exchange is one that shows the growth well enough to be named."""
    if sample.rows.known is None:
        return False
    if growth.transition == FIXED:
        return -sample.more >= FEW_ROWS - 1
    if growth.transition in (MORE_OFTEN, GONE):
        return sample.more != 0
    return sample.more >= FEW_ROWS - 1 and sample.candidate >= FEW_ROWS


def rows_near(sample: Sample) -> int:
    """The number of rows that a count of statements goes with best; 0 when no rows are known."""
    return min(sample.rows.known or (), key=lambda rows: abs(rows - abs(sample.more)), default=0)


def goes_with_rows(count: int, sample: Sample) -> bool:
    """Whether a count is about that of some rows of the answer, or more than all of them."""
    known = sample.rows.known or ()
    if count >= FEW_ROWS - 1 and any(rows >= FEW_ROWS and abs(count - rows) <= 1 for rows in known):
        return True
    return _size(sample) >= FEW_ROWS and count >= max(FEW_ROWS, _size(sample) - 1)


def _shrinking(changed: Sequence[Sample], alike: Sequence[Sample], ran: int, constant: bool) -> Growth | None:
    if any(sample.more > 0 for sample in changed):
        return None
    if changed[0].writes:
        gone = all(sample.candidate == 0 and -sample.more == sample.baseline for sample in changed)
        return Growth(GONE) if constant and gone and len(changed) >= CONSISTENT * ran else None
    turned = [replace(each, baseline=each.candidate, candidate=each.baseline, more=-each.more) for each in alike]
    return Growth(FIXED) if turned and _per_row(turned) else None


def _size(sample: Sample) -> int:
    return max(sample.rows.known or (), default=0)


def _per_row(grown: Sequence[Sample]) -> bool:
    most, least = max(sample.more for sample in grown), min(sample.more for sample in grown)
    if most == least and len({_size(sample) for sample in grown}) > 1:
        return False
    if any(sample.candidate >= FEW_ROWS and goes_with_rows(sample.more, sample) for sample in grown):
        return True
    if most - least < FEW_ROWS - 1 or max(sample.candidate for sample in grown) < FEW_ROWS:
        return False
    slope = _slope(grown)
    return slope is None or slope > MIN_SLOPE


def _slope(grown: Sequence[Sample]) -> float | None:
    """Theil and Sen: the median of the slopes between any two exchanges; None when all have as many rows."""
    known = [(_size(sample), sample.more) for sample in grown[:: max(1, len(grown) // MAX_SAMPLES)]]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(known, 2) if a[0] != b[0]]
    return median(slopes) if slopes else None
