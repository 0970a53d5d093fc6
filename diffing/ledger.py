"""The ledger: where every exchange that the recorder saw has ended. Nothing is lost silently.

`seen = recorded + sampled_out + dropped`, and `recorded = matched + differed + errored + not_compared + skipped`, in
total and per route.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from recorder.exchange import RouteCount

from .difference import Comparison, Reason, Status

UNROUTED = ""  # the route of what the framework gave to no route, in the recorder's counts


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange of the recording: its route as the reports name it, and the framework's own template, if any."""

    exchange_id: str
    method: str
    route: str
    template: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Exchanges of one route that the recording holds and a run with a budget did not take: they count as skipped."""

    method: str
    route: str
    template: str
    count: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of exchanges; `not_compared` and `skipped` by reason."""

    seen: int = 0
    sampled_out: int = 0
    dropped: int = 0
    recorded: int = 0
    matched: int = 0
    differed: int = 0
    errored: int = 0
    not_compared: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def compared(self) -> int:
        """Exchanges of which something was learned: both sides answered, or the candidate alone did not."""
        return self.matched + self.differed

    @property
    def replayed(self) -> int:
        """Exchanges that were sent to the candidate."""
        return self.recorded - sum(self.skipped.values())

    @property
    def ended(self) -> int:
        """Exchanges whose end is known."""
        known = self.matched + self.differed + self.errored
        return known + sum(self.not_compared.values()) + sum(self.skipped.values())

    def imbalance(self, of: str) -> tuple[str, ...]:
        """What does not add up, in sentences that begin with `of`."""
        sentences = []
        if self.seen != self.recorded + self.sampled_out + self.dropped:
            sentences.append(
                f"{of}: {self.seen} seen, but {self.recorded} recorded + {self.sampled_out} sampled out"
                f" + {self.dropped} dropped = {self.recorded + self.sampled_out + self.dropped}"
            )
        if self.recorded != self.ended:
            sentences.append(f"{of}: {self.recorded} recorded, but the end of {self.ended} is known")
        return tuple(sentences)


@dataclass(frozen=True, slots=True)
class RouteTally:
    """The counts of one route."""

    method: str
    route: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Ledger:
    """The counts of a run, in total and per route."""

    total: Tally = field(default_factory=Tally)
    routes: tuple[RouteTally, ...] = ()
    imbalance: tuple[str, ...] = ()  # sentences; empty when everything adds up

    @property
    def balanced(self) -> bool:
        return not self.imbalance


def build_ledger(
    comparisons: Iterable[Comparison],
    counts: Iterable[RouteCount] = (),
    recorded: Iterable[Recorded] | None = None,
    left_out: Iterable[LeftOut] = (),
) -> Ledger:
    """Account for every exchange.

    `recorded` is what the recording holds but for what was `left_out`; without it, what was compared is taken for it,
    and nothing can be missing.
    `counts` are what the recording processes saw; without them (an imported recording) what was recorded is all that
    was seen. An exchange without outcome, or with two, and one that was seen but neither kept nor counted as lost,
    is named in `imbalance`.
    """
    comparisons = list(comparisons)
    if recorded is None:
        recorded = [Recorded(each.exchange_id, each.method, each.route, each.route) for each in comparisons]
    recorded, left_out = list(recorded), list(left_out)
    known = {each.exchange_id: (each.method, each.route) for each in recorded}
    rows: dict[tuple[str, str], _Row] = {}
    for each in recorded:
        rows.setdefault((each.method, each.route), _Row()).recorded += 1
    faults = _count_outcomes(comparisons, known, rows)
    for rest in left_out:
        rows.setdefault((rest.method, rest.route), _Row()).leave_out(rest.count)
    kept = Counter((each.method, each.template) for each in recorded)
    for rest in left_out:
        kept[rest.method, rest.template] += rest.count
    _count_seen(list(counts), kept, rows)
    routes = tuple(RouteTally(method, route, rows[method, route].tally()) for method, route in sorted(rows))
    total = _sum(route.tally for route in routes)
    for route in routes:
        faults += route.tally.imbalance(f"{route.method} {route.route or '(no route)'}")
    faults += total.imbalance("In total")
    return Ledger(total, routes, tuple(faults))


@dataclass(slots=True)
class _Row:
    """The counts of one route while they are made."""

    recorded: int = 0
    sampled_out: int = 0
    dropped: int = 0
    lost: int = 0  # seen, but neither recorded nor counted as lost by the recorder
    ends: Counter[Status] = field(default_factory=Counter)
    reasons: dict[Status, Counter[str]] = field(default_factory=dict)

    def leave_out(self, count: int) -> None:
        """Count exchanges that a budget had no room for."""
        self.recorded += count
        self.ends[Status.SKIPPED] += count
        self.reasons.setdefault(Status.SKIPPED, Counter())[Reason.OVER_BUDGET.value] += count

    def tally(self) -> Tally:
        return Tally(
            seen=self.recorded + self.sampled_out + self.dropped + self.lost,
            sampled_out=self.sampled_out,
            dropped=self.dropped,
            recorded=self.recorded,
            matched=self.ends[Status.MATCHED],
            differed=self.ends[Status.DIFFERED],
            errored=self.ends[Status.ERRORED],
            not_compared=dict(sorted(self.reasons.get(Status.NOT_COMPARED, Counter()).items())),
            skipped=dict(sorted(self.reasons.get(Status.SKIPPED, Counter()).items())),
        )


def _count_outcomes(
    comparisons: Iterable[Comparison], known: Mapping[str, tuple[str, str]], rows: Mapping[tuple[str, str], _Row]
) -> list[str]:
    outcomes: Counter[str] = Counter()
    strangers = 0
    for comparison in comparisons:
        place = known.get(comparison.exchange_id)
        if place is None:
            strangers += 1
            continue
        outcomes[comparison.exchange_id] += 1
        row = rows[place]
        row.ends[comparison.status] += 1
        if comparison.status in (Status.NOT_COMPARED, Status.SKIPPED):
            reason = comparison.reason.value if comparison.reason is not None else "no reason given"
            row.reasons.setdefault(comparison.status, Counter())[reason] += 1
    faults = []
    if strangers:
        faults.append(f"{strangers} outcomes are of exchanges that the recording does not hold")
    if twice := sum(1 for count in outcomes.values() if count > 1):
        faults.append(f"{twice} exchanges have more than one outcome")
    if missing := len(known.keys() - outcomes.keys()):
        faults.append(f"{missing} recorded exchanges have no outcome")
    return faults


def _count_seen(
    counts: Iterable[RouteCount], kept: Counter[tuple[str, str]], rows: dict[tuple[str, str], _Row]
) -> None:
    """Add what the recording processes counted, and find what they saw but nobody has; `kept` is by template."""
    seen: Counter[tuple[str, str]] = Counter()
    for count in counts:
        key = (count.method, count.route)
        seen[key] += count.seen - count.sampled_out - count.dropped
        row = rows.setdefault(key, _Row())
        row.sampled_out += count.sampled_out
        row.dropped += count.dropped
    # what no route took in production may be listed under a route whose template its path fits
    surplus: Counter[str] = Counter()
    for (method, route), number in kept.items():
        if route != UNROUTED:
            surplus[method] += max(0, number - seen[method, route])
    for (method, route), expected in seen.items():
        found = kept[method, route] + (surplus[method] if route == UNROUTED else 0)
        # fewer than recorded is no loss: a process that was killed did not report its last exchanges
        rows[method, route].lost += max(0, expected - found)


def _sum(tallies: Iterable[Tally]) -> Tally:
    tallies = list(tallies)
    not_compared: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for tally in tallies:
        not_compared.update(tally.not_compared)
        skipped.update(tally.skipped)
    return Tally(
        seen=sum(tally.seen for tally in tallies),
        sampled_out=sum(tally.sampled_out for tally in tallies),
        dropped=sum(tally.dropped for tally in tallies),
        recorded=sum(tally.recorded for tally in tallies),
        matched=sum(tally.matched for tally in tallies),
        differed=sum(tally.differed for tally in tallies),
        errored=sum(tally.errored for tally in tallies),
        not_compared=dict(sorted(not_compared.items())),
        skipped=dict(sorted(skipped.items())),
    )
