"""One exchange that shows a finding, both sides of it line by line: bodies, heads, statements, calls and time.

A line is marked as different where the comparison found a difference. What is another value there and was taken for
the same, a renamed identifier or noise, has a mark of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

from diffing.difference import Part
from diffing.grouping import Finding
from diffing.paths import step
from recorder.exchange import Observed, OutboundCall

from ..store.records import StoredAnswer
from .sides import ALIKE, Row
from .wording import counted, visible

MAX_LINES = 1_500
"""Lines of one body that are held against the other's."""
MAX_THOROUGH = 200
"""Lines up to which every one is held against every other."""
MAX_DEPTH = 200
"""Of a body; one that is deeper is shown as it was sent."""

_ONE_SIDED = frozenset(["missing", "extra", "order", "length"])
"""Kinds of difference at a place that say nothing of the values below it that both sides have."""


Block = tuple[str, int, int, int, int]
"""What of one side belongs to what of the other: a tag of difflib's, then begin and end of each."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the comparison found a difference on a route: a path of one part, as findings name it."""

    part: Part
    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Section:
    """One part of an exchange. `differs`: the comparison found something there."""

    part: Part
    rows: tuple[Row, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one side; `shape` is its place, and tells lines of the same place in a gap between equal ones."""

    text: str
    shape: str = ""

    @property
    def bare(self) -> str:
        """Without the comma that only says that something follows."""
        return self.text.removesuffix(",")


def places_of(findings: Iterable[Finding], method: str, route: str) -> tuple[Place, ...]:
    """Where a run found something on a route."""
    return tuple(
        {
            Place(each.location.part, each.location.path, each.kind)
            for finding in findings
            for each in finding.places
            if (each.method, each.route) == (method, route)
        }
    )


def sections(
    baseline: StoredAnswer | None, candidate: StoredAnswer | None, places: Sequence[Place], whole: bool = False
) -> list[Section]:
    """What is kept of both answers, part by part. Without `whole`, what is equal is left out."""
    found = [
        Section(Part.BODY, _bodies(baseline, candidate, places), _any(places, Part.BODY)),
        Section(Part.HEADER, _heads(baseline, candidate, places), _any(places, Part.HEADER, Part.STATUS)),
        Section(Part.SQL, _plain(_statements(baseline), _statements(candidate)), _any(places, Part.SQL)),
        Section(Part.OUTBOUND, _plain(_calls(baseline), _calls(candidate)), _any(places, Part.OUTBOUND)),
        Section(Part.LATENCY, _times(baseline, candidate, places), _any(places, Part.LATENCY)),
    ]
    return [
        Section(
            each.part, each.rows if whole or each.part is Part.LATENCY else tuple(differing(each.rows)), each.differs
        )
        for each in found
        if each.rows
    ]


def differing(rows: Sequence[Row], around: int = 3) -> Iterator[Row]:
    """The rows that differ with some around them; others are counted, those that are taken for equal apart."""
    wanted = {
        near
        for place, row in enumerate(rows)
        if row.mark not in (" ", ALIKE)
        for near in range(place - around, place + around + 1)
    }
    left_out: list[Row] = []
    for place, row in enumerate(rows):
        if place not in wanted:
            left_out.append(row)
            continue
        yield from _gap(left_out)
        left_out = []
        yield row
    yield from _gap(left_out)


def _gap(rows: Sequence[Row]) -> Iterator[Row]:
    if rows:
        alike = sum(1 for row in rows if row.mark == ALIKE)
        text = f"{counted(len(rows), 'line')}, {alike} taken for equal" if alike else counted(len(rows), "equal line")
        yield Row("…", text, text)


def _any(places: Iterable[Place], *parts: Part) -> bool:
    return any(each.part in parts for each in places)


def aligned(before: Sequence[Line], after: Sequence[Line], mark: Callable[[Line, Line | None, str], str]) -> list[Row]:
    """Both sides, line by line. `mark` is asked for what differs: a line, its counterpart, and the plain mark.

    Equal lines hold the two together; in the gaps, lines of the same place belong together.
    """
    rows: list[Row] = []
    for tag, i1, i2, j1, j2 in _blocks([each.bare for each in before], [each.bare for each in after]):
        left, right = before[i1:i2], after[j1:j2]
        if tag == "equal":
            rows += [Row(" ", a.text, b.text) for a, b in zip(left, right, strict=True)]
            continue
        for inner, k1, k2, l1, l2 in _shapes([each.shape for each in left], [each.shape for each in right]):
            if inner == "equal":
                pairs = zip(left[k1:k2], right[l1:l2], strict=True)
                rows += [Row(" " if a.bare == b.bare else mark(a, b, "~"), a.text, b.text) for a, b in pairs]
            else:
                rows += [Row(mark(a, None, "-"), a.text, "") for a in left[k1:k2]]
                rows += [Row(mark(b, None, "+"), "", b.text) for b in right[l1:l2]]
    return rows


def _blocks(before: Sequence[str], after: Sequence[str]) -> Sequence[Block]:
    """As of difflib. In long texts, lines that stand everywhere hold nothing together: it would take seconds."""
    return SequenceMatcher(None, before, after, autojunk=len(after) > MAX_THOROUGH).get_opcodes()


def _shapes(before: Sequence[str], after: Sequence[str]) -> Sequence[Block]:
    """The same for places, which repeat with every row: of a long gap, the common beginning and the rest."""
    if max(len(before), len(after)) <= MAX_THOROUGH:
        return _blocks(before, after)
    parting = (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
    same = next(parting, min(len(before), len(after)))
    return [("equal", 0, same, 0, same), ("replace", same, len(before), same, len(after))]


def _plain(before: Sequence[Line], after: Sequence[Line]) -> tuple[Row, ...]:
    return tuple(aligned(before, after, lambda line, other, plain: plain))


def _bodies(baseline: StoredAnswer | None, candidate: StoredAnswer | None, places: Sequence[Place]) -> tuple[Row, ...]:
    before, after = _body(baseline), _body(candidate)
    statuses = {each.response.status for each in (baseline, candidate) if each and each.response}
    compared = before[0].shape and after[0].shape and len(statuses) == 1  # else the bodies were not held together
    found = [each for each in places if each.part is Part.BODY]

    def mark(line: Line, other: Line | None, plain: str) -> str:
        if not compared:
            return plain
        return plain if any(_at(each, line.shape, other is not None) for each in found) else ALIKE

    return tuple(aligned(before, after, mark))


def _at(place: Place, shape: str, both: bool) -> bool:
    """Whether a difference at a place is one of a line there, or below it; of one side alone, above it, too."""
    if place.path == shape:
        return True
    if shape.startswith((place.path + ".", place.path + "[")):
        return not both or place.kind not in _ONE_SIDED
    return not both and place.path.startswith((shape + ".", shape + "["))


def _body(answer: StoredAnswer | None) -> list[Line]:
    """At least one line. Those of JSON have their places, other ones none."""
    if answer is None:
        return [Line("(not kept)")]
    if answer.response is None:
        return [Line(f"(no response: {visible(answer.failure)})")]
    return [Line(visible(line.text), line.shape) for line in _lines(answer.response.body.data)]


def _lines(data: bytes) -> list[Line]:
    """The first lines of a body, and one that says so when there are more."""
    lines = _json(data) or [Line(line) for line in plain_text(data).split("\n", MAX_LINES)]
    return [*lines[:MAX_LINES], Line("… more lines")] if len(lines) > MAX_LINES else lines


def plain_text(data: bytes) -> str:
    """A body as text; bytes that are no text are counted."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"({counted(len(data), 'byte')} that are no text)" if data else ""


def text_of(data: bytes) -> str:
    """A body as people read it: JSON indented, anything else as it is; the first lines of a long one."""
    return "\n".join(line.text for line in _lines(data))


def _json(data: bytes) -> list[Line]:
    """The first lines of an indented JSON document, one more than are shown; empty for what is none, or too deep."""
    if data[:1] not in (b"{", b"["):
        return []
    try:
        return list(islice(_walk(json.loads(data), "$", "", "", 0), MAX_LINES + 1))
    except (ValueError, RecursionError):
        return []


def _walk(value: object, path: str, before: str, after: str, depth: int) -> Iterator[Line]:
    if depth > MAX_DEPTH:
        raise RecursionError
    pad = "  " * depth
    if isinstance(value, dict) and value:
        yield Line(f"{pad}{before}{{", path)
        for number, (key, each) in enumerate(value.items(), 1):
            name = f"{json.dumps(key, ensure_ascii=False)}: "
            yield from _walk(each, path + step(key), name, "," if number < len(value) else "", depth + 1)
        yield Line(f"{pad}}}{after}", path)
    elif isinstance(value, list) and value:
        yield Line(f"{pad}{before}[", path)
        for number, each in enumerate(value, 1):
            yield from _walk(each, path + "[*]", "", "," if number < len(value) else "", depth + 1)
        yield Line(f"{pad}]{after}", path)
    else:
        yield Line(f"{pad}{before}{json.dumps(value, ensure_ascii=False)}{after}", path)


def _heads(baseline: StoredAnswer | None, candidate: StoredAnswer | None, places: Sequence[Place]) -> tuple[Row, ...]:
    """Status and header fields, in the order of their names."""
    names = {each.path.partition("[")[0].lower() for each in places if each.part is Part.HEADER}

    def mark(line: Line, other: Line | None, plain: str) -> str:
        return plain if line.shape == "" or line.shape in names else ALIKE

    return tuple(aligned(_head(baseline), _head(candidate), mark))


def _head(answer: StoredAnswer | None) -> list[Line]:
    if answer is None or answer.response is None:
        return []
    response = answer.response
    fields = sorted(response.headers, key=lambda field: field[0].lower())
    first = Line(visible(f"{response.status} {response.reason}"))
    return [first, *(Line(visible(f"{name}: {value}"), name.lower()) for name, value in fields)]


def _statements(answer: StoredAnswer | None) -> list[Line]:
    sql = _observed(answer).sql or ()
    return [
        Line(visible(f"{each.count} × {each.statement} ({counted(each.rows, 'row')})"), each.fingerprint)
        for each in sql
    ]


def _calls(answer: StoredAnswer | None) -> list[Line]:
    return [line for call in _observed(answer).outbound or () for line in _call(call)]


def _call(call: OutboundCall) -> Iterator[Line]:
    answered = f"{call.response.status}" if call.response else "no response"
    name = f"{call.request.method} {call.request.target}"
    yield Line(visible(f"{name}: {answered}, {call.outcome.value}"), name)
    for line in text_of(call.request.body.data).split("\n"):
        if line:
            yield Line(visible(f"    {line}"), line.partition(":")[0])


def _observed(answer: StoredAnswer | None) -> Observed:
    return answer.observed if answer is not None and answer.observed is not None else Observed()


def _times(baseline: StoredAnswer | None, candidate: StoredAnswer | None, places: Sequence[Place]) -> tuple[Row, ...]:
    """How long each took. One exchange says little: a budget of time is judged over all of a route."""
    both = (baseline, candidate)
    took = [f"{(each.ended - each.started) * 1000:.1f} ms" if each and each.ended else "" for each in both]
    if not any(took):
        return ()
    return (Row("~" if _any(places, Part.LATENCY) else ALIKE, took[0], took[1]),)
