"""Secrets that were found in one place of an exchange and stand in another where nothing names them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from .pseudonyms import NUMBER
from .remembered import Remembered
from .secret_names import split_words

_SHORTEST_WHOLE = 6  # characters: a shorter value equals too many others by chance
_SHORTEST_ANYWHERE = 8  # characters of a value that is replaced within longer text as well
_SHORTEST_NUMBER = 13  # digits, as many as a payment card's number has at least
_SHORTEST_WORD = 20  # characters of one that is letters only: longer than words and names are
_MANY = 64  # secrets looked for one by one; of more, whole words of the text are looked up instead
_WORDS = re.compile(r"[A-Za-z0-9_\-.~+/=%]{6,}", re.ASCII)

_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]+", re.ASCII)

_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda value: value,
    lambda value: quote(value, safe="", errors="surrogateescape"),
    lambda value: quote(value, errors="surrogateescape"),
    lambda value: quote_plus(value, errors="surrogateescape"),
    lambda value: re.sub("%..", lambda m: m[0].lower(), quote(value, safe="", errors="surrogateescape")),
    lambda value: json.dumps(value)[1:-1],
    lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    html.escape,
)


class Spelled(NamedTuple):
    """A secret in its spellings, each with what replaces it."""

    distinctive: bool
    same_everywhere: bool
    pairs: tuple[tuple[str, str], ...]


class Echoes:
    """Replaces the secrets of one exchange wherever they stand. False when there is nothing to look for."""

    def __init__(self, replacements: dict[str, str], spell: Remembered[Spelled]) -> None:
        known = {pair: spell.of(*pair) for pair in replacements.items()}
        distinct = [pair for pair in known if known[pair].distinctive]
        self._table = dict(distinct) if len(distinct) > _MANY else {}
        # Longer ones first: one secret may be a part of another.
        self._anywhere = _merged(known[pair] for pair in ([] if self._table else distinct))
        self._anywhere.sort(key=lambda pair: -len(pair[0]))
        plain = [pair for pair in known if not known[pair].distinctive and len(pair[0]) >= _SHORTEST_WHOLE]
        self._whole = _merged(known[pair] for pair in plain[:_MANY])

    def __bool__(self) -> bool:
        return bool(self._anywhere or self._whole or self._table)

    def may_be_in(self, wire: str) -> bool:
        """Whether a header's characters are worth a closer look: what is not ASCII may be spelled otherwise there."""
        return bool(self._table) or not wire.isascii() or any(old in wire for old, _ in (*self._anywhere, *self._whole))

    def replace(self, text: str) -> str:
        """The text with every echo replaced."""
        for old, new in self._anywhere:
            if old in text:
                text = text.replace(old, new)
        if self._table:
            text = _WORDS.sub(lambda match: self._table.get(match[0], match[0]), text)
        for old, new in self._whole:
            if old in text:
                text = _replace_whole(text, old, new)
        return text

    def replace_bytes(self, data: bytes) -> bytes:
        """The same in a decoded body; the same object when nothing was found."""
        if not self:
            return data
        if not self._table and not any(
            old.encode("utf-8", "surrogateescape") in data for old, _ in (*self._anywhere, *self._whole)
        ):
            return data
        text = data.decode("utf-8", "surrogateescape")
        new = self.replace(text)
        return data if new == text else new.encode("utf-8", "surrogateescape")


def is_distinctive(value: str) -> bool:
    """Whether the value stands for itself wherever it is met: no word, no name of a field, no small number."""
    if len(value) < _SHORTEST_ANYWHERE:
        return False
    if NUMBER.fullmatch(value):
        return value.isdigit() and len(value) >= _SHORTEST_NUMBER
    if any(c.isdigit() for c in value) and any(c.isalpha() for c in value):
        # `password1` is a secret for some and the name of a form's field for many.
        return len(value) >= _SHORTEST_WORD or not _is_word_and_number(value)
    return len(value) >= _SHORTEST_WORD


def _is_word_and_number(value: str) -> bool:
    words = split_words(value)
    return len(words) <= 2 and words[0].isalpha() and len(words[-1]) <= 2


def _replace_whole(text: str, old: str, new: str) -> str:
    """Where it is a whole value: a JSON string that is no name, or what follows an equals sign to the pair's end."""
    escaped = re.escape(old)
    text = re.sub(rf'(?<!\\)"{escaped}"(?!\s*:)', lambda _: f'"{new}"', text)
    return re.sub(rf"(?<==){escaped}(?=[&;]|\Z)", lambda _: new, text)


def spelled(old: str, new: str) -> Spelled:
    """A secret and what replaces it, in every way that they may be written, without doubles."""
    if _UNRESERVED.fullmatch(old):
        return Spelled(is_distinctive(old), True, ((old, new),))
    pairs: dict[str, str] = {}
    for spell in _SPELLINGS:
        try:
            written = spell(old)
            written.encode("utf-8", "surrogateescape")
            pairs.setdefault(written, spell(new))
        except UnicodeError:  # half a surrogate pair: no bytes spell it like this
            continue
    return Spelled(is_distinctive(old), False, tuple(pairs.items()))


def _merged(found: Iterable[Spelled]) -> list[tuple[str, str]]:
    """The pairs of all; what is spelled the same everywhere goes before an odd spelling of something else."""
    pairs: dict[str, str] = {}
    for one in found:
        for old, new in one.pairs:
            if one.same_everywhere:
                pairs[old] = new
            else:
                pairs.setdefault(old, new)
    return list(pairs.items())
