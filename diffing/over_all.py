"""Runs without any difference in a single exchange, held to the spreads of the baseline's values: what shows over all.

The tests are those that a candidate is put to, at the same level of chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .difference import Case, Comparison
from .distributions import find_deviations, shown_by, with_differences
from .noise import NoiseRule, ruled
from .profile import NoiseProfile


class OverAll:
    """Looks at runs that differ from one another in one route; `right` are the comparisons of that without faults."""

    def __init__(
        self, cases: Sequence[Case], right: Sequence[Comparison], profile: NoiseProfile, rules: Sequence[NoiseRule]
    ) -> None:
        self._right = {comparison.exchange_id: comparison for comparison in right}
        self._profile = profile
        self._rules = rules
        self._usual = frozenset(find_deviations(cases, self._right, profile))

    def could_tell(self, prefix: str) -> bool:
        """Whether anything is known of the spread of some value of a route and status class."""
        return any(key.startswith(prefix) for key in self._profile.spreads)

    def showing(self, run: Sequence[Case]) -> Iterator[Comparison]:
        """The exchanges of a run, or of whole routes of it, that show how it is spread otherwise, the rules applied."""
        new = [each for each in find_deviations(run, self._right, self._profile) if each not in self._usual]
        showing = shown_by(new, run, self._right, self._profile) if new else {}
        for exchange_id, found in showing.items():
            kept, comparison = ruled(self._rules, self._right[exchange_id], found)
            yield with_differences(comparison, kept)
