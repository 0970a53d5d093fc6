"""The binomial tail, against exact fractions, and where these are too large for a float."""

from __future__ import annotations

from fractions import Fraction
from math import comb, isclose

import pytest

from diffing.tails import at_least


@pytest.mark.parametrize(
    ("hits", "of", "share"),
    [(1, 1, 0.25), (3, 50, 0.02), (50, 50, 0.5), (2, 12, 0.9), (300, 900, 0.3), (0, 5, 0.1), (6, 5, 0.1), (1, 5, 0.0)],
)
def test_the_chance_of_as_many_hits(hits: int, of: int, share: float) -> None:
    each = Fraction(share)
    exact = sum(comb(of, k) * each**k * (1 - each) ** (of - k) for k in range(hits, of + 1))
    assert isclose(at_least(hits, of, share), exact, rel_tol=1e-9)


def test_thousands_of_trials_are_counted() -> None:
    assert at_least(1000, 5000, 0.02) == 0.0
    assert isclose(at_least(1, 100_000, 1e-5), 1 - (1 - 1e-5) ** 100_000)
    assert at_least(4, 3000, 1.0) == 1.0
