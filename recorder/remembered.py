"""What was worked out before and is likely to be asked again: most fields of a session's requests never change.

Everything here is bounded in entries and in their length, since it is traffic that fills it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .exchange import Body, Headers

_BODIES = 64  # entries
_LONGEST_BODY = 8_192  # bytes; with 64 of them half a megabyte
_FIELDS = 512  # entries
_LONGEST_FIELD = 1_024  # characters of a field's name and value; with 512 of them half a megabyte

TARGET = "\n"
"""The name under which a request's target is noted: no field has it."""

V = TypeVar("V")


class Remembered(Generic[V]):
    """Answers to questions of a few strings; longer questions are worked out every time.

    It forgets everything when it is full. Safe to use from several threads: at worst work is done twice.
    """

    __slots__ = ("_known", "_work_out")

    def __init__(self, work_out: Callable[[tuple[str, ...]], V]) -> None:
        self._work_out = work_out
        self._known: dict[tuple[str, ...], V] = {}

    def of(self, *question: str) -> V:
        known = self._known.get(question)
        if known is not None:
            return known
        made = self._work_out(question)
        if sum(map(len, question)) <= _LONGEST_FIELD:
            if len(self._known) >= _FIELDS:
                self._known.clear()
            self._known[question] = made
        return made


class Harmless:
    """Fields, targets and bodies in which nothing was found: they need not be searched a second time.

    Only what a whole search found nothing in may be noted, and only for the names that it was searched for.
    """

    __slots__ = ("_bodies", "_fields")

    def __init__(self) -> None:
        self._fields: dict[tuple[str, str], None] = {}
        self._bodies: dict[tuple[bytes, str, str, bool], None] = {}

    def has_field(self, name: str, value: str) -> bool:
        return (name, value) in self._fields

    def note_field(self, name: str, value: str) -> None:
        if len(value) <= _LONGEST_FIELD:
            if len(self._fields) >= _FIELDS:
                self._fields.clear()
            self._fields[name, value] = None

    def has_body(self, data: bytes, content_type: str, encoding: str, cut: bool) -> bool:
        return len(data) <= _LONGEST_BODY and (data, content_type, encoding, cut) in self._bodies

    def note_body(self, data: bytes, content_type: str, encoding: str, cut: bool) -> None:
        if len(data) <= _LONGEST_BODY:
            if len(self._bodies) >= _BODIES:
                self._bodies.clear()
            self._bodies[data, content_type, encoding, cut] = None


def described_body(headers: Headers, body: Body) -> tuple[str, str, bool]:
    """What says how to read a body: content type, content coding, and whether it is cut."""
    content_type, encodings = None, []
    for name, value in headers:
        lowered = name.lower()
        if lowered == "content-type":
            content_type = value if content_type is None else content_type
        elif lowered == "content-encoding":
            encodings.append(value)
    return content_type or "", ",".join(encodings), not body.complete
