"""Which exchange made a thing, and which changed it: an index over a whole recording, eight bytes an entry.

A plan knows this far better, from the values that flow; but a plan holds its exchanges in memory. This index goes by
names alone (`nouns`): the `id` that `POST /orders` answers is an order's, and `POST /orders/17/cancel` changes order
17. It is asked only for what crosses from one session to another.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from diffing.atoms import atoms, is_integer, is_opaque, leaves, location_key
from diffing.routes import split_path

from ..flow import consumer_key
from ..nouns import leaf_name, may_identify, noun_of

INDEX_BITS = 28
MADE_BIT = 1 << INDEX_BITS
HASH_BITS = 64 - INDEX_BITS - 1
"""Of the hash of a thing: two of them are one with a chance of 1 in 34 billion, and then a closure is larger."""

MAX_VALUES = 200
"""Values of one answer that are noted."""

MAX_CHANGES = 16
"""Changes of one thing that a closure follows beside its making, the latest ones."""

_TOKEN = re.compile(r"(?=.*[a-z])(?=.*[A-Z])[\w-]{16,512}", re.ASCII)

_IN_LINK = re.compile(r"[/=][\w-]{16,512}(?:[/?&#]|$)", re.ASCII)
_OWN = frozenset(("id", "uuid", "guid", "pk"))


def thing(noun: str, value: str) -> int:
    """The number of a thing: of a noun and what identifies it, or of a token, whose noun is ""."""
    digest = blake2b(f"{noun}\0{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) >> (64 - HASH_BITS)


@lru_cache(maxsize=4096)
def is_token(text: str) -> bool:
    """Whether a text is no coincidence: `diffing.atoms` asks for digits where a token may have hyphens alone."""
    return is_opaque(text) or _TOKEN.fullmatch(text) is not None


class Answered(NamedTuple):
    """A write and its answer, as far as they are looked at: header names in small letters, the body's JSON value."""

    status: int
    target: str
    headers: list[tuple[str, str]]
    value: object


class Things:
    """Entries are noted in the order of the store, then settled, then looked up."""

    def __init__(self) -> None:
        self._entries: array[int] = array("Q")
        self._nouns: dict[tuple[int, str], str | None] = {}
        self._largest: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def note(self, index: int, number: int, route: tuple[str, str], answered: Answered, sent: frozenset[str]) -> None:
        """Notes what a write names in its path, and what it makes, as its answer says; `number` is its route's."""
        named = set(self._named(number, route, answered.target))
        for noun, text in named:
            self._enter(thing(noun, text), index, made=False)
        for noun, text in set(self._made(number, route, answered)) - named:
            if text not in sent:
                self._enter(thing(noun, text), index, made=True)

    def settle(self) -> None:
        """Sorts the entries; afterwards nothing more can be noted."""
        self._entries = array("Q", sorted(self._entries))

    def maker(self, noun: str, value: str) -> int | None:
        """The exchange that first handed the thing out by a write; None for one that was there before."""
        return next((index for made, index in self._of(noun, value) if made), None)

    def changes(self, noun: str, value: str) -> list[int]:
        """The exchanges that made the thing or name it in their path, if it was made in the recording."""
        found = list(self._of(noun, value))
        maker = next((index for made, index in found if made), None)
        return [] if maker is None else [maker, *[index for _, index in found if index != maker][-MAX_CHANGES:]]

    def _of(self, noun: str, value: str) -> Iterator[tuple[bool, int]]:
        first = thing(noun, value) << (INDEX_BITS + 1)
        position = bisect_left(self._entries, first)
        found: list[tuple[int, bool]] = []
        while position < len(self._entries) and self._entries[position] >> (INDEX_BITS + 1) == first >> (
            INDEX_BITS + 1
        ):
            entry = self._entries[position]
            found.append((entry & (MADE_BIT - 1), bool(entry & MADE_BIT)))
            position += 1
        return ((made, index) for index, made in sorted(found))

    def _enter(self, number: int, index: int, *, made: bool) -> None:
        self._entries.append(number << (INDEX_BITS + 1) | MADE_BIT * made | index)

    def _named(self, number: int, route: tuple[str, str], target: str) -> Iterator[tuple[str, str]]:
        """The things in the path: of each segment that the template leaves open and that can name something."""
        template = [segment for segment in route[1].split("/") if segment]
        for place, segment in enumerate(split_path(target)):
            if (place < len(template) and template[place] == segment) or not (is_integer(segment) or is_token(segment)):
                continue
            yield self._noun(number, f"path[{place}]", consumer_key(*route, f"path[{place}]"), segment), segment

    def _noun(self, number: int, where: str, location: str, text: str) -> str:
        if is_token(text):
            return ""
        if (number, where) not in self._nouns:
            self._nouns[number, where] = noun_of(location)
        return self._nouns[number, where] or where

    def _made(self, number: int, route: tuple[str, str], answered: Answered) -> Iterator[tuple[str, str]]:
        for name, text in answered.headers:
            if name == "location":
                yield from self._in_location(number, route, answered.status, text)
            elif name == "set-cookie":
                token = text.partition(";")[0].partition("=")[2].strip('"')
                if is_token(token):
                    yield "", token
        if answered.value is None:
            return
        own = noun_of(location_key(*route, answered.status, "$.id"))
        for count, (path, leaf) in enumerate(leaves(answered.value, "$")):
            if count == MAX_VALUES:
                return
            if isinstance(leaf, str):
                if is_token(leaf):
                    yield "", leaf
                elif leaf[:1] in ("/", "h") and _IN_LINK.search(leaf):
                    yield from (("", atom) for _, atom in atoms(leaf) if is_token(atom))
                if not is_integer(leaf):
                    continue
            elif isinstance(leaf, bool) or not isinstance(leaf, int):
                continue
            if (noun := self._identified(number, route, answered.status, path)) is not None:
                text = str(leaf)
                # what a write answers of other things than its own is new only if it is beyond all that was seen
                if noun == own and path.count("[") <= 1:
                    self._largest[noun] = max(self._largest.get(noun, 0), _size(text))
                    yield noun, text
                elif _size(text) > self._largest.get(noun, 0):
                    self._largest[noun] = _size(text)
                    yield noun, text

    def _identified(self, number: int, route: tuple[str, str], status: int, path: str) -> str | None:
        where = path
        if "[" in where:
            where = "[*]".join(part.partition("]")[2] if place else part for place, part in enumerate(where.split("[")))
        if (number, where) not in self._nouns:
            location = location_key(*route, status, where)
            own = leaf_name(location) in _OWN and may_identify(location)
            self._nouns[number, where] = noun_of(location) if own else None
        return self._nouns[number, where]

    def _in_location(self, number: int, route: tuple[str, str], status: int, text: str) -> Iterator[tuple[str, str]]:
        for suffix, atom in atoms(text):
            if is_token(atom):
                yield "", atom
            elif is_integer(atom):
                location = location_key(*route, status, "header:location", suffix)
                yield self._noun(number, f"location{suffix}", location, atom), atom


def _size(text: str) -> int:
    return int(text) if is_integer(text) else 0


def scalars(value: object) -> frozenset[str]:
    """Every number and text of a JSON value, as text."""
    return frozenset(
        str(leaf) for _, leaf in leaves(value) if isinstance(leaf, str | int) and not isinstance(leaf, bool)
    )


def asked_for(consumed: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """(location, noun, value) of everything in a request that may name a thing; from (location, atom) pairs."""
    for location, value in consumed:
        if is_token(value):
            yield location, "", value
        elif is_integer(value) and may_identify(location) and (noun := noun_of(location)) is not None:
            yield location, noun, value
