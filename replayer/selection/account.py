"""What a selection can miss, by the rule of three; and how much of the traffic a finding touches, by weights."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from diffing.difference import Comparison, Status
from diffing.grouping import Finding

from .strata import Stratum

SEEN_WITH = 3.0
"""Exchanges that show a change, on average, when one is seen with 95 %: the rule of three (exp(-3) = 5 %)."""

MAX_NAMED = 200
"""Strata that are named of those of which nothing was replayed, the largest first."""


@dataclass(frozen=True, slots=True)
class RouteAccount:
    """One route: how much of it was compared, and the share of its traffic in which a change may hide (95 %)."""

    method: str
    route: str
    recorded: int
    compared: int
    strata: int
    covered: int
    may_miss: float


@dataclass(frozen=True, slots=True)
class Account:
    """A selection as the reports show it."""

    budget: int
    seed: int
    recorded: int
    selected: int
    strata: int
    covered: int  # strata of which something was compared
    routes: tuple[RouteAccount, ...] = ()
    uncovered: tuple[Stratum, ...] = ()
    closure: float = 0.0  # exchanges that one chosen for its own sake needs, itself included, on average
    cut: int = 0  # closures of which a part was left out, since they are too large
    affected: Mapping[str, float] = field(default_factory=dict)  # fingerprint -> share of its route's traffic


def account(
    strata: Sequence[Stratum],
    stratum_of: Mapping[str, int],
    comparisons: Iterable[Comparison],
    findings: Iterable[Finding],
    *,
    budget: int,
    seed: int,
    closures: Sequence[int] = (),
    cut: int = 0,
) -> Account:
    """Draws up the account. `stratum_of` is by exchange id, of what was selected."""
    compared: Counter[int] = Counter()
    for comparison in comparisons:
        if comparison.status in (Status.MATCHED, Status.DIFFERED) and comparison.exchange_id in stratum_of:
            compared[stratum_of[comparison.exchange_id]] += 1
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, stratum in enumerate(strata):
        places[stratum.method, stratum.route].append(number)
    uncovered = [stratum for number, stratum in enumerate(strata) if not compared[number]]
    uncovered.sort(key=lambda stratum: (-stratum.count, stratum.method, stratum.route, stratum.status))
    return Account(
        budget=budget,
        seed=seed,
        recorded=sum(stratum.count for stratum in strata),
        selected=len(stratum_of),
        strata=len(strata),
        covered=len(strata) - len(uncovered),
        routes=tuple(_route(*key, numbers, strata, compared) for key, numbers in sorted(places.items())),
        uncovered=tuple(uncovered[:MAX_NAMED]),
        closure=sum(closures) / len(closures) if closures else 0.0,
        cut=cut,
        affected={
            finding.fingerprint: share
            for finding in findings
            if (share := _affected(finding, places, strata, stratum_of, compared)) is not None
        },
    )


def _route(
    method: str, route: str, numbers: Sequence[int], strata: Sequence[Stratum], compared: Mapping[int, int]
) -> RouteAccount:
    recorded = sum(strata[number].count for number in numbers)
    return RouteAccount(
        method,
        route,
        recorded,
        sum(compared[number] for number in numbers),
        len(numbers),
        sum(1 for number in numbers if compared[number]),
        may_miss([(strata[number].count, compared[number]) for number in numbers]),
    )


def may_miss(strata: Iterable[tuple[int, int]]) -> float:
    """The largest share of (recorded, compared) strata that a change can touch and still be missed with 5 % or more.

    A change that touches the share q of a stratum of which n exchanges were compared shows in q * n of them on
    average; with 3 in all strata it is missed with exp(-3) = 5 %. It hides best where most traffic stands for one
    exchange, and free of charge where none was compared. What was compared whole hides nothing.
    """
    sizes = sorted(strata, key=lambda each: -each[0] / each[1] if each[1] else 0.0)
    total = sum(size for size, _ in sizes)
    hidden = float(sum(size for size, compared in sizes if not compared))
    left = SEEN_WITH
    for size, compared in sizes:
        if left <= 0:
            break
        if 0 < compared < size:
            taken = min(1.0, left / compared)
            hidden += taken * size
            left -= taken * compared
    return min(1.0, hidden / total) if total else 0.0


def _affected(
    finding: Finding,
    places: Mapping[tuple[str, str], Sequence[int]],
    strata: Sequence[Stratum],
    stratum_of: Mapping[str, int],
    compared: Mapping[int, int],
) -> float | None:
    """The share of the route's traffic that shows the finding: of each stratum as much as of what was compared."""
    numbers = [number for number in places.get((finding.method, finding.route), ()) if compared[number]]
    if not numbers:
        return None
    shown = Counter(stratum_of[each] for each in finding.exchanges if each in stratum_of)
    total = sum(strata[number].count for number in numbers)
    touched = sum(strata[number].count * min(1.0, shown[number] / compared[number]) for number in numbers)
    return touched / total if touched else None
