"""Fisher's exact test, against figures that were worked out by hand."""

from __future__ import annotations

from math import comb, isclose

import pytest

from diffing.fisher import more_often


@pytest.mark.parametrize(
    ("hits", "of", "other_hits", "other_of", "chance"),
    [
        (3, 3, 0, 3, 1 / 20),  # one arrangement of C(6, 3)
        (2, 2, 0, 4, 1 / 15),
        (3, 4, 1, 4, 17 / 70),  # the lady tasting tea
        (4, 4, 0, 4, 1 / 70),
        (0, 5, 0, 5, 1.0),
        (2, 5, 5, 5, 1.0),
        (3, 3, 0, 0, 1.0),
        (0, 0, 3, 3, 1.0),
    ],
)
def test_the_chance_of_as_many_hits(hits: int, of: int, other_hits: int, other_of: int, chance: float) -> None:
    assert isclose(more_often(hits, of, other_hits, other_of), chance)


def test_large_counts_are_exact_and_quick() -> None:
    assert more_often(900, 1000, 100, 1000) < 1e-200
    assert 0.4 < more_often(500, 1000, 500, 1000) < 0.6


@pytest.mark.parametrize("counts", [(30, 50, 20, 70), (1, 9, 300, 400), (40, 41, 41, 41), (700, 1500, 690, 1600)])
def test_the_tail_is_that_of_exact_integers(counts: tuple[int, int, int, int]) -> None:
    hits, of, other_hits, other_of = counts
    total, marked = of + other_of, hits + other_hits
    ways = sum(comb(marked, k) * comb(total - marked, of - k) for k in range(hits, min(of, marked) + 1))
    assert isclose(more_often(*counts), ways / comb(total, of), rel_tol=1e-9)


def test_a_million_trials_are_counted() -> None:
    assert 0.0 < more_often(250_400, 500_000, 250_000, 500_000) < 0.5
    assert more_often(500_000, 500_000, 0, 500_000) == 0.0
