"""Formats learned from a location's values: narrow enough to catch a change, never narrower than the evidence."""

from __future__ import annotations

import random

import pytest

from diffing.formats import join


@pytest.mark.parametrize(
    ("learned", "fits", "not_fits"),
    [
        ({"ORD-000017", "ORD-000018"}, ["ORD-000999"], ["ORD-17", "NR-000017", "000017"]),
        ({"2024-01-01T00:00:00Z", "2024-01-02T00:00:00.5Z"}, ["2025-12-31T23:59:59Z"], ["2025-12-31", "1700000000"]),
        ({"a3f0c1d2e4b5a6f7", "00ff00ff00ff00ff"}, ["abcdefabcdefabcd"], ["abc", "a3f0c1d2e4b5a6f7a3f0"]),
        ({"http://h/orders/1", "http://h/orders/22"}, ["http://h/orders/333"], ["/orders/1", "https://h/orders/1"]),
        ({"web-1", "web-2"}, ["web-13"], ["db-1"]),
        ({"a sentence of words", "and one more"}, ["something else"], ["x" * 80]),
        ({"7"}, ["12", "1a"], []),
    ],
)
def test_a_format_admits_its_own_kind_only(learned: set[str], fits: list[str], not_fits: list[str]) -> None:
    found = join(learned)
    assert found is not None
    assert [text for text in fits if not found.admits(text)] == []
    assert [text for text in not_fits if found.admits(text)] == []


def test_hexadecimal_codes_that_happen_to_be_letters_are_no_change_of_format() -> None:
    chance = random.Random(3)
    for _ in range(300):
        learned = {f"{chance.getrandbits(32):08x}" for _ in range(chance.randrange(2, 12))}
        found = join(learned)
        assert found is not None
        assert found.admits(f"{chance.getrandbits(32):08x}"), learned


def test_no_values_have_no_format() -> None:
    assert join(set()) is None


def test_an_address_keeps_its_segments_and_about_its_length() -> None:
    learned = join({f"/api/shared/{number:012x}" for number in range(10**11, 10**11 + 20)})
    assert learned is not None
    assert learned.admits("/api/shared/0123456789ab")
    assert not learned.admits("/api/shared/")
    assert not learned.admits("/api/shared/01")
    assert not learned.admits("/api/shared/" + "0" * 40)


def test_a_code_whose_letters_have_their_places_is_no_digest() -> None:
    codes = join(
        {f"{letter}{number}DE" for letter, number in zip("ABCDEFAB", range(100200, 900000, 97531), strict=False)}
    )
    assert codes is not None
    assert codes.admits("H529370DE")
    digests = join({"3f9a61c2", "b04c77e1", "1d5e90aa", "77c2b3f8", "e61f0c44", "90ab12cd"})
    assert digests is not None
    assert not digests.admits("h0529xyz")
