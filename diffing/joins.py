"""What the rules that join changes are made of."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import pairwise

from .signatures import Change, Signature

Join = tuple[Change, Change]

SAME_EXCHANGES = 0.8  # overlap of exchanges from which two changes are taken to happen together
MAX_COMPARED = 60  # changes that are compared pair by pair in one bucket


def at_route(signature: Signature) -> tuple[str, ...]:
    """What the changes of one part of one route's answers of one class share."""
    return signature.method, signature.route, signature.answer, signature.part


def buckets(changes: Iterable[Change], key: Callable[[Change], Hashable | None]) -> Iterator[list[Change]]:
    """The changes that share a key, none for those without one."""
    found: dict[Hashable, list[Change]] = {}
    for change in changes:
        if (name := key(change)) is not None:
            found.setdefault(name, []).append(change)
    yield from found.values()


def overlapping_buckets(
    changes: Iterable[Change], keys: Callable[[Change], Iterable[Hashable]]
) -> Iterator[list[Change]]:
    """As `buckets`, for changes that have any number of keys; buckets of one are left out."""
    found: dict[Hashable, list[Change]] = {}
    for change in changes:
        for name in keys(change):
            found.setdefault(name, []).append(change)
    yield from (bucket for bucket in found.values() if len(bucket) > 1)


def chain(changes: Sequence[Change]) -> Iterator[Join]:
    """Joins all of them."""
    return pairwise(changes)
