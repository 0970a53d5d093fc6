"""The probability of so many hits or more, summed from the likeliest count down: quick for any number of trials."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, log, log1p

NEGLIGIBLE = 1e-18
"""Share of the largest term below which further terms change no digit of a sum."""


def at_least(hits: int, of: int, share: float) -> float:
    """The probability of at least `hits` of `of` at a probability of `share` each (the binomial tail)."""
    if hits <= 0 or share >= 1.0:
        return 1.0
    if hits > of or share <= 0.0:
        return 0.0
    odds = share / (1.0 - share)
    return tail(
        hits,
        of,
        int((of + 1) * share),
        lambda k: log_choose(of, k) + k * log(share) + (of - k) * log1p(-share),
        lambda k: (of - k) / (k + 1) * odds,
    )


def tail(first: int, last: int, mode: int, log_term: Callable[[int], float], ratio: Callable[[int], float]) -> float:
    """The sum of the terms from `first` to `last`. They rise up to `mode` and fall from there.

    `log_term(k)` is the logarithm of a term, `ratio(k)` the next term over it.
    """
    likeliest = min(max(first, mode), last)
    total = term = 1.0
    for k in range(likeliest, last):
        term *= ratio(k)
        total += term
        if term < NEGLIGIBLE:
            break
    term = 1.0
    for k in range(likeliest - 1, first - 1, -1):
        term /= ratio(k)
        total += term
        if term < NEGLIGIBLE:
            break
    return min(1.0, exp(log_term(likeliest)) * total)


def log_choose(n: int, k: int) -> float:
    """The logarithm of the number of ways to choose `k` of `n`."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
