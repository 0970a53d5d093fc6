"""Differences with one signature: the raw material of findings.

A signature says where and how something changed without a value, a count, an id or a time, so that its fingerprint
is the same in every run that sees the same change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .difference import Comparison, Difference, DifferenceKind, Location, Part, Severity, Status
from .routes import canonical
from .severity import leaf_of, severity

_BODILESS = frozenset({204, 205, 304})
_BODY_HEADERS = re.compile(r"(content-length|content-md5|content-digest|repr-digest|digest|etag)\b", re.IGNORECASE)
_ID_KEY = re.compile(  # keys of a map that are data, not names: `$.by_id.17.name`; what is quoted is one key
    r"(\['(?:[^'\\]|\\.)*'\])"
    r"|(?<=\.)(?:-?\d+|\d{4}-\d\d(?:-\d\d)?|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?=[.\[~]|$)"
)


@dataclass(frozen=True, slots=True)
class ExchangeContext:
    """What grouping needs to know of an exchange, beside how it was compared."""

    session: str = ""
    order: int = 0  # place in the recording, in causal order
    size: int = 0  # bytes of request and response: small ones make good exemplars
    principal: str = ""
    status: int | None = None  # the reference's status; None when it is not known


@dataclass(frozen=True, slots=True, order=True)
class Signature:
    """What one kind of change looks like. `path` is a shape, `transition` holds kinds and statuses only."""

    method: str
    route: str
    answer: str  # the reference's status class, "2xx"; "" when it is not known
    part: str
    path: str
    kind: str
    transition: str

    @property
    def location(self) -> Location:
        return Location(Part(self.part), self.path)

    @property
    def leaf(self) -> str:
        """The key that the path ends in."""
        return leaf_of(Part(self.part), self.path)

    @property
    def is_error(self) -> bool:
        """Whether the reference is an error response."""
        return self.answer in ("4xx", "5xx")

    def fingerprint(self) -> str:
        """16 hexadecimal digits: BLAKE2b of the signature, the names of route parameters left out."""
        parts = (1, self.method, canonical(self.route), self.answer, self.part, self.path, self.kind, self.transition)
        text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode("ascii"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One difference of a change, in one exchange."""

    exchange_id: str
    difference: Difference
    context: ExchangeContext


@dataclass(slots=True)
class Change:
    """Everything that has one signature."""

    signature: Signature
    tags: tuple[str, ...]
    severity: Severity
    occurrences: list[Occurrence] = field(default_factory=list)
    exchanges: set[str] = field(default_factory=set)
    leaves: int = 0  # leaves looked at in the exchanges of this change, summed

    @property
    def first(self) -> int:
        """Where in the recording it is seen first."""
        return min(occurrence.context.order for occurrence in self.occurrences)


def collect(
    comparisons: Iterable[Comparison],
    context: Mapping[str, ExchangeContext],
    tags_of: Mapping[tuple[str, str], tuple[str, ...]],
) -> list[Change]:
    """The changes of a run in a stable order, each with its occurrences in causal order.

    Only exchanges that differed, or got no answer at all, say something about the candidate.
    """
    changes: dict[Signature, Change] = {}
    for comparison in comparisons:
        if comparison.status not in (Status.DIFFERED, Status.ERRORED):
            continue
        known = context.get(comparison.exchange_id, ExchangeContext())
        statuses = _statuses(comparison.differences, known)
        for difference in roll_up(comparison.differences):
            signature = _signature(comparison, difference, statuses[0])
            found = severity(
                difference,
                comparison.method,
                comparison.route,
                baseline_status=statuses[0],
                candidate_status=statuses[1],
            )
            change = changes.get(signature)
            if change is None:
                tags = tags_of.get((comparison.method, comparison.route), ())
                change = changes[signature] = Change(signature, tags, found)
            change.severity = min(change.severity, found, key=lambda each: each.rank)
            change.occurrences.append(Occurrence(comparison.exchange_id, difference, known))
            if comparison.exchange_id not in change.exchanges:
                change.exchanges.add(comparison.exchange_id)
                change.leaves += comparison.leaves
    for change in changes.values():
        change.occurrences.sort(key=_causal_rank)
    return [changes[signature] for signature in sorted(changes)]


def _causal_rank(occurrence: Occurrence) -> tuple[object, ...]:
    difference = occurrence.difference
    values = f"{difference.baseline!r:.80} {difference.candidate!r:.80}"  # orders two differences at one place
    return occurrence.context.order, occurrence.exchange_id, difference.location.path, values


def roll_up(differences: Sequence[Difference]) -> list[Difference]:
    """What stands for all differences of one exchange.

    Another status class, or no answer, stands alone: the body of another answer is another body. Only what other
    systems were told stays beside it, which may well have led to it. Otherwise a difference at a place stands for all
    below it, and a changed body for the headers that are computed from it.
    """
    alone = [each for each in differences if _stands_alone(each)]
    if alone:
        worst = min(alone, key=lambda each: (each.kind is not DifferenceKind.FAILURE, each.location.path))
        return [worst, *(each for each in differences if each.location.part is Part.OUTBOUND)]
    media = [each for each in differences if each.kind is DifferenceKind.MEDIA]
    bodies = {each.location.path for each in differences if each.location.part is Part.BODY}
    kept = []
    for each in differences:
        location = each.location
        if location.part is Part.BODY and each.kind is not DifferenceKind.MEDIA:
            if media or any(prefix in bodies for prefix in ancestors(location.path)):
                continue
        elif (
            location.part is Part.HEADER
            and each not in media
            and (media or bodies)
            and _follows_body(location.path, bool(media))
        ):
            continue
        if each in media[1:]:
            continue
        kept.append(each)
    return kept


def _stands_alone(difference: Difference) -> bool:
    if difference.kind is DifferenceKind.FAILURE:
        return True
    if difference.kind is not DifferenceKind.STATUS:
        return False
    before, after = _status(difference.baseline), _status(difference.candidate)
    if before is None or after is None or before in _BODILESS or after in _BODILESS:
        return True
    return before // 100 != after // 100


def _follows_body(header: str, other_media: bool) -> bool:
    return _BODY_HEADERS.match(header) is not None or (other_media and header.lower().startswith("content-type"))


def ancestors(path: str) -> list[str]:
    """Every place that contains `path`, outermost first: `$.a[*].b` -> `$`, `$.a`, `$.a[*]`."""
    return [path[:index] for index, character in enumerate(path) if index and character in ".[~"]


def _signature(comparison: Comparison, difference: Difference, status: int | None) -> Signature:
    transition = difference.transition
    answer = f"{status // 100}xx" if status is not None else ""
    if difference.kind is DifferenceKind.STATUS:
        transition = status_transition(_status(difference.baseline), _status(difference.candidate), transition)
        answer = ""  # the transition says it
    elif difference.location.part is Part.OUTBOUND:
        answer = ""  # what others are told is told before there is an answer
    return Signature(
        method=comparison.method,
        route=comparison.route,
        answer=answer,
        part=difference.location.part.value,
        path=_ID_KEY.sub(lambda found: found[1] or "*", difference.location.shape),
        kind=difference.kind.value,
        transition=transition,
    )


def status_transition(before: int | None, after: int | None, otherwise: str) -> str:
    """A change of status in words that join what has one cause: 401 -> 200 and 403 -> 200 are `denied -> 2xx`.

    Codes of one such class stay apart: `404 -> 410` is not `400 -> 422`.
    """
    if before is None or after is None:
        return otherwise
    source, goal = _status_class(before), _status_class(after)
    if source == goal:
        return f"{before} -> {after}"
    # why a valid request is rejected is part of the change; which way of succeeding is not
    return f"{source} -> {after}" if 400 <= after < 500 and before < 400 else f"{source} -> {goal}"


def _status_class(status: int) -> str:
    if status in (401, 403, 407):
        return "denied"
    if status in (404, 410):
        return "missing"
    if status in (502, 503, 504):
        return "unavailable"
    return "rejected" if 400 <= status < 500 else f"{status // 100}xx"


def _statuses(differences: Sequence[Difference], known: ExchangeContext) -> tuple[int | None, int | None]:
    for each in differences:
        if each.kind is DifferenceKind.STATUS:
            before, after = _status(each.baseline), _status(each.candidate)
            return (known.status if before is None else before, after)
    return (known.status, known.status)


def _status(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
