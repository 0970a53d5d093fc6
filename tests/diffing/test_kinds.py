"""The kinds that noise rules name: which fits a set of values best, and which hides what another does."""

from __future__ import annotations

import pytest

from diffing.kinds import KINDS, covers_kind, is_of_kind, narrowest_kind

VALUES: tuple[object, ...] = (
    None,
    True,
    7,
    1_700_000_000,
    0.5,
    "",
    "a word",
    "12",
    "2026-01-01T00:00:00Z",
    "0b9e2a56-7d0a-4b53-9f51-2f4f7a3bb1d2",
    "a@b.example",
    "/a/b",
    "deadbeef01",
    "x7Gq_kP2mZ9tR4wL8vB1nC5d",
    [],
    {},
)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([7, 12], "int"),
        ([7, 0.5], "number"),
        ([1_700_000_000, 1_700_000_001], "timestamp"),
        (["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"], "timestamp"),
        (["deadbeef01", "00ff00ff00"], "hex"),
        (["deadbeef01", "a word"], "token"),
        (["", "a word"], "str"),
        ([None], "null"),
        ([[1], []], "array"),
        ([7, None], ""),
        ([7, "7"], "number"),
        ([True, False], "bool"),
        ([], ""),
    ],
)
def test_the_narrowest_kind_that_fits_all(values: list[object], kind: str) -> None:
    assert narrowest_kind(values) == kind


@pytest.mark.parametrize("wider", sorted(KINDS))
def test_a_kind_that_covers_another_is_the_kind_of_all_its_values(wider: str) -> None:
    for narrower in KINDS:
        if covers_kind(wider, narrower):
            assert [value for value in VALUES if is_of_kind(value, narrower) and not is_of_kind(value, wider)] == []


def test_no_kind_covers_no_other_and_any_covers_all() -> None:
    assert [kind for kind in KINDS if covers_kind("", kind)] == []
    assert {kind for kind in KINDS if covers_kind("any", kind)} == KINDS
    assert covers_kind("", "")
    assert covers_kind("any", "")
    assert not covers_kind("str", "")
