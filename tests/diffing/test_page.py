"""A page as a reader and a script see it: what its fields let choose from."""

from __future__ import annotations

from diffing.page import page_tree

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
