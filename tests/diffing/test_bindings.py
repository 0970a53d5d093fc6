"""A renaming: one-to-one per sort, and what it explains in running text."""

from __future__ import annotations

import pytest

from diffing.bindings import Renaming


def bound(**sorts: dict[str, str]) -> Renaming:
    renaming = Renaming()
    for sort, names in sorts.items():
        for a, b in names.items():
            assert renaming.bind(sort, a, b) == ""
    return renaming


def test_a_sort_is_one_to_one_and_knows_nothing_of_the_others() -> None:
    renaming = bound(order={"17": "58"}, user={"17": "31"})
    assert renaming.bind("order", "17", "58") == ""
    assert renaming.bind("order", "17", "59") == "is not the value that stood for it before"
    assert renaming.bind("order", "18", "58") == "stands for another value already"
    assert renaming.image("user", "17") == "31"


@pytest.mark.parametrize(
    ("a", "b", "explained"),
    [
        ("ORD-000171 is paid.", "ORD-006703 is paid.", True),
        ('attachment; filename="INV-171.csv"', 'attachment; filename="INV-6703.csv"', True),
        ("ORD-000171 is paid.", "ORD-006703 is void.", False),
        ("ORD-000171 is paid.", "ORD-006704 is paid.", False),
        ("ORD-000171", "ORD-6703", False),
        ("171 of 171", "6703 of 171", True),
        ("17 items", "58 items", False),
        ("same", "same", False),
        ("", "171", False),
    ],
)
def test_a_text_is_explained_by_names_that_are_known(a: str, b: str, explained: bool) -> None:
    renaming = bound(order={"171": "6703", "17": "58"})
    assert renaming.explains(a, b) is explained


def test_a_name_with_a_number_in_it_is_known_by_that_number() -> None:
    renaming = Renaming()
    renaming.bind("customer", "7", "9")
    assert renaming.names("7", "9")
    assert renaming.names("customer-7-1", "customer-9-1")
    assert not renaming.names("customer-7-1", "customer-8-1")
    assert not renaming.names("customer-7-1", "customer-9-2")
    assert not renaming.names("customer-7-1", "customer-9")
