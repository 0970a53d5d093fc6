"""Headers and bodies of two responses put side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recorder.exchange import RecordedResponse, header

from .bodies import Form, Parsed, comparable
from .difference import Difference, DifferenceKind, Location, Part
from .explain import rows_changed
from .headers import header_tree
from .kinds import json_type, shown
from .media import charset, media_type
from .outbound import is_outbound
from .outbound import transition as calls_transition
from .walk import TOO_LARGE, Pair, Walking, leaves, walk

_TEXTUAL = frozenset([Form.TEXT, Form.PAGE, Form.BINARY])


@dataclass(frozen=True, slots=True)
class Sides:
    """The parsed bodies of a reference and of a candidate's response."""

    baseline: Parsed
    candidate: Parsed

    @property
    def alike(self) -> bool:
        """Whether both are the same kind of content, so that their values can be walked side by side."""
        return self.baseline.form is self.candidate.form and self.baseline.root == self.candidate.root


def parsed(baseline: RecordedResponse, candidate: RecordedResponse) -> Sides:
    """Parses both; equal bytes under equal headers are parsed once."""
    left = comparable(baseline)
    same = baseline.body == candidate.body and all(
        header(baseline.headers, name) == header(candidate.headers, name)
        for name in ("content-type", "content-encoding")
    )
    return Sides(left, left if same else comparable(candidate))


def media_difference(baseline: RecordedResponse, candidate: RecordedResponse, sides: Sides) -> Difference | None:
    """Another kind of content, another content type or charset, or a body that is no longer what its type says."""
    declared_a, declared_b = header(baseline.headers, "content-type"), header(candidate.headers, "content-type")
    type_a, type_b = media_type(declared_a), media_type(declared_b)
    a, b = sides.baseline, sides.candidate
    empty = Form.EMPTY in (a.form, b.form)
    if not sides.alike and not empty:
        transition = f"{type_a or a.form.value} -> {type_b or b.form.value}"
        if type_a == type_b:
            transition = f"{a.form.value} -> {b.form.value}"
        where = Location(Part.BODY, a.root if a.form is not Form.BINARY else "$")
        if type_a != type_b and Form.JSON not in (a.form, b.form):
            where = Location(Part.HEADER, "content-type")  # the same text under another name, as far as one can tell
        return Difference(where, DifferenceKind.MEDIA, shown(declared_a), shown(declared_b), transition, b.problem)
    if empty and a.form is not b.form:
        kind = DifferenceKind.MISSING if b.form is Form.EMPTY else DifferenceKind.EXTRA
        present = a if b.form is Form.EMPTY else b
        value = shown(present.value)
        missing = kind is DifferenceKind.MISSING
        return Difference(
            Location(Part.BODY, present.root),
            kind,
            value if missing else None,
            None if missing else value,
            "present -> missing" if missing else "missing -> present",
            "the whole body",
        )
    if type_a != type_b or _charset(type_a, declared_a) != _charset(type_b, declared_b):
        named_a = type_a if type_a != type_b else declared_a.lower()
        named_b = type_b if type_a != type_b else declared_b.lower()
        transition = f"{named_a or 'none'} -> {named_b or 'none'}"
        where = Location(Part.HEADER, "content-type")
        return Difference(where, DifferenceKind.MEDIA, shown(declared_a), shown(declared_b), transition)
    if a.problem != b.problem or a.oddities != b.oddities:
        before, after = a.problem or a.oddities or "sound", b.problem or b.oddities or "sound"
        where = Location(Part.BODY, a.root)
        return Difference(where, DifferenceKind.MEDIA, shown(before), shown(after), _soundness(a, b), shown_text(after))
    return None


def shown_text(text: str) -> str:
    """A text bounded for a detail."""
    return text[:200]


def _soundness(a: Parsed, b: Parsed) -> str:
    words = ["broken" if side.problem else side.oddities or "sound" for side in (a, b)]
    return " -> ".join(words)


def _charset(media: str, declared: str) -> str:
    """The charset that holds: UTF-8 is JSON's own, and need not be said."""
    named = charset(declared)
    return "" if named in ("utf-8", "utf8") else named


def header_pairs(baseline: RecordedResponse, candidate: RecordedResponse, known: Walking) -> Iterator[Pair]:
    """Every difference between two responses' headers; paths are header names, shapes begin with `header:`."""
    if baseline.headers == candidate.headers and not known.watching:
        return
    a, b = header_tree(baseline.headers), header_tree(candidate.headers)
    for name, value in a.items():
        shape = f"header:{name}"
        if name not in b:
            yield Pair(name, shape, DifferenceKind.MISSING, value, None)
        elif isinstance(value, list) or isinstance(b[name], list):
            yield from walk(_listed(value), _listed(b[name]), name, shape, known)
        else:
            yield from walk(value, b[name], name, shape, known)
    for name, value in b.items():
        if name not in a:
            yield Pair(name, f"header:{name}", DifferenceKind.EXTRA, None, value)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def body_pairs(sides: Sides, known: Walking) -> Iterator[Pair]:
    """Every difference between two bodies of one kind of content."""
    a, b = sides.baseline, sides.candidate
    yield from walk(a.value, b.value, a.root, a.root, known)
    if a.form is Form.TABLE and a.columns != b.columns:
        if sorted(a.columns) == sorted(b.columns):
            yield Pair(a.root, a.root, DifferenceKind.ORDER, list(a.columns), list(b.columns), "columns")
        elif not a.value or not b.value:
            for column in sorted(set(a.columns) - set(b.columns)):
                yield Pair(f"{a.root}[*].{column}", f"{a.root}[*].{column}", DifferenceKind.MISSING, column, None)
            for column in sorted(set(b.columns) - set(a.columns)):
                yield Pair(f"{a.root}[*].{column}", f"{a.root}[*].{column}", DifferenceKind.EXTRA, None, column)


def count_leaves(value: object, known: Walking) -> int:
    """Scalars in a parsed body."""
    return sum(1 for _ in leaves(value, "", "", known))


def estimated_leaves(response: RecordedResponse) -> int:
    """How many values a body has that is equal byte for byte, counted by its separators: it is not parsed for that."""
    data = response.body.data
    return data.count(b",") + 1 if data else 0


def structural(pair: Pair) -> Difference:
    """A pair that is no pair of leaves, as a difference."""
    assert pair.kind is not None
    a, b = pair.baseline, pair.candidate
    detail = pair.detail
    if pair.kind is DifferenceKind.LENGTH and isinstance(a, list) and isinstance(b, list):
        detail = rows_changed(a, b)
    change = (is_outbound(pair) and calls_transition(pair)) or _transition(pair.kind, a, b)
    return Difference(location_of(pair), pair.kind, shown(a), shown(b), change, detail)


def location_of(pair: Pair) -> Location:
    """Headers, bodies and outbound calls are told apart by the shape."""
    if is_outbound(pair):
        return Location(Part.OUTBOUND, pair.path)
    return Location(Part.HEADER if pair.shape.startswith("header:") else Part.BODY, pair.path)


def _transition(kind: DifferenceKind, a: object, b: object) -> str:
    match kind:
        case DifferenceKind.MISSING:
            return "present -> missing"
        case DifferenceKind.EXTRA:
            return "missing -> present"
        case DifferenceKind.ORDER:
            return "order -> other order"
        case DifferenceKind.LENGTH:
            longer = isinstance(a, list) and isinstance(b, list) and len(b) > len(a)
            return "array -> longer array" if longer else "array -> shorter array"
        case _:
            left, right = json_type(a), json_type(b)
            return f"{left} -> {right}" if left != right else f"{left} -> other {right}"


def is_coarse(pair: Pair) -> bool:
    """Whether a pair only says that something below differs."""
    return pair.detail == TOO_LARGE
