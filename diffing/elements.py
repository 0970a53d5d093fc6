"""Changes within one response that have one cause: rows that are other rows, keys renamed, amounts carried over."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations

from .difference import DifferenceKind
from .evidence import distances_of, overlap
from .joins import MAX_COMPARED, SAME_EXCHANGES, Join, at_route, buckets, chain
from .signatures import Change, Signature

ELEMENT_LEAVES = 3  # changed leaves from which an element may be another element
_REPLACED = frozenset({DifferenceKind.VALUE.value, DifferenceKind.IDENTITY.value})
_ROWS = frozenset({DifferenceKind.LENGTH.value, DifferenceKind.ORDER.value})
_PAGE_FIGURES = frozenset(
    "total count size length pages page_count total_pages total_count total_items num_results next prev previous"
    " next_page prev_page has_next has_prev has_more next_url prev_url next_cursor cursor last last_page first".split()
)
_FIGURE_KINDS = frozenset({"value", "null", "length", "identity"})
_FIRST_ROW = re.compile(r"^(.*?)\[\*\]")


def replaced_elements(changes: Sequence[Change]) -> Iterator[Join]:
    """R3: most leaves of a row or object changed in the same exchanges: it is another one (page offset, sort order).

    What is optional in the rows then comes and goes in both directions, and the array may have grown or shrunk.
    """
    for bucket in buckets(changes, lambda change: at_route(change.signature)):
        for element, members in _elements(bucket).items():
            core = _core(element, members)
            yield from chain(core)
            rows = [change for change in bucket if _is_rows_of(change.signature, element)]
            if core:
                yield from chain([*core, *rows])
                yield from _comings_and_goings(core, members)
            elif not _mixed(rows):
                yield from chain(rows)


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
    """Whether rows were reordered here and only added, or only removed, there: two causes, for all we know.

    Another order shows on a page as other rows: as many come as go.
    """
    kinds = {change.signature.kind for change in rows}
    if DifferenceKind.ORDER.value not in kinds or len(kinds) == 1:
        return False
    gone = set().union(*(change.exchanges for change in rows if change.signature.kind == "missing"))
    new = set().union(*(change.exchanges for change in rows if change.signature.kind == "extra"))
    return overlap(gone, new) < SAME_EXCHANGES


def page_figures(changes: Sequence[Change]) -> Iterator[Join]:
    """The figures of a page (`total`, `has_next`) that changed with the rows of the array beside them."""
    for bucket in buckets(changes, lambda change: at_route(change.signature)):
        for element, members in _elements(bucket).items():
            rows = [change for change in members if _is_rows_of(change.signature, element)] or _core(element, members)
            beside = element.removesuffix("[*]").rpartition(".")[0]
            exchanges = set().union(*(change.exchanges for change in rows))
            for change in bucket if rows else ():
                path, signature = change.signature.path, change.signature
                inside = path.rpartition(".")[0]
                figure = signature.leaf.lower() in _PAGE_FIGURES and signature.kind in _FIGURE_KINDS
                nested = inside.rpartition(".")[0] == beside and "[*]" not in inside.removeprefix(beside)
                if figure and (inside == beside or nested) and overlap(change.exchanges, exchanges) >= SAME_EXCHANGES:
                    yield rows[0], change


def page_links(changes: Sequence[Change]) -> Iterator[Join]:
    """The `Link` field that leads to another page where the cursor in the body, or what else tells of pages, does."""
    for bucket in buckets(
        changes, lambda change: (change.signature.method, change.signature.route, change.signature.answer)
    ):
        links = [each for each in bucket if each.signature.part == "header" and each.signature.path == "link"]
        figures = [
            each
            for each in bucket
            if each.signature.part == "body"
            and each.signature.leaf.lower() in _PAGE_FIGURES
            and each.signature.kind in _FIGURE_KINDS
        ]
        for link in links:
            for figure in figures[:MAX_COMPARED]:
                if overlap(link.exchanges, figure.exchanges) >= SAME_EXCHANGES:
                    yield link, figure


def _both_ways(members: Sequence[Change]) -> Iterator[Join]:
    """Changes at one place that happen in both directions: missing and extra, str -> null and null -> str."""
    by_place: dict[str, list[Change]] = defaultdict(list)
    for change in members:
        if change.signature.kind in ("missing", "extra", "null", "type", "format", "length"):
            by_place[change.signature.path].append(change)
    for changes in by_place.values():
        for first, second in combinations(changes[:MAX_COMPARED], 2):
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
        return (*at_route(signature), signature.path.rpartition(".")[0])

    for bucket in buckets(changes, place):
        gone = [change for change in bucket if change.signature.kind == "missing"]
        new = [change for change in bucket if change.signature.kind == "extra"]
        for first in gone[:MAX_COMPARED]:
            before = {(each.exchange_id, repr(each.difference.baseline)) for each in first.occurrences}
            for second in new[:MAX_COMPARED]:
                after = {(each.exchange_id, repr(each.difference.candidate)) for each in second.occurrences}
                if len(before & after) >= SAME_EXCHANGES * max(len(before), len(after)):
                    yield first, second


def propagated_amounts(changes: Sequence[Change]) -> Iterator[Join]:
    """Numbers of one response that changed by the same amount, or by the sum of two others: a total and its parts."""
    for bucket in buckets(changes, lambda change: at_route(change.signature)):
        sums = [
            (change, distances)
            for change in bucket
            if _is_counted(change.signature) and (distances := distances_of(change))
        ][:12]
        for (first, mine), (second, theirs) in combinations(sums, 2):
            counted = first.signature.kind != "value" or second.signature.kind != "value"
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


def _is_counted(signature: Signature) -> bool:
    row = signature.kind in ("missing", "extra") and signature.path.endswith("[*]")
    return row or signature.kind in ("value", "length")


def _alike(one: Decimal, other: Decimal, counted: bool) -> bool:
    """Whether two amounts are the same by more than chance; by how many rows an array grew is never chance."""
    return abs(one) == abs(other) and (counted or abs(one) != 1)


def _adds_up(*amounts: Decimal) -> bool:
    largest, *others = sorted(amounts, reverse=True)
    return largest == sum(others)
