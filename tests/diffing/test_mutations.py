"""The catalogue of faults: each makes another value of the kind that it promises, or does not apply."""

from __future__ import annotations

import pytest

from diffing.formats import template
from diffing.mutations import GONE, NOTHING, ON_VALUES, Mutation, alike, changed, unseen

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("mutation", "value", "variant", "other"),
    [
        (Mutation.DROP, 5, 0, GONE),
        (Mutation.NULL, 5, 0, None),
        (Mutation.NULL, None, 0, "unexpected"),
        (Mutation.TYPE, 5, 0, "5"),
        (Mutation.TYPE, 1.5, 0, "1.5"),
        (Mutation.TYPE, "17", 0, 17),
        (Mutation.TYPE, "blue", 0, ["blue"]),
        (Mutation.TYPE, True, 0, 1),
        (Mutation.TYPE, [1], 0, {"items": [1]}),
        (Mutation.TYPE, {"a": 1}, 0, [{"a": 1}]),
        (Mutation.TYPE, None, 0, NOTHING),
        (Mutation.NEGATE, 5, 0, -5),
        (Mutation.NEGATE, 0, 0, NOTHING),
        (Mutation.NEGATE, "12.50", 0, "-12.50"),
        (Mutation.SCALE, 5, 0, 500),
        (Mutation.SCALE, 5, 1, 50),
        (Mutation.SCALE, "12.50", 0, "1250.00"),
        (Mutation.SCALE, True, 0, NOTHING),
        (Mutation.STEP, 5, 0, 6),
        (Mutation.STEP, "12.50", 0, "13.50"),
        (Mutation.STEP, "17", 0, NOTHING),
        (Mutation.TEXT, "Blue Mug 10", 0, "Cmvf Nvh 20"),
        (Mutation.TEXT, "ORD-000017", 0, "ORD-000028".replace("ORD", "PSE")),
        (Mutation.TEXT, "2026-01-02T03:04:05Z", 0, NOTHING),
        (Mutation.TEXT, "---", 0, NOTHING),
        (Mutation.TRUNCATE, "abcdef", 0, "abc"),
        (Mutation.TRUNCATE, "abc", 0, NOTHING),
        (Mutation.EMPTY, "abc", 0, ""),
        (Mutation.EMPTY, "", 0, NOTHING),
        (Mutation.FLIP, False, 0, True),
        (Mutation.FLIP, 0, 0, NOTHING),
        (Mutation.TIME_ZONE, "2026-01-02T03:04:05Z", 0, "2026-01-02T05:04:05Z"),
        (Mutation.STALE, "2026-01-02T03:04:05Z", 1, "2026-01-01T03:04:05Z"),
        (Mutation.TIME_FORMAT, "2026-01-02T03:04:05Z", 0, "2026-01-02 03:04:05Z"),
        (Mutation.DROP_ELEMENT, [1, 2, 3], 1, [1, 3]),
        (Mutation.DUPLICATE, [1, 2, 3], 1, [1, 2, 2, 3]),
        (Mutation.REVERSE, [1, 2, 3], 0, [3, 2, 1]),
        (Mutation.REVERSE, [1], 0, NOTHING),
        (Mutation.ADD_ELEMENT, [{"id": 5, "name": "abc", "on": True}], 0,
         [{"id": 5, "name": "abc", "on": True}, {"id": 7924, "name": "bcd", "on": True}]),
        (Mutation.DROP_ELEMENT, [], 0, NOTHING),
        (Mutation.REVERSE, "abc", 0, NOTHING),
    ],
)  # fmt: skip
def test_a_fault_makes_the_value_that_it_promises(
    mutation: Mutation, value: object, variant: int, other: object
) -> None:
    made = changed(mutation, value, variant)
    assert made is other if other in (NOTHING, GONE) else (type(made), made) == (type(other), other)


def test_a_value_is_never_changed_in_place() -> None:
    rows: list[object] = [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}]
    before = repr(rows)
    for mutation in ON_VALUES:
        changed(mutation, rows, 3)
        changed(mutation, rows[0], 3)
    assert repr(rows) == before
    twice = changed(Mutation.DUPLICATE, rows, 0)
    assert isinstance(twice, list)
    assert twice[0] == twice[1]
    assert twice[0] is not twice[1]


@pytest.mark.parametrize(
    "text",
    [
        "4f1c2d3e-0000-4abc-8def-0123456789ab",
        "ORD-000017",
        "INV-00917",
        "0f1e2d3c4b5a6978",
        JWT,
        "/api/orders/17",
        "https://shop.example/api/orders/1790?page=2",
        "Blue Mug",
        "kim@example.com",
    ],
)
def test_another_text_has_the_same_format(text: str) -> None:
    affix = template(text).partition("#")[0]
    for variant in range(20):
        other = alike(text, variant)
        assert other != text
        assert len(other) == len(text)
        assert [c.isalpha() or c.isdigit() for c in other] == [c.isalpha() or c.isdigit() for c in text]
        if "#" not in template(text):
            assert template(other) == template(text)
        else:
            assert template(other).partition("#")[2] == template(text).partition("#")[2]
            assert len(template(other).partition("#")[0]) == len(affix)


def test_a_word_that_was_never_seen_is_written_like_the_others() -> None:
    assert unseen({"paid", "open"}) == "unforeseen"
    assert unseen({"PAID", "OPEN"}) == "UNFORESEEN"
    assert unseen({"Paid", "Open"}) == "Unforeseen"
    assert unseen({"open", "unforeseen"}) == "unforeseenx"
