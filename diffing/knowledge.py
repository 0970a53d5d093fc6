"""What one comparison knows about the locations of one route: the profile's word, and the renaming so far."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Protocol

from .atoms import location_key, rewrite
from .bindings import Renaming
from .profile import Place


class Learned(Protocol):
    """The part of a profile that pairing two values needs."""

    def at(self, key: str) -> Place:
        """Everything learned of a location key."""

    def sort_of(self, key: str) -> str:
        """The sort of identifier at a location key, "" for none."""

    def has_order(self, key: str) -> bool:
        """Whether the array at a location key has a fixed order."""

    def has_data_keys(self, key: str) -> bool:
        """Whether the object at a location key is a map."""


@dataclass(slots=True)
class Scope:
    """One route and status class: turns shapes into location keys, and answers what `walk` asks."""

    prefix: str
    learned: Learned
    renaming: Renaming
    watched: Set[str] = frozenset()  # location keys without lens suffix at which equal leaves matter
    watching: bool = False

    def key(self, shape: str) -> str:
        """The location key of a shape."""
        return self.prefix + shape

    def learned_at(self, shape: str) -> Place:
        """What was learned of a shape."""
        return self.learned.at(self.prefix + shape)

    def expected(self, shape: str, text: str) -> str | None:
        key = self.prefix + shape
        sort = self.learned.sort_of(key)
        if sort:
            return self.renaming.image(sort, text)
        return self._rewritten(key, text) if key in self.watched else text

    def _rewritten(self, key: str, text: str) -> str | None:
        """`ORD-000017` as the candidate writes it, when the identifier is only a part of the text."""
        unknown = False

        def look(suffix: str, inside: str) -> str | None:
            nonlocal unknown
            sort = self.learned.sort_of(key + suffix)
            image = self.renaming.image(sort, inside) if sort else None
            unknown = unknown or (bool(sort) and image is None)
            return image

        written = rewrite(text, look)
        return None if unknown else written

    def unordered(self, shape: str) -> bool:
        return not self.learned.has_order(self.prefix + shape)

    def selects(self, shape: str) -> bool:
        return self.learned_at(f"{shape}[*]").presence_varies

    def is_map(self, shape: str) -> bool:
        return self.learned.has_data_keys(self.prefix + shape)

    def watches(self, shape: str) -> bool:
        return self.prefix + shape in self.watched


@dataclass(slots=True)
class Scopes:
    """Makes one Scope per route and status class, and remembers it."""

    learned: Learned
    renaming: Renaming
    watched: Mapping[str, Set[str]] = field(default_factory=dict)  # prefix -> location keys
    _made: dict[tuple[str, str, int], Scope] = field(default_factory=dict)

    def of(self, method: str, route: str, status: int) -> Scope:
        """The scope of an answer with this status."""
        name = (method, route, status // 100)
        scope = self._made.get(name)
        if scope is None:
            prefix = location_key(method, route, status, "")
            watched = self.watched.get(prefix, frozenset())
            scope = Scope(prefix, self.learned, self.renaming, watched, bool(watched))
            self._made[name] = scope
        return scope


def by_prefix(keys: Set[str]) -> dict[str, set[str]]:
    """Location keys without their lens suffix, by route and status class."""
    found: dict[str, set[str]] = {}
    for key in keys:
        route, status, shape = split_key(key)
        prefix = f"{route}|{status}|"
        found.setdefault(prefix, set()).add(prefix + shape.partition("~")[0])
    return found


def split_key(key: str) -> tuple[str, str, str]:
    """`("GET /a", "2xx", "$.id~num")` of a location key; a shape may hold a bar, a route hardly ever does."""
    route, _, rest = key.partition("|")
    status, _, shape = rest.partition("|")
    return route, status, shape
