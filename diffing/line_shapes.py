"""Which lines of a page or text vary: a footer that says how long it took hides nothing in the lines above it.

All lines of a page stand at one place. What varies there is kept as the shapes of the lines that did: their words,
without numbers, tokens and ages.
"""

from __future__ import annotations

import re

from .ages import without_ages
from .atoms import is_opaque

MAX_SHAPES = 40
"""Shapes of lines at one place above which any line may vary: its texts are made anew each time."""
MAX_LENGTH = 2000
"""Characters of a line that are looked at."""
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_WORD = re.compile(r"[A-Za-z0-9_-]{8,}")


def is_line(key: str) -> bool:
    """Whether a location key is that of the lines of a page or text."""
    return key.endswith(("|$html.text[*]", "|$text[*]"))


def line_shape(text: str) -> str:
    """The words of a line, without what is new each time."""
    words = _WORD.sub(lambda word: "~" if is_opaque(word[0]) else word[0], without_ages(text[:MAX_LENGTH]))
    return " ".join(_NUMBER.sub("#", words).split())
