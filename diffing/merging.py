"""Which changes have one cause: the rules that join signatures into findings.

Every rule is deliberately narrow. A cause that shows as two findings costs a reviewer a minute; two causes in one
finding let the second pass unseen with the first one's approval. Changes with different tags never join: what is
approved for one route must not be approved for a stricter one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations, pairwise

from .difference import DifferenceKind
from .evidence import distances_of, laws_of, overlap, pairs_of
from .routes import literal_segments
from .signatures import Change, Signature

Join = tuple[Change, Change]

SAME_EXCHANGES = 0.8  # overlap of exchanges from which two changes are taken to happen together
ELEMENT_LEAVES = 3  # changed leaves from which an element may be another element
MANY_ROUTES = 4  # routes from which a change of even the commonest key is the serializer's
_MAX_COMPARED = 60  # changes that are compared pair by pair in one bucket

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
_REPLACED = frozenset({DifferenceKind.VALUE.value, DifferenceKind.IDENTITY.value})
_ROWS = frozenset({DifferenceKind.LENGTH.value, DifferenceKind.ORDER.value})
_COMMON_KEYS = frozenset(
    "id uuid name title type kind status state value code key label description message error detail data result "
    "results items rows list count total page url link meta user".split()
)
_FIRST_ROW = re.compile(r"^(.*?)\[\*\]")


def join_all(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes of each cause, every rule applied. The order of the groups and in them follows `changes`."""
    parent = {id(change): id(change) for change in changes}

    def find(key: int) -> int:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for tagged in _buckets(changes, lambda change: change.tags):
        for rule in _RULES:
            for first, second in rule(tagged):
                parent[find(id(first))] = find(id(second))
    groups: dict[int, list[Change]] = {}
    for change in changes:
        groups.setdefault(find(id(change)), []).append(change)
    return list(groups.values())


def storms(changes: Sequence[Change]) -> Iterator[Join]:
    """Many routes that turn to 401 (429, 503, no answer at all) in one way: credentials, load or a dead instance."""
    for bucket in _buckets(changes, lambda change: _storm(change.signature)):
        least = _STORMS.get(bucket[0].signature.transition.rpartition(" ")[2], _SILENT_ROUTES)
        if len({change.signature.route for change in bucket}) >= least:
            yield from _chain(bucket)


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
    for bucket in _buckets(changes, _structure):
        signature = bucket[0].signature
        distinct = {(change.signature.method, change.signature.route) for change in bucket}
        if signature.leaf.removesuffix("[*]").lower() not in _COMMON_KEYS or len(distinct) >= MANY_ROUTES:
            yield from _chain(bucket)
            continue
        by_resource: dict[str, list[Change]] = defaultdict(list)
        for change in bucket:
            for name in _resources(change.signature):
                by_resource[name].append(change)
        for related in by_resource.values():
            yield from _chain(related)


def _structure(change: Change) -> Hashable | None:
    signature = change.signature
    if signature.kind == DifferenceKind.MEDIA.value and signature.is_error:
        return signature.part, signature.path, signature.kind, signature.transition
    if signature.kind not in _STRUCTURAL or signature.leaf in ("", "[*]"):
        return None
    if signature.kind == DifferenceKind.IDENTITY.value and signature.leaf == "id":
        return None  # another object is given out: which one is each route's own affair
    return signature.part, signature.leaf, signature.kind, signature.transition, signature.is_error


def _resources(signature: Signature) -> set[str]:
    """What the location speaks of: the route's words and the keys around the leaf, in the singular."""
    keys = re.split(r"[.\[\]*~\"']+", signature.path.removeprefix("$"))[:-1]
    return {_singular(word) for word in (*literal_segments(signature.route), *keys) if word and word != signature.leaf}


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

    for bucket in _buckets(changes, place):
        for lawful in _overlapping_buckets(bucket, laws_of):
            yield from _chain(lawful)
        yield from _sharing_pairs(bucket)


def _sharing_pairs(bucket: Sequence[Change]) -> Iterator[Join]:
    pairs = {id(change): pairs_of(change) for change in bucket}
    compared: set[tuple[int, int]] = set()
    for alike in _overlapping_buckets(bucket, lambda change: pairs[id(change)]):
        for first, second in (
            *combinations(alike[:_MAX_COMPARED], 2),
            *((alike[0], each) for each in alike[_MAX_COMPARED:]),
        ):
            if (id(first), id(second)) in compared:
                continue
            compared.add((id(first), id(second)))
            mine, theirs = pairs[id(first)], pairs[id(second)]
            if 2 * len(mine & theirs) >= min(len(mine), len(theirs)):
                yield first, second


def error_bodies(changes: Sequence[Change]) -> Iterator[Join]:
    """The parts of one route's error body that change together: its shape is another one."""
    for bucket in _buckets(
        changes,
        lambda change: (
            (change.signature.method, change.signature.route, change.signature.answer)
            if change.signature.is_error and change.signature.part == "body"
            else None
        ),
    ):
        yield from _together(bucket)


def replaced_elements(changes: Sequence[Change]) -> Iterator[Join]:
    """R3: most leaves of a row or object changed in the same exchanges: it is another one (page offset, sort order).

    What is optional in the rows then comes and goes in both directions, and the array may have grown or shrunk.
    """
    for bucket in _buckets(changes, lambda change: _at_route(change.signature)):
        for element, members in _elements(bucket).items():
            core = _core(element, members)
            yield from _chain(core)
            rows = [change for change in bucket if _is_rows_of(change.signature, element)]
            if core:
                yield from _chain([*core, *rows])
                yield from _comings_and_goings(core, members)
            elif not _mixed(rows):
                yield from _chain(rows)


def _comings_and_goings(core: Sequence[Change], members: Sequence[Change]) -> Iterator[Join]:
    exchanges = set().union(*(change.exchanges for change in core))
    for first, second in _both_ways(members):
        if overlap(first.exchanges | second.exchanges, exchanges) >= SAME_EXCHANGES:
            yield from ((core[0], first), (core[0], second))


def _elements(bucket: Iterable[Change]) -> dict[str, list[Change]]:
    """Element shape -> the changes below it: the outermost row of an array, or else the object that holds the leaf."""
    elements: dict[str, list[Change]] = defaultdict(list)
    for change in bucket:
        path = change.signature.path
        row = _FIRST_ROW.match(path)
        if row is not None:
            elements[row.group()].append(change)
        elif path.rpartition(".")[0]:
            elements[path.rpartition(".")[0]].append(change)
        if row is None and change.signature.kind in _ROWS:
            elements[path + "[*]"].append(change)
    return elements


def _core(element: str, members: Sequence[Change]) -> list[Change]:
    replaced = [change for change in members if change.signature.kind in _REPLACED and change.signature.path != element]
    if len({change.signature.path for change in replaced}) < ELEMENT_LEAVES:
        return []
    most = max(replaced, key=lambda change: (len(change.exchanges), change.signature))
    core = [change for change in replaced if overlap(change.exchanges, most.exchanges) >= SAME_EXCHANGES]
    if len({change.signature.path for change in core}) < ELEMENT_LEAVES:
        return []
    nested = element not in ("$", "")
    identity = any(change.signature.kind == DifferenceKind.IDENTITY.value for change in core)
    return core if nested or identity or _changed_share(core, most) >= 0.5 else []


def _changed_share(core: Sequence[Change], most: Change) -> float:
    """The share of the leaves of the exchanges that the core changed."""
    changed = sum(1 for change in core for each in change.occurrences if each.exchange_id in most.exchanges)
    return changed / most.leaves if most.leaves else 0.0


def _is_rows_of(signature: Signature, element: str) -> bool:
    """Whether this is a change of which rows the array has, rather than of what is in them."""
    if not element.endswith("[*]"):
        return False
    whole_row = signature.path == element and signature.kind in ("missing", "extra", "identity")
    return whole_row or (signature.path == element.removesuffix("[*]") and signature.kind in _ROWS)


def _mixed(rows: Sequence[Change]) -> bool:
    """Whether rows were added or removed in some exchanges and reordered in others: two causes, for all we know."""
    kinds = {change.signature.kind for change in rows}
    return DifferenceKind.ORDER.value in kinds and len(kinds) > 1


def _both_ways(members: Sequence[Change]) -> Iterator[Join]:
    """Changes at one place that happen in both directions: missing and extra, str -> null and null -> str."""
    by_place: dict[str, list[Change]] = defaultdict(list)
    for change in members:
        if change.signature.kind in ("missing", "extra", "null", "type", "format", "length"):
            by_place[change.signature.path].append(change)
    for changes in by_place.values():
        for first, second in combinations(changes[:_MAX_COMPARED], 2):
            before, _, after = first.signature.transition.partition(" -> ")
            if second.signature.transition == f"{after} -> {before}" or {
                first.signature.kind,
                second.signature.kind,
            } == {"missing", "extra"}:
                yield first, second


def renamed_keys(changes: Sequence[Change]) -> Iterator[Join]:
    """A key that is gone and one that came in the same object with the same value: one renaming."""

    def place(change: Change) -> Hashable | None:
        signature = change.signature
        if signature.kind not in ("missing", "extra") or signature.part != "body":
            return None
        return (*_at_route(signature), signature.path.rpartition(".")[0])

    for bucket in _buckets(changes, place):
        gone = [change for change in bucket if change.signature.kind == "missing"]
        new = [change for change in bucket if change.signature.kind == "extra"]
        for first in gone[:_MAX_COMPARED]:
            before = {(each.exchange_id, repr(each.difference.baseline)) for each in first.occurrences}
            for second in new[:_MAX_COMPARED]:
                after = {(each.exchange_id, repr(each.difference.candidate)) for each in second.occurrences}
                if len(before & after) >= SAME_EXCHANGES * max(len(before), len(after)):
                    yield first, second


def propagated_amounts(changes: Sequence[Change]) -> Iterator[Join]:
    """Numbers of one response that changed by the same amount, or by the sum of two others: a total and its parts."""
    for bucket in _buckets(changes, lambda change: _at_route(change.signature)):
        sums = [
            (change, distances)
            for change in bucket
            if change.signature.kind in ("value", "length") and (distances := distances_of(change))
        ][:12]
        for (first, mine), (second, theirs) in combinations(sums, 2):
            counted = "length" in (first.signature.kind, second.signature.kind)
            equal = sum(
                1 for exchange in mine.keys() & theirs.keys() if _alike(mine[exchange], theirs[exchange], counted)
            )
            if equal and equal >= SAME_EXCHANGES * min(len(first.exchanges), len(second.exchanges)):
                yield first, second
        for (first, a), (second, b), (third, c) in combinations(sums, 3):
            shared = a.keys() & b.keys() & c.keys()
            added = sum(1 for exchange in shared if _adds_up(abs(a[exchange]), abs(b[exchange]), abs(c[exchange])))
            if added and added >= SAME_EXCHANGES * max(len(a), len(b), len(c)):
                yield from ((first, second), (first, third))


def _alike(one: Decimal, other: Decimal, counted: bool) -> bool:
    """Whether two amounts are the same by more than chance; by how many rows an array grew is never chance."""
    return abs(one) == abs(other) and (counted or abs(one) != 1)


def _adds_up(*amounts: Decimal) -> bool:
    largest, *others = sorted(amounts, reverse=True)
    return largest == sum(others)


def _together(bucket: Sequence[Change]) -> Iterator[Join]:
    for first, second in combinations(bucket[:_MAX_COMPARED], 2):
        if overlap(first.exchanges, second.exchanges) >= SAME_EXCHANGES:
            yield first, second


def _at_route(signature: Signature) -> tuple[str, ...]:
    return signature.method, signature.route, signature.answer, signature.part


def _buckets(changes: Iterable[Change], key: Callable[[Change], Hashable | None]) -> Iterator[list[Change]]:
    """The changes that share a key, none for those without one."""
    found: dict[Hashable, list[Change]] = {}
    for change in changes:
        if (name := key(change)) is not None:
            found.setdefault(name, []).append(change)
    yield from found.values()


def _overlapping_buckets(
    changes: Iterable[Change], keys: Callable[[Change], Iterable[Hashable]]
) -> Iterator[list[Change]]:
    """As `_buckets`, for changes that have any number of keys; buckets of one are left out."""
    found: dict[Hashable, list[Change]] = {}
    for change in changes:
        for name in keys(change):
            found.setdefault(name, []).append(change)
    yield from (bucket for bucket in found.values() if len(bucket) > 1)


def _chain(changes: Sequence[Change]) -> Iterator[Join]:
    """Joins all of them."""
    return pairwise(changes)


_RULES: tuple[Callable[[Sequence[Change]], Iterator[Join]], ...] = (
    storms,
    same_structure,
    same_values,
    error_bodies,
    replaced_elements,
    renamed_keys,
    propagated_amounts,
)
