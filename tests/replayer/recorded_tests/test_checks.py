"""What exported tests compare with: equal in value and in type, and a message that says where not."""

from __future__ import annotations

import pytest

from replayer.recorded_tests.copied.checks import (
    AnyOrder,
    Each,
    Fields,
    Like,
    Rows,
    Some,
    exactly,
    explained,
    including,
    page_lines,
    parsed_cookies,
)


@pytest.mark.parametrize(
    ("expected", "equal", "other"),
    [
        (1, 1, 1.0),
        (1, 1, True),
        (0, 0, False),
        ({"a": [1]}, {"a": [1]}, {"a": [1, 2]}),
        ({"a": 1}, {"a": 1}, {"a": 1, "b": 2}),
        ({"a": None}, {"a": None}, {}),
        (Like(r"[0-9a-f]{4}"), "12ab", "12abc"),
        (Like(r"\d+"), "12", 12),
        (Some(int), 7, True),
        (Some(str, None), None, 7),
        (Fields({"a": 1}, at_times={"b": 2}), {"a": 1}, {"a": 1, "c": 2}),
        (Fields({"a": 1}, at_times={"b": 2}), {"a": 1, "b": 2}, {"a": 1, "b": 3}),
        (Each({"id": Some(int)}), [{"id": 1}, {"id": 2}], [{"id": "1"}]),
        (Each(1, least=2), [1, 1], [1]),
        (AnyOrder([1, 2]), [2, 1], [2, 2]),
        (Rows(3, first=[{"id": 1}], last=[{"id": 3}]), [{"id": 1}, {"id": 9}, {"id": 3}], [{"id": 1}, {}, {"id": 3}]),
        (
            Rows(3, first=[{"id": 1}], keys=("id", [1, 2, 3])),
            [{"id": 1}, {"id": 2}, {"id": 3}],
            [{"id": 1}, {"id": 3}, {"id": 2}],
        ),
    ],
)
def test_one_is_equal_and_another_is_not(expected: object, equal: object, other: object) -> None:
    assert equal == exactly(expected)
    assert other != exactly(expected)


def test_a_difference_is_told_by_its_place_and_both_values() -> None:
    assert explained({"total": 4, "tip": "read"}, exactly({"total": 3, "tip": Like("read|lend")})) == [
        "the answer is another than the recorded one (- recorded, + now)",
        "  $.total",
        "-     3",
        "+     4",
    ]


def test_only_so_many_lines_are_told() -> None:
    lines = explained(list(range(100)), exactly(list(range(1, 101))))
    assert lines is not None
    assert len(lines) == 42
    assert lines[-1] == "  … and 260 lines more"


def test_headers_that_nobody_asserts_may_be_there() -> None:
    assert including({"A": "1"}) == {"A": "1", "B": "2"}
    assert explained({"B": "2"}, including({"A": "1"})) == [
        "the answer is another than the recorded one (- recorded, + now)",
        "  A",
        "-     '1'",
        "+     None",
    ]


def test_cookies_are_compared_with_their_attributes() -> None:
    assert parsed_cookies(["sid=1; HttpOnly; Path=/; Expires=Fri, 27 Nov 2026 10:00:00 GMT"]) == {
        "sid": {"value": "1", "HttpOnly": True, "Path": "/"}
    }


def test_a_page_is_what_it_says_and_where_it_leads() -> None:
    page = '<title>Shelf</title><script>x()</script><a href="/a">A  b</a><input name="q" value="1">'
    assert page_lines(page) == ["Shelf", "a -> /a", "A b", "input q=1"]
