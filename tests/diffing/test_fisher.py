"""Fisher's exact test, against figures that were worked out by hand."""

from __future__ import annotations

from math import isclose

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
