"""Differences -> findings: what a person reviews, approves and is alerted about.

A finding is everything that one cause changed, as far as that can be told: equal signatures (R1), then the rules of
`merging`, then the echoes. Its fingerprint is that of its root signature alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .difference import Comparison, Location, Severity, Status
from .echoes import echoed_by
from .evidence import overlap
from .joins import SAME_EXCHANGES
from .merging import join_all
from .routes import matches
from .signatures import Change, ExchangeContext, Occurrence, collect

__all__ = ["CONFIRMED", "FLAKY", "UNCONFIRMED", "ExchangeContext", "Finding", "Member", "group"]

CONFIRMED = "confirmed"  # repetitions on fresh instances show it, and the baseline does not, or far less often
FLAKY = "flaky"  # it did not come back, or the baseline shows it, too
UNCONFIRMED = "unconfirmed"  # not replayed again

MAX_EXEMPLARS = 3
MAX_TEXT = 2000  # characters of a value that a finding keeps
MAX_ITEMS = 30  # entries of an object or array that a finding keeps
_MAX_DEPTH = 6

# Which of the signatures of one cause names it: the kinds that say most come first.
_TELLING = (
    "failure",
    "status",
    "media",
    "identity",
    "length",
    "order",
    "type",
    "null",
    "missing",
    "format",
    "value",
    "extra",
)


@dataclass(frozen=True, slots=True)
class Member:
    """One place at which a finding shows. `location.path` is a shape; `count` counts exchanges."""

    fingerprint: str
    method: str
    route: str
    location: Location
    count: int
    kind: str = ""
    transition: str = ""
    severity: Severity = Severity.BREAKING


@dataclass(frozen=True, slots=True)
class Finding:
    """What one cause changed. `method` to `candidate` describe the root; the first member is the root, too."""

    fingerprint: str
    severity: Severity  # the worst of all members
    kind: str
    method: str
    route: str
    location: Location  # a shape
    transition: str
    baseline: object  # both values as the first exemplar shows them, cut to a bounded size
    candidate: object
    count: int  # exchanges that show it
    out_of: int  # compared exchanges of the members' routes
    state: str  # CONFIRMED, FLAKY or UNCONFIRMED
    members: tuple[Member, ...]
    story: str | None
    tags: tuple[str, ...]
    exemplars: tuple[str, ...]
    exchanges: tuple[str, ...]  # in causal order
    detail: str = ""

    @property
    def places(self) -> tuple[Member, ...]:
        """The members; of a finding that names none, its root as the only one."""
        root = (self.method, self.route, self.location, self.count, self.kind, self.transition, self.severity)
        return self.members or (Member(self.fingerprint, *root),)


def group(
    comparisons: Sequence[Comparison],
    context: Mapping[str, ExchangeContext],
    tags: Sequence[tuple[str, tuple[str, ...]]] = (),
) -> list[Finding]:
    """The findings of a run, the most important first, all unconfirmed.

    `context` maps exchange ids; `tags` are (name, route patterns). The result does not depend on the order of
    `comparisons`, nor the fingerprints on values, ids or counts.
    """
    routes = {(comparison.method, comparison.route) for comparison in comparisons}
    tags_of = {
        (method, route): tuple(
            name for name, patterns in tags if any(matches(each, method, route) for each in patterns)
        )
        for method, route in routes
    }
    compared = Counter(
        (comparison.method, comparison.route)
        for comparison in comparisons
        if comparison.status in (Status.MATCHED, Status.DIFFERED, Status.ERRORED)
    )
    findings = [_finding(changes, compared) for changes in _causes(collect(comparisons, context, tags_of))]
    findings.sort(key=_importance)
    return _with_stories(findings)


def _causes(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes of each cause, its root first."""
    groups = [sorted(changes_of_one, key=_root_rank) for changes_of_one in join_all(changes)]
    source_of = echoed_by(groups)
    for index in sorted(source_of):
        source = source_of[index]
        while source in source_of:  # an echo of an echo
            source = source_of[source]
        groups[source].extend(groups[index])
    return [changes for index, changes in enumerate(groups) if index not in source_of]


def _root_rank(change: Change) -> tuple[object, ...]:
    """The most telling signature first. Structure only: counts vary between runs, and the fingerprint must not."""
    signature = change.signature
    depth = signature.path.count(".") + signature.path.count("[")
    return (_TELLING.index(signature.kind), signature.route.count("/"), depth, signature)


def _finding(changes: Sequence[Change], compared: Counter[tuple[str, str]]) -> Finding:
    root = changes[0]
    signature = root.signature
    exemplars = _exemplars(root.occurrences)
    shown = exemplars[0].difference
    order = {each.exchange_id: each.context.order for change in changes for each in change.occurrences}
    routes = {(change.signature.method, change.signature.route) for change in changes}
    return Finding(
        fingerprint=signature.fingerprint(),
        severity=min((change.severity for change in changes), key=lambda each: each.rank),
        kind=signature.kind,
        method=signature.method,
        route=signature.route,
        location=signature.location,
        transition=_transition(root),
        baseline=bounded(shown.baseline),
        candidate=bounded(shown.candidate),
        count=len(order),
        out_of=sum(compared[route] for route in routes),
        state=UNCONFIRMED,
        members=tuple(_member(change) for change in changes),
        story=None,
        tags=root.tags,
        exemplars=tuple(each.exchange_id for each in exemplars),
        exchanges=tuple(sorted(order, key=lambda exchange: (order[exchange], exchange))),
        detail=shown.detail[:MAX_TEXT],
    )


def _member(change: Change) -> Member:
    signature = change.signature
    return Member(
        fingerprint=signature.fingerprint(),
        method=signature.method,
        route=signature.route,
        location=signature.location,
        count=len(change.exchanges),
        kind=signature.kind,
        transition=_transition(change),
        severity=change.severity,
    )


def _transition(change: Change) -> str:
    """In the words of the comparison where all agree, `200 -> 500`, else in the signature's, `2xx -> 5xx`."""
    words = {each.difference.transition for each in change.occurrences}
    return words.pop() if len(words) == 1 else change.signature.transition


def _exemplars(occurrences: Sequence[Occurrence]) -> list[Occurrence]:
    """The smallest exchanges that show the root, of distinct principals as far as there are any."""
    smallest = sorted(occurrences, key=lambda each: (each.context.size, each.context.order, each.exchange_id))
    chosen: dict[str, Occurrence] = {}
    principals: set[str] = set()
    for each in smallest:
        if each.context.principal not in principals and len(chosen) < MAX_EXEMPLARS:
            principals.add(each.context.principal)
            chosen[each.exchange_id] = each
    for each in smallest:
        if len(chosen) < MAX_EXEMPLARS:
            chosen.setdefault(each.exchange_id, each)
    return list(chosen.values())


def bounded(value: object, depth: int = 0) -> object:
    """The value cut to what a report can show; what was cut is said in its place."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}… ({len(value)} characters)"
    if isinstance(value, (bytes, bytearray)):
        return bounded(bytes(value[: MAX_TEXT + 1]).decode("utf-8", "backslashreplace"))
    if isinstance(value, Mapping):
        if depth >= _MAX_DEPTH:
            return f"{{… {len(value)} keys}}"
        kept: dict[str, object] = {str(key): bounded(value[key], depth + 1) for key in list(value)[:MAX_ITEMS]}
        return kept if len(value) <= MAX_ITEMS else {**kept, "…": f"{len(value) - MAX_ITEMS} more"}
    if isinstance(value, (list, tuple, set, frozenset)):
        if depth >= _MAX_DEPTH:
            return f"[… {len(value)} items]"
        items = [bounded(item, depth + 1) for item in list(value)[:MAX_ITEMS]]
        return items if len(value) <= MAX_ITEMS else [*items, f"… {len(value) - MAX_ITEMS} more"]
    return value if value is None or isinstance(value, (bool, int, float)) else bounded(repr(value))


def _importance(finding: Finding) -> tuple[object, ...]:
    return (
        finding.severity.rank,
        not finding.tags,
        -finding.count,
        finding.route,
        finding.method,
        finding.location.part.value,
        finding.location.path,
        finding.fingerprint,
    )


def _with_stories(findings: Sequence[Finding]) -> list[Finding]:
    """Findings that happen in the same exchanges are shown side by side; nothing else follows from a story."""
    story: dict[str, str] = {}
    by_exchange: dict[str, list[int]] = {}
    shared: Counter[tuple[int, int]] = Counter()
    for index, finding in enumerate(findings):
        for exchange in finding.exchanges:
            for other in by_exchange.setdefault(exchange, [])[:MAX_ITEMS]:
                shared[other, index] += 1
            by_exchange[exchange].append(index)
    for first, second in sorted(shared):
        upper, lower = findings[first], findings[second]
        if overlap(upper.exchanges, lower.exchanges) >= SAME_EXCHANGES:
            name = story.setdefault(upper.fingerprint, upper.fingerprint)
            story.setdefault(lower.fingerprint, name)
    return [replace(finding, story=story.get(finding.fingerprint)) for finding in findings]
