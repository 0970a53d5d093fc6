"""A page as a reader and a script see it: what its fields let choose from."""

from __future__ import annotations

import pytest

from diffing.page import MAX_ITEMS, page_tree

FORM = """
<select name="payer"><option value="">nobody</option><option value="7">Ada</option><option value="9">Ben</option>
</select><select name="sort"><option value="name">by name</option></select>
<input name="payed_for" type="checkbox" value="7" checked><input name="payed_for" type="checkbox" value="9">
<input name="agreed" type="checkbox" value="yes"><input name="csrf" type="hidden" value="a1b2c3d4e5">
<form><input name="sender" type="hidden" value="7"></form><form><input name="sender" type="hidden" value="9"></form>
<input name="csrf" type="hidden" value="a1b2c3d4e5"><input name="weight" value="1"><input name="weight" value="2">
<input name="page" type="hidden" value="1">
"""


def test_things_to_choose_from_are_lists_and_words_are_not() -> None:
    assert page_tree(FORM)["input"] == {
        "payer": ["7", "9"],
        "sort": "",
        "payed_for": ["7", "9"],
        "agreed": "yes",
        "csrf": "a1b2c3d4e5",
        "sender": ["7", "9"],
        "weight": "2",
        "page": ["1"],
    }


def test_scripts_within_the_page_are_lines_and_styles_are_not_looked_at() -> None:
    page = "<style>a {}</style><script>\n var a = 1;\n\n</script><script src='/x.js'></script><p>hi</p>"
    tree = page_tree(page)
    assert (tree["script"], tree["text"], tree["link"]) == (["var a = 1;"], ["hi"], ["/x.js"])


def test_what_does_not_fit_is_told_by_a_digest() -> None:
    lines = [f"<p>{number}</p>" for number in range(MAX_ITEMS + 2)]
    one, other = page_tree("".join(lines)), page_tree("".join([*lines[:-1], "<p>x</p>"]))
    assert one["text"] == other["text"]
    assert one["rest"] != other["rest"]
    assert one["rest"] == page_tree("".join(lines))["rest"]


@pytest.mark.parametrize("text", ["<div <a href='" * 9_000, "<!--" * 100_000])
def test_tags_that_are_not_closed_are_given_up(text: str) -> None:
    with pytest.raises(ValueError, match="not closed"):
        page_tree(text)


def test_a_large_image_within_a_tag_is_read() -> None:
    tree = page_tree("<p>a</p><img src='data:image/png;base64," + "A" * 200_000 + "'><p>b</p>")
    assert tree["text"] == ["a", "b"]


def test_how_a_browser_renders_and_reads_a_page_is_part_of_it() -> None:
    tree = page_tree("<!DOCTYPE  html><html lang=en><p>hi</p>")
    assert (tree["doctype"], tree["lang"], tree["text"]) == ("doctype html", "en", ["hi"])
    assert page_tree("<p>hi</p>").keys() & {"doctype", "lang", "script", "rest"} == set()
