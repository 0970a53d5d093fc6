"""Rows put opposite each other, and whether they have changed places."""

from __future__ import annotations

import pytest

from diffing.align import Alignment, align
from diffing.bindings import Renaming
from diffing.knowledge import Scope
from diffing.profile import NoiseProfile, Place

PREFIX = "GET /rows|2xx|"
PROFILE = NoiseProfile(places={f"{PREFIX}$[*].id": Place(sort="row")})


def aligned(old: list[object], new: list[object], **known: str) -> Alignment:
    renaming = Renaming()
    for baseline, candidate in known.items():
        renaming.bind("row", baseline.removeprefix("_"), candidate)
    return align(old, new, "$", Scope(PREFIX, PROFILE, renaming))


def row(number: int, title: str, size: int = 1) -> dict[str, object]:
    return {"id": number, "title": title, "size": size}


OLD: list[object] = [row(1, "a"), row(2, "b", 2), row(3, "c", 3)]


def test_rows_that_nothing_names_yet_stand_opposite_their_like_and_in_order() -> None:
    assert aligned(OLD, [row(7, "a"), row(8, "b", 2), row(9, "c", 3)]) == Alignment([(0, 0), (1, 1), (2, 2)])


def test_rows_that_nothing_names_yet_are_seen_to_change_places() -> None:
    reversed_rows: list[object] = [row(9, "c", 3), row(8, "b", 2), row(7, "a")]
    assert aligned(OLD, reversed_rows) == Alignment([(0, 2), (1, 1), (2, 0)], moved=True)
    swapped: list[object] = [row(7, "a"), row(9, "c", 3), row(8, "b", 2)]
    assert aligned(OLD, swapped) == Alignment([(0, 0), (1, 2), (2, 1)], moved=True)


def test_one_row_with_a_name_and_one_without_are_seen_to_change_places() -> None:
    swapped: list[object] = [row(8, "b", 2), row(7, "a"), row(9, "c", 3)]
    assert aligned(OLD, swapped, _1="7") == Alignment([(0, 1), (1, 0), (2, 2)], moved=True)


@pytest.mark.parametrize(
    "new",
    [
        [row(7, "x", 4), row(8, "x", 5), row(9, "x", 6)],  # nothing in common
        [row(7, "x", 2), row(8, "y", 1), row(9, "z", 3)],  # sizes that only happen to be those of other rows
    ],
)
def test_rows_that_are_hardly_alike_have_not_changed_places(new: list[object]) -> None:
    assert aligned(OLD, new).moved is False


def test_equal_rows_have_no_places_to_change() -> None:
    old: list[object] = [row(1, "a"), row(2, "a")]
    assert aligned(old, [row(8, "a"), row(7, "a")]) == Alignment([(0, 0), (1, 1)])


def test_rows_with_names_change_places_whatever_else_they_hold() -> None:
    new: list[object] = [row(8, "x"), row(7, "y"), row(9, "z")]
    assert aligned(OLD, new, _1="7", _2="8", _3="9") == Alignment([(0, 1), (1, 0), (2, 2)], moved=True)
