"""Finding the secrets in a text: what stands under a secret name, and what shows by its own shape.

The scanners of this package only find; an `Atoms` says what becomes of what they find. The redactor answers with a
pseudonym, identification notes the value and gives it back unchanged. Scanners splice: whatever is not an atom stays
as it was written.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Protocol

from .pseudonyms import CARD, is_card_number
from .secret_names import SecretNames

MAXIMUM_DEPTH = 4  # texts within texts: JSON in a form in JSON …
_PACE_EVERY = 65_536  # characters of work, about half a millisecond, between two chances for other threads

JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*", re.ASCII)
"""A JSON Web Token in compact form (RFC 7519): its header begins with `{"`, which is `eyJ` in base64."""


class Unreadable(Exception):
    """This content cannot be searched for secrets, so it must not be kept in clear."""


class Atoms(Protocol):
    """Who is told of each secret found."""

    names: SecretNames

    def secret(self, name: str, value: str) -> str:
        """What to write in place of a secret `value` that stood under `name` ("" when its shape gave it away)."""

    def blob(self, value: str, new: str) -> str:
        """What to write in place of an encoded text whose secret part was replaced, which made it `new`."""


TextScanner = Callable[[str, Atoms, int], str]


class Pace:
    """Lets other threads run between slices of a long piece of work: the recorder is a guest in its process."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = _PACE_EVERY

    def at(self, position: int) -> None:
        if position >= self._next:
            self._next = position + _PACE_EVERY
            time.sleep(0)


def shaped(text: str, atoms: Atoms) -> str:
    """Secrets that need no name: JSON Web Tokens and payment card numbers."""
    if "eyJ" in text:
        text = JWT.sub(lambda match: atoms.secret("", match[0]), text)
    if len(text) >= 13 and CARD.search(text):
        text = CARD.sub(lambda match: atoms.secret("", match[0]) if is_card_number(match[0]) else match[0], text)
    return text


def as_text(wire: str) -> str:
    """A header's or target's characters (one per byte) as UTF-8 where they are that; `as_wire` gives them back."""
    if wire.isascii():
        return wire
    return wire.encode("latin-1").decode("utf-8", "surrogateescape")


def as_wire(text: str) -> str:
    """The reverse of `as_text`."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
