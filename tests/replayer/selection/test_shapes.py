from __future__ import annotations

import pytest

from replayer.selection.shapes import MAX_KEYS, Shapes, form_names, parsed, size_class


@pytest.fixture
def shapes() -> Shapes:
    return Shapes()


def test_values_make_no_shape_and_fields_types_and_nulls_do(shapes: Shapes) -> None:
    first = shapes.of_json({"id": 1, "name": "a", "rows": [{"x": 1.5}]})
    assert shapes.of_json({"id": 2, "name": "b", "rows": [{"x": 2}, {"x": 3}]}) == first
    others = [
        {"id": "1", "name": "a", "rows": [{"x": 1}]},
        {"id": 1, "name": None, "rows": [{"x": 1}]},
        {"id": 1, "name": "a", "rows": []},
        {"id": 1, "name": "a", "rows": [{"x": 1}, {"x": None}]},
        {"id": 1, "name": "a"},
        {"id": True, "name": "a", "rows": [{"x": 1}]},
    ]
    assert len({first, *map(shapes.of_json, others)}) == 1 + len(others)


def test_the_order_of_keys_and_rows_makes_no_shape(shapes: Shapes) -> None:
    one = {"a": 1, "b": [{"x": 1}, {"y": 1}]}
    assert shapes.of_json(one) == shapes.of_json({"b": [{"y": 2}, {"x": 2}, {"y": 3}], "a": 2})


def test_keys_that_are_values_are_one(shapes: Shapes) -> None:
    first = shapes.of_json({"17": {"x": 1}, "2024-05-01": {"x": 1}})
    assert shapes.of_json({"4": {"x": 1}, "someone@mail.example": {"x": 2}}) == first
    wide = [{f"word{letter * 3}": 1 for letter in "abcdefghij"} | {f"k{chr(97 + n % 26)}{n}": 1 for n in range(size)}
            for size in (MAX_KEYS + 5, MAX_KEYS + 50)]  # fmt: skip
    assert shapes.of_json(wide[0]) == shapes.of_json(wide[1])


def test_facts_of_a_body(shapes: Shapes) -> None:
    number = shapes.of_json({"rows": [{"a": None}, {"a": "x"}]})
    assert shapes.facts[number] == {
        ("", "object"),
        (".rows", "array"),
        (".rows[*]", "object"),
        (".rows[*].a", "null"),
        (".rows[*].a", "string"),
    }


def test_depth_and_number_are_bounded(shapes: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    deep: object = 1
    for _ in range(10_000):
        deep = [deep]
    assert shapes.of_json(deep) == shapes.of_json([deep])
    monkeypatch.setattr("replayer.selection.shapes.MAX_SHAPES", len(shapes.facts) + 3)
    assert len({shapes.of_json({f"key{letter}": 1}) for letter in "abcdefgh"}) < 8
    assert len(shapes.facts) <= 80


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"a": 1}, 0),
        ([], 1),
        ({"items": []}, 1),
        ({"items": [1]}, 2),
        ([1, 2], 3),
        ({"data": {"rows": [1] * 9}}, 4),
        ([[1] * 50] * 3, 4),
        ([1] * 10, 5),
    ],
)
def test_size_classes(value: object, size: int) -> None:
    assert size_class(value) == size


def test_what_is_no_json_is_not_parsed() -> None:
    assert [parsed(data) for data in (b"", b"<html>", b"{broken", b"17", b' {"a": 1}')] == [None] * 4 + [{"a": 1}]


def test_names_of_a_query() -> None:
    assert form_names(b"b=1&a=&b=2&%C3%A4=3") == ["a", "b", "\xe4"]
