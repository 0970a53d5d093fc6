"""One run's comparison: case by case, then over all exchanges of a route; and the same again for repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .consequences import Spot, common_spots, with_common
from .difference import Case, Comparison, DifferenceKind, Status
from .distributions import Found, find_deviations, shown_by, with_differences
from .judge import judge
from .noise import NoiseRule, ruled
from .profile import NoiseProfile
from .spreads import Deviation
from .sql import Growths, sql_growths, with_sql


class Trial:
    """Judges a candidate's pass, and later the passes that repeat a part of it, by one measure."""

    def __init__(self, profile: NoiseProfile, rules: Sequence[NoiseRule] = ()) -> None:
        self._profile = profile
        self._rules = rules
        self._common: frozenset[Spot] = frozenset()
        self._deviations: list[Deviation] = []
        self._growths: Growths = {}

    def first(self, cases: Sequence[Case]) -> list[Comparison]:
        """The comparison of record: one outcome per case, in the order given, which is to be the recorded order."""
        found = self._judged(cases)
        self._common = common_spots(found)
        self._deviations = find_deviations(cases, {one.exchange_id: one for one in found}, self._profile)
        self._growths = sql_growths(cases, found, self._profile)
        return self._over_all(cases, found)

    def again(self, cases: Sequence[Case]) -> list[Comparison]:
        """Cases that were replayed once more: what the first judgement flagged is looked for, nothing new is."""
        return self._over_all(cases, self._judged(cases))

    def _judged(self, cases: Sequence[Case]) -> list[Comparison]:
        return [_with_errors(one) for one in judge(cases, self._profile, self._rules)]

    def _over_all(self, cases: Sequence[Case], found: Sequence[Comparison]) -> list[Comparison]:
        """With what shows only over all exchanges of a route."""
        if self._common:
            found = [with_common(one, self._common) for one in found]
        spread = self._with_deviations(cases, found) if self._deviations else found
        return with_sql(cases, spread, self._profile, self._growths)

    def _with_deviations(self, cases: Sequence[Case], found: Sequence[Comparison]) -> list[Comparison]:
        by_exchange = {one.exchange_id: one for one in found}
        showing = shown_by(self._deviations, cases, by_exchange, self._profile)
        return [self._with(one, showing.get(one.exchange_id, ())) for one in found]

    def _with(self, comparison: Comparison, found: Sequence[Found]) -> Comparison:
        kept, comparison = ruled(self._rules, comparison, found)
        return with_differences(comparison, kept)


def _with_errors(comparison: Comparison) -> Comparison:
    """A candidate that gave no response where the baseline did has *errored*, which the ledger counts apart."""
    if any(difference.kind is DifferenceKind.FAILURE for difference in comparison.differences):
        return replace(comparison, status=Status.ERRORED)
    return comparison
