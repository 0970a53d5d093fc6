"""Fisher's exact test, one-sided: is something seen more often on one side than chance would have it?"""

from __future__ import annotations

from math import comb


def more_often(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """The probability of at least `hits` of `of` if both sides had one rate (the hypergeometric tail, Fisher 1922).

    1.0 where one side has no trials. Exact integers throughout: fine for thousands of trials.
    """
    if not of or not other_of:
        return 1.0
    total, marked = of + other_of, hits + other_hits
    ways = sum(comb(marked, k) * comb(total - marked, of - k) for k in range(hits, min(of, marked) + 1))
    return ways / comb(total, of)
