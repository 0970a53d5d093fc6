"""Who is spoken to in a comment: `@` and the name of a user, whatever stands around it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a comment. `user` is who is meant by it; "" for words."""

    text: str
    user: str = ""


class Mentions:
    """Finds users in texts. The longest name counts, letters' case does not, and an e-mail address mentions nobody."""

    def __init__(self, users: Iterable[str]) -> None:
        self._known = {name.casefold(): name for name in users}
        names = "|".join(map(_pattern, sorted(self._known.values(), key=len, reverse=True)))
        self._mention = re.compile(rf"(?<![\w@.+/-])@({names})(?!\w|[-.@]\w)", re.IGNORECASE) if names else None

    def pieces(self, text: str) -> list[Piece]:
        """The text in pieces, in order; together they are the text."""
        found: list[Piece] = []
        end = 0
        for match in self._mention.finditer(text) if self._mention else ():
            user = self._known.get(" ".join(match[1].split()).casefold(), "")
            found += [Piece(text[end : match.start()]), Piece(match[0], user)]
            end = match.end()
        return [piece for piece in (*found, Piece(text[end:])) if piece.text]

    def of(self, text: str) -> tuple[str, ...]:
        """The users that a text mentions, each once, in its order."""
        return tuple(dict.fromkeys(piece.user for piece in self.pieces(text) if piece.user))


def _pattern(name: str) -> str:
    """A name as it may be written: a line may end between its words."""
    return r"\s".join(map(re.escape, name.split()))
