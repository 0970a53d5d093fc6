"""Who is spoken to in a comment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.mentions import Mentions, Piece

PEOPLE = ("ann", "Ann Lee", "Zoë", "a.b+c", "(x|y)*")
MENTIONS = Mentions(PEOPLE)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@ann", ["ann"]),
        ("@ANN and @zoë.", ["ann", "Zoë"]),
        ("@Ann Lee, @ann", ["Ann Lee", "ann"]),
        ("@ann\nLee", ["Ann Lee"]),
        ("(@ann)", ["ann"]),
        ("@a.b+c: @(x|y)*", ["a.b+c", "(x|y)*"]),
        ("@annette, ann, @ ann, @@ann", []),
        ("bob@ann, /@ann, @ann.example, @ann@host, @ann-b", []),
    ],
)
def test_a_user_is_mentioned_by_name_and_nobody_by_chance(text: str, found: list[str]) -> None:
    assert list(MENTIONS.of(text)) == found


def test_the_pieces_say_which_are_names() -> None:
    assert MENTIONS.pieces("Hi @ann!") == [Piece("Hi "), Piece("@ann", "ann"), Piece("!")]
    assert Mentions(()).pieces("@ann") == [Piece("@ann")]


@given(st.lists(st.sampled_from(("@", "ann", "Lee", " ", "\n", ".", "x", "@ann", "(x|y)*"))).map("".join))
def test_nothing_of_a_text_is_lost(text: str) -> None:
    assert "".join(piece.text for piece in MENTIONS.pieces(text)) == text
