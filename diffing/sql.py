"""SQL statements compared over all exchanges of a route: N+1 queries, found where no response shows them.

One exchange alone cannot tell twenty statements for twenty rows from twenty statements: the verdict is over a route.
It is made once, on the whole recording; a repetition of a part of it is only asked whether it shows the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from .difference import Case, Comparison, Difference, DifferenceKind, Location, Part, Status
from .profile import NoiseProfile
from .sql_growth import MORE_PER_ROW, PER_ROW, Growth, growth_of, rows_near, shows
from .sql_samples import Sample, Spot, sample_of

Growths = Mapping[Spot, Growth]


def sql_growths(cases: Iterable[Case], comparisons: Iterable[Comparison], profile: NoiseProfile) -> Growths:
    """What became of every statement whose count changed. Cases and comparisons are in the same order."""
    changed: dict[Spot, list[Sample]] = defaultdict(list)
    ran: Counter[Spot] = Counter()
    paired = False
    for case, comparison in zip(cases, comparisons, strict=True):
        paired = paired or bool(case.baseline)
        for spot, sample in sample_of(case, comparison, profile):
            ran[spot] += 1
            if sample.more:
                sample.rows.settle()
                changed[spot].append(sample)
    changes: dict[tuple[str, str, int], list[dict[str, int]]] = defaultdict(list)
    for spot, samples in changed.items():
        changes[_route(spot)].append({sample.exchange_id: -sample.more for sample in samples})
    growths = {}
    for spot, samples in changed.items():
        # another statement went as often as this one came, in every exchange: renamed, moved, at the same cost
        if {sample.exchange_id: sample.more for sample in samples} in changes[_route(spot)]:
            continue
        growth = growth_of(samples, ran[spot], constant=paired)
        if growth is not None:
            growths[spot] = growth
    return growths


def _route(spot: Spot) -> tuple[str, str, int]:
    return spot.method, spot.route, spot.answer


def with_sql(
    cases: Iterable[Case], comparisons: Iterable[Comparison], profile: NoiseProfile, growths: Growths
) -> list[Comparison]:
    """The comparisons with a difference in each exchange that shows one of the growths."""
    if not growths:
        return list(comparisons)
    found = []
    for case, comparison in zip(cases, comparisons, strict=True):
        extra = _differences(case, comparison, profile, growths)
        if extra:
            differences = (*comparison.differences, *extra)
            comparison = replace(comparison, status=Status.DIFFERED, reason=None, detail="", differences=differences)
        found.append(comparison)
    return found


def _differences(case: Case, comparison: Comparison, profile: NoiseProfile, growths: Growths) -> list[Difference]:
    extra = []
    for spot, sample in sample_of(case, comparison, profile):
        growth = growths.get(spot)
        if growth is not None and shows(sample, growth):
            extra.append(
                Difference(
                    Location(Part.SQL, spot.statement),
                    DifferenceKind.VALUE,
                    sample.baseline,
                    sample.candidate,
                    growth.transition,
                    _detail(spot, sample, growth),
                )
            )
    return sorted(extra, key=lambda each: each.location.path)


def _detail(spot: Spot, sample: Sample, growth: Growth) -> str:
    counts = f"{sample.baseline} -> {sample.candidate} statements"
    rows = rows_near(sample) if growth.transition in (PER_ROW, MORE_PER_ROW) else 0
    slope = f", {growth.slope:.2g} more for each further row" if growth.slope is not None and rows else ""
    return f"{counts}{f' for {rows} rows' if rows else ''}{slope}: {spot.statement}"
