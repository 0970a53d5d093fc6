"""Rules by which a user says which differences do not count: exact places, and never the value's kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .difference import Difference, DifferenceKind, Part
from .kinds import KINDS, is_of_kind
from .paths import matches_path
from .routes import matches


@dataclass(frozen=True, slots=True)
class NoiseRule:
    """Hides the differences at a place, as long as the candidate's value still is of the rule's kind.

    `route` is `METHOD /path` with `*` for a segment and `**` for any number of them; `path` is an exact path with
    `[*]`, `.*` and `**` as its only wildcards. A rule without a kind hides changes of value, format, identity and
    order there, but no change of type, no null, and nothing that went missing.
    """

    route: str
    path: str
    part: Part | None = None  # None: headers and bodies
    kind: str = ""
    reason: str = ""
    until: date | None = None

    def __post_init__(self) -> None:
        if self.kind and self.kind not in KINDS:
            raise ValueError(f"noise rule of unknown kind {self.kind!r}; known are {', '.join(sorted(KINDS))}")

    def active(self, today: date) -> bool:
        """Whether the rule still holds; the caller asks, there is no clock in a comparison."""
        return self.until is None or today <= self.until

    def hides(self, method: str, route: str, difference: Difference, value: object) -> bool:
        """Whether the rule hides a difference; `value` is the candidate's, whole."""
        location = difference.location
        if location.part not in ((Part.HEADER, Part.BODY) if self.part is None else (self.part,)):
            return False
        if difference.kind in (DifferenceKind.STATUS, DifferenceKind.FAILURE, DifferenceKind.MEDIA):
            return False
        if not (matches_path(self.path, location.path) and matches(self.route, method, route)):
            return False
        if difference.kind is DifferenceKind.MISSING:
            return self.kind == "any"
        if self.kind:
            return is_of_kind(value, self.kind)
        return difference.kind not in (DifferenceKind.TYPE, DifferenceKind.NULL)
