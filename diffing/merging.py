"""Which changes have one cause: the rules that join signatures into findings.

Every rule is deliberately narrow. A cause that shows as two findings costs a reviewer a minute; two causes in one
finding let the second pass unseen with the first one's approval. Changes with different tags never join: what is
approved for one route must not be approved for a stricter one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import combinations

from .difference import DifferenceKind, Part
from .elements import page_figures, page_links, propagated_amounts, renamed_keys, replaced_elements
from .evidence import laws_of, overlap, pairs_of
from .joins import MAX_COMPARED, SAME_EXCHANGES, Join, at_route, buckets, chain, overlapping_buckets
from .routes import literal_segments
from .signatures import Change, Signature
from .sql_growth import GONE

MANY_ROUTES = 4  # routes from which a change of even the commonest key is the serializer's

# Statuses that speak of credentials, load or the deployment rather than of one route: routes -> one cause.
_STORMS = {"401": 2, "407": 2, "429": 3, "unavailable": 3, "403": MANY_ROUTES}
_SILENT_ROUTES = 3

_STRUCTURAL = frozenset(
    kind.value
    for kind in (
        DifferenceKind.MISSING,
        DifferenceKind.EXTRA,
        DifferenceKind.TYPE,
        DifferenceKind.NULL,
        DifferenceKind.FORMAT,
        DifferenceKind.IDENTITY,
    )
)
_COMMON_KEYS = frozenset(
    "id uuid name title type kind status state value code key label description message error detail data result "
    "results items rows list count total page url link meta user".split()
)


def join_all(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes of each cause, every rule applied. The order of the groups and in them follows `changes`."""
    parent = {id(change): id(change) for change in changes}

    def find(key: int) -> int:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for tagged in buckets(changes, lambda change: change.tags):
        answered = [change for change in tagged if change.signature.part != Part.SQL.value]
        statements = [change for change in tagged if change.signature.part == Part.SQL.value]
        for first, second in (
            *(join for rule in _RULES for join in rule(answered)),
            *same_statement(statements),
            *lost_writes(statements),
        ):
            parent[find(id(first))] = find(id(second))
    groups: dict[int, list[Change]] = {}
    for change in changes:
        groups.setdefault(find(id(change)), []).append(change)
    return list(groups.values())


def storms(changes: Sequence[Change]) -> Iterator[Join]:
    """Many routes that turn to 401 (429, 503, no answer at all) in one way: credentials, load or a dead instance."""
    for bucket in buckets(changes, lambda change: _storm(change.signature)):
        least = _STORMS.get(bucket[0].signature.transition.rpartition(" ")[2], _SILENT_ROUTES)
        if len({change.signature.route for change in bucket}) >= least:
            yield from chain(bucket)


def _storm(signature: Signature) -> Hashable | None:
    if signature.kind == DifferenceKind.FAILURE.value:
        return signature.kind, signature.transition
    source, _, goal = signature.transition.rpartition(" -> ")
    if signature.kind == DifferenceKind.STATUS.value and goal in _STORMS and source in ("2xx", "3xx"):
        return signature.kind, goal
    return None


def same_structure(changes: Sequence[Change]) -> Iterator[Join]:
    """R2: the same key changed its structure in the same way on several routes: the serializer, or a header's source.

    A key so common that two causes may well touch it (`id`, `name`, `status`) joins only where the routes speak of
    the same resource, or where many routes are concerned.
    """
    for bucket in buckets(changes, _structure):
        signature = bucket[0].signature
        distinct = {(change.signature.method, change.signature.route) for change in bucket}
        if signature.leaf.removesuffix("[*]").lower() not in _COMMON_KEYS or len(distinct) >= MANY_ROUTES:
            yield from chain(bucket)
            continue
        by_resource: dict[str, list[Change]] = defaultdict(list)
        for change in bucket:
            for name in _resources(change.signature):
                by_resource[name].append(change)
        for related in by_resource.values():
            yield from chain(related)


def _structure(change: Change) -> Hashable | None:
    signature = change.signature
    if signature.kind == DifferenceKind.MEDIA.value and signature.is_error:
        return signature.part, signature.path, signature.kind, signature.transition
    if signature.kind not in _STRUCTURAL or signature.leaf == "":
        return None
    if signature.leaf.endswith("[*]") and signature.kind in (DifferenceKind.MISSING.value, DifferenceKind.EXTRA.value):
        return None  # rows that come and go are each listing's own affair, whatever it calls them
    if signature.kind == DifferenceKind.IDENTITY.value and signature.leaf == "id":
        return None  # another object is given out: which one is each route's own affair
    # a header that answers and refusals carry alike is set in one place; their bodies are made in two
    apart = signature.is_error and signature.part != Part.HEADER.value
    return signature.part, signature.leaf, signature.kind, signature.transition, apart


def _resources(signature: Signature) -> set[str]:
    """What the location speaks of: the route's words and the keys around the leaf, in the singular."""
    keys = re.split(r"[.\[\]*~\"']+", signature.path.removeprefix("$"))[:-1]
    words = (*literal_segments(signature.route), *(key for key in keys if key not in _COMMON_KEYS))
    return {_singular(word) for word in words if word and word != signature.leaf}


def _singular(word: str) -> str:
    word = word.lower()
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def same_values(changes: Sequence[Change]) -> Iterator[Join]:
    """R2 for values: the same key on several routes, and the same values became the same others, or by the same law."""

    def place(change: Change) -> Hashable | None:
        signature = change.signature
        if signature.kind not in (DifferenceKind.VALUE.value, DifferenceKind.FORMAT.value):
            return None
        return signature.part, signature.leaf, signature.kind, signature.transition, signature.is_error

    for bucket in buckets(changes, place):
        for lawful in overlapping_buckets(bucket, laws_of):
            yield from chain(lawful)
        yield from _sharing_pairs(bucket)


def _sharing_pairs(bucket: Sequence[Change]) -> Iterator[Join]:
    pairs = {id(change): pairs_of(change) for change in bucket}
    compared: set[tuple[int, int]] = set()
    for alike in overlapping_buckets(bucket, lambda change: pairs[id(change)]):
        for first, second in (
            *combinations(alike[:MAX_COMPARED], 2),
            *((alike[0], each) for each in alike[MAX_COMPARED:]),
        ):
            if (id(first), id(second)) in compared:
                continue
            compared.add((id(first), id(second)))
            mine, theirs = pairs[id(first)], pairs[id(second)]
            if 2 * len(mine & theirs) >= min(len(mine), len(theirs)):
                yield first, second


def error_bodies(changes: Sequence[Change]) -> Iterator[Join]:
    """The parts of one route's error body that change together: its shape is another one."""
    for bucket in buckets(
        changes,
        lambda change: (
            (change.signature.method, change.signature.route, change.signature.answer)
            if change.signature.is_error and change.signature.part == "body"
            else None
        ),
    ):
        yield from _together(bucket)


def one_header(changes: Sequence[Change]) -> Iterator[Join]:
    """The words of one field (`public, max-age=300`) that change together: its value is written in one place.

    Not those of a cookie: each of its flags protects from something else.
    """

    def field(change: Change) -> Hashable | None:
        name, dot, _ = change.signature.path.partition(".")
        is_field = change.signature.part == Part.HEADER.value and dot and not name.startswith("set-cookie")
        return (*at_route(change.signature), name) if is_field else None

    for bucket in buckets(changes, field):
        yield from _together(bucket)


def one_file(changes: Sequence[Change]) -> Iterator[Join]:
    """Size and digest of a binary body: another size is another digest."""

    def body(change: Change) -> Hashable | None:
        signature = change.signature
        return at_route(signature) if signature.part == "body" and signature.path in ("$.size", "$.digest") else None

    for bucket in buckets(changes, body):
        yield from _together(bucket)


def _together(bucket: Sequence[Change]) -> Iterator[Join]:
    for first, second in combinations(bucket[:MAX_COMPARED], 2):
        if overlap(first.exchanges, second.exchanges) >= SAME_EXCHANGES:
            yield first, second


def lost_writes(changes: Sequence[Change]) -> Iterator[Join]:
    """Writes that one route ran in the same exchanges, and now runs no more: what wrote them is passed over."""
    for bucket in buckets(
        changes, lambda change: at_route(change.signature) if change.signature.transition == GONE else None
    ):
        yield from _together(bucket)


def same_statement(changes: Sequence[Change]) -> Iterator[Join]:
    """One statement that many routes run more often now: the model's doing. On a few it may be each one's own.

    No other rule looks at statements: their counts are small numbers, which agree by chance, and two N+1s on one route
    have two causes.
    """
    for bucket in buckets(changes, lambda change: (change.signature.path, change.signature.transition)):
        if len({(change.signature.method, change.signature.route) for change in bucket}) >= MANY_ROUTES:
            yield from chain(bucket)


_RULES: tuple[Callable[[Sequence[Change]], Iterator[Join]], ...] = (
    storms,
    same_structure,
    same_values,
    error_bodies,
    one_header,
    one_file,
    replaced_elements,
    page_figures,
    page_links,
    renamed_keys,
    propagated_amounts,
)
