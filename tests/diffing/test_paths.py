"""Which places a path or a pattern names, and which texts are none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffing.paths import covers_path, generalised, has_wildcards, matches_path, parse_pattern, step


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("$.id", "$.id", True),
        ("$.id", "$.ids", False),
        ("$.id", "$.x.id", False),
        ("$.id", "$.id.x", False),
        ("$.items[*].at", "$.items[12].at", True),
        ("$.items[*].at", "$.items[*].at", True),
        ("$.items[*].at", "$.items.at", False),
        ("$.items[3].at", "$.items[3].at", True),
        ("$.items[3].at", "$.items[13].at", False),
        ("$.*", "$.a", True),
        ("$.*", "$['a.b']", True),
        ("$.*", "$.a.b", False),
        ("$.*.at", "$.*.at", True),
        ("$.by.*", "$.by.*~key", False),
        ("$.by.*~key", "$.by.*~key", True),
        ("$.a.**", "$.a", True),
        ("$.a.**", "$.a.b[3]['c d']", True),
        ("$.a.**", "$.ab", False),
        ("$.**.at", "$.x[0].at", True),
        ("$.**.at", "$.x[0].chat", False),
        ("$['a.*b']", "$['a.*b']", True),
        ("$['a.*b']", "$['a.xb']", False),
        ("$['[*]']", "$['[7]']", False),
        ("$", "$", True),
        ("$", "$.a", False),
        ("$html.**", "$html.title", True),
        ("$text[*]", "$text[4]", True),
        ("x-request-id", "x-request-id", True),
        ("x-request-id", "x-request-id-2", False),
        ("set-cookie[sid].value", "set-cookie[sid].value", True),
        ("set-cookie[sid].value", "set-cookie[sidx].value", False),
        ("set-cookie[*].value", "set-cookie[any.name].value", True),
        ("cache-control.max-age", "cache-control.max-age", True),
        ("link[*]", "link[2]", True),
    ],
)
def test_a_pattern_names_exact_places_but_for_its_wildcards(pattern: str, path: str, matches: bool) -> None:
    assert matches_path(pattern, path) is matches


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**", "names every place there is"),
        ("*", "names every place there is"),
        ("", "is no path"),
        ("$$", "is no path"),
        ("$x", "is no path"),
        ("$.a b", "from ' b' on"),
        ("$.a.", "from '.' on"),
        ("$.a**", "from '**' on"),
        ("$.items[].at", "from '[].at' on"),
        ("$.items[-1]", "on: a step is"),
        ("$['open", "on: a step is"),
        ("X-Request-Id", "small letters, x-request-id"),
        ("x-*", "on: a step is"),
        ("accept[gzip]", "on: a step is"),
        (".updated_at", "one in a body begins with"),
    ],
)
def test_what_is_no_place_of_the_notation_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_pattern(text)


@given(st.lists(st.text(max_size=8), max_size=5))
def test_every_path_of_keys_is_a_pattern_that_names_itself(keys: list[str]) -> None:
    path = "$" + "".join(step(key) for key in keys)
    assert matches_path(path, path)


@pytest.mark.parametrize(
    ("wider", "narrower", "covers"),
    [
        ("$.a", "$.a", True),
        ("$.a.**", "$.a.b[*].c", True),
        ("$.a.**", "$.a.**", True),
        ("$.a.*", "$.a.**", False),
        ("$.a[*]", "$.a[3]", True),
        ("$.a[3]", "$.a[*]", False),
        ("$.*.b", "$.a.b", True),
        ("$.a.b", "$.*.b", False),
        ("$.**", "$.**.at", True),
        ("$.**.at", "$.**", False),
    ],
)
def test_which_pattern_covers_another(wider: str, narrower: str, covers: bool) -> None:
    assert covers_path(wider, narrower) is covers


def test_rows_are_one_place_and_keys_are_many() -> None:
    assert [has_wildcards(text) for text in ("$.a[*].b", "$.a.*", "$.**", "$['*']")] == [False, True, True, False]
    assert generalised("$.a[3].b[12]") == "$.a[*].b[*]"
