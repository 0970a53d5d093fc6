"""Fisher's exact test, one-sided: is something seen more often on one side than chance would have it?"""

from __future__ import annotations

from .tails import log_choose, tail


def more_often(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """The probability of at least `hits` of `of` if both sides had one rate (the hypergeometric tail, Fisher 1922).

    1.0 where one side has no trials.
    """
    if not of or not other_of:
        return 1.0
    total, marked = of + other_of, hits + other_hits
    first, last = max(hits, marked - other_of), min(of, marked)
    return tail(
        first,
        last,
        (of + 1) * (marked + 1) // (total + 2),
        lambda k: log_choose(marked, k) + log_choose(total - marked, of - k) - log_choose(total, of),
        lambda k: (marked - k) * (of - k) / ((k + 1) * (total - marked - of + k + 1)),
    )
