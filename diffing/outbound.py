"""What one exchange asked of other systems, put side by side: calls by operation, walked as bodies are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from recorder.exchange import Body, CallOutcome, Headers, Observed, OutboundCall, RecordedRequest, RecordedResponse
from recorder.operations import Operation, operation_of

from .atoms import is_opaque
from .bodies import comparable
from .difference import Case, DifferenceKind
from .media import media_type
from .moved_calls import renamed_operations
from .paths import step
from .walk import Pair, Walking, leaves, walk

ROOT = "$calls"
PREFIX = "outbound:"
"""What shapes begin with, as those of headers begin with `header:`."""

_READS = frozenset(["GET", "HEAD", "OPTIONS"])
_OF_THE_LIBRARY = frozenset(
    "host connection keep-alive content-length transfer-encoding user-agent accept accept-encoding accept-charset te"
    " expect date traceparent tracestate baggage sentry-trace b3 x-request-id x-correlation-id x-amz-date"
    " x-amz-content-sha256 amz-sdk-invocation-id amz-sdk-request".split()
)
"""Header fields that the client's library or a tracer writes: another version of it is no other application."""
_SECRET = re.compile(r"(^|-)(token|secret|signature|credential|(api|access|auth|app|subscription)-?key)(-|$)", re.I)
_KEY = re.compile(r"^(key|app_?id)$|(^|_)(token|secret|sig|signature|(api|access|auth)_?key)$", re.I)
_IDEMPOTENCY = re.compile(
    r"[.'](?:x-)?(?:idempotency[-_]?key|idempotencytoken|clientrequesttoken|paypal-request-id)$", re.I
)
_NOTHING_BUT_THE_SCHEME = frozenset(["authorization", "proxy-authorization"])


def outbound_pairs(
    baseline: Sequence[OutboundCall], candidate: Sequence[OutboundCall], known: Walking
) -> Iterator[Pair]:
    """Every difference between two sides' calls; paths begin with `$calls['POST api.pay.example/charges']`.

    Calls are paired by method, host and path template, within these by likeness, and else by order. An operation that
    one side lacks stands opposite one that only the other has where they differ in host, path or method alone. Calls
    that filled a cache are nobody's: which exchange makes them is chance.
    """
    baseline, candidate = _own(baseline), _own(candidate)
    if not known.watching and _requests(baseline) == _requests(candidate):
        return
    ours, theirs = _by_operation(baseline), _by_operation(candidate)
    moved = renamed_operations([key for key in ours if key not in theirs], [key for key in theirs if key not in ours])
    taken = set(moved.values())
    for key, calls in ours.items():
        path = ROOT + step(key.text)
        others = theirs.get(moved.get(key, key), [])
        if not others:
            yield _alone(path, DifferenceKind.MISSING, calls)
            continue
        other = moved.get(key, key)
        if (key.method, key.template) != (other.method, other.template):
            yield Pair(f"{path}.operation", f"{PREFIX}{path}.operation", None, key.line, other.line)
        yield from _one_operation(path, calls, others, same_path=key.template == other.template, known=known)
    for key, calls in theirs.items():
        if key not in ours and key not in taken:
            yield _alone(ROOT + step(key.text), DifferenceKind.EXTRA, calls)
    back = {new: old for old, new in moved.items()}
    yield from _order(baseline, candidate, back)
    yield from _unkept(baseline, candidate)


Calls = tuple[Sequence[OutboundCall], Sequence[OutboundCall]]


def calls_of(baseline: Observed | None, candidate: Observed | None) -> Calls | None:
    """The calls of two sides; None unless both were observed in full: what is not known to be there is not missing."""
    if baseline is None or candidate is None or baseline.outbound is None or candidate.outbound is None:
        return None
    if baseline.partial or candidate.partial:
        return None
    return baseline.outbound, candidate.outbound


def recorded_observation(case: Case) -> Observed:
    """What the recording knows of a case's calls."""
    return Observed(outbound=case.exchange.outbound)


def judged_calls(case: Case) -> Calls | None:
    """The calls that a case is judged by.

    Without a baseline they are compared with the recorded ones only where a tape answered: calls that really went out
    went where the deploy's own settings say, and got other answers.
    """
    candidate = case.candidate[0].observed if case.candidate else None
    if case.baseline:
        return calls_of(case.baseline[0].observed, candidate)
    calls = calls_of(recorded_observation(case), candidate)
    really = (CallOutcome.ANSWERED, CallOutcome.FAILED)
    return None if calls is None or any(call.outcome in really for call in calls[1]) else calls


def is_outbound(pair: Pair) -> bool:
    return pair.shape.startswith(PREFIX)


def is_idempotency_key(shape: str) -> bool:
    """Whether a place holds what a provider tells a repetition from a second order by."""
    return _IDEMPOTENCY.search(shape) is not None


def names_an_operation(value: object) -> bool:
    """Whether an idempotency key is one of its kind, so that it may stand for one operation only."""
    return isinstance(value, str) and is_opaque(value)


def transition(pair: Pair) -> str:
    """How the calls of an operation differ, for a pair that is no pair of leaves; "" for one inside of a call."""
    if pair.shape.endswith("]"):
        match pair.kind:
            case DifferenceKind.MISSING:
                return "called -> not called"
            case DifferenceKind.EXTRA:
                return "not called -> called"
            case DifferenceKind.LENGTH:
                more = (
                    isinstance(pair.baseline, int)
                    and isinstance(pair.candidate, int)
                    and (pair.candidate > pair.baseline)
                )
                return "called -> called more often" if more else "called -> called less often"
    return ""


def fewer_calls(pair: Pair) -> bool:
    """Whether the candidate only made fewer calls, as it does when it fails before it gets there."""
    return transition(pair) in ("called -> not called", "called -> called less often")


def _own(calls: Sequence[OutboundCall]) -> Sequence[OutboundCall]:
    return [call for call in calls if call.outcome is not CallOutcome.SPARE]


def _requests(calls: Sequence[OutboundCall]) -> list[tuple[str, str, Headers, Body]]:
    return [(c.request.method, c.request.target, c.request.headers, c.request.body) for c in calls]


def _by_operation(calls: Sequence[OutboundCall]) -> dict[Operation, list[OutboundCall]]:
    found: dict[Operation, list[OutboundCall]] = {}
    for call in calls:
        if call.outcome is not CallOutcome.UNKEPT:
            found.setdefault(operation_of(call.request), []).append(call)
    return found


def _alone(path: str, kind: DifferenceKind, calls: Sequence[OutboundCall]) -> Pair:
    row = _row(calls[0].request, same_path=True, with_body=calls[0].request.body.complete)
    missing = kind is DifferenceKind.MISSING
    times = f"{len(calls)} times" if len(calls) > 1 else "once"
    return Pair(path, PREFIX + path, kind, row if missing else None, None if missing else row, f"{times} on one side")


def _one_operation(
    path: str, ours: Sequence[OutboundCall], theirs: Sequence[OutboundCall], *, same_path: bool, known: Walking
) -> Iterator[Pair]:
    shape = PREFIX + path
    if len(ours) != len(theirs):
        detail = f"{len(ours)} before, {len(theirs)} now"
        yield Pair(path, shape, DifferenceKind.LENGTH, len(ours), len(theirs), detail)
    for i, j in _alike(ours, theirs, known):
        whole = ours[i].request.body.complete and theirs[j].request.body.complete
        a = _row(ours[i].request, same_path=same_path, with_body=whole)
        b = _row(theirs[j].request, same_path=same_path, with_body=whole)
        yield from walk(a, b, f"{path}[{i}]", f"{shape}[*]", known)


def _order(
    baseline: Sequence[OutboundCall], candidate: Sequence[OutboundCall], back: dict[Operation, Operation]
) -> Iterator[Pair]:
    """The same operations in another order; reads may come in any."""
    a = [operation_of(c.request) for c in baseline if c.request.method not in _READS]
    b = [operation_of(c.request) for c in candidate if c.request.method not in _READS]
    b = [back.get(key, key) for key in b]
    if a != b and Counter(a) == Counter(b):
        left, right = [key.text for key in a], [key.text for key in b]
        yield Pair(ROOT, PREFIX + ROOT, DifferenceKind.ORDER, left, right, "calls in another order")


def _unkept(baseline: Sequence[OutboundCall], candidate: Sequence[OutboundCall]) -> Iterator[Pair]:
    a, b = (
        sum(call.attempts for call in calls if call.outcome is CallOutcome.UNKEPT) for calls in (baseline, candidate)
    )
    if a != b:
        yield Pair(ROOT, PREFIX + ROOT, DifferenceKind.LENGTH, a, b, "calls past those that are kept")


def _alike(ours: Sequence[OutboundCall], theirs: Sequence[OutboundCall], known: Walking) -> list[tuple[int, int]]:
    """Pairs of indices: equal calls, then those with the most in common, the earlier ones first."""
    if len(ours) == len(theirs) == 1:
        return [(0, 0)]
    left = [_leaf_set(call, known) for call in ours]
    right = [_leaf_set(call, known) for call in theirs]
    ranked = sorted(
        ((-len(a & b) / max(1, len(a | b)), abs(i - j), i, j) for i, a in enumerate(left) for j, b in enumerate(right))
    )
    free_left, free_right = set(range(len(ours))), set(range(len(theirs)))
    pairs: list[tuple[int, int]] = []
    for _, _, i, j in ranked:
        if i in free_left and j in free_right:
            free_left.discard(i)
            free_right.discard(j)
            pairs.append((i, j))
    return sorted(pairs)


def _leaf_set(call: OutboundCall, known: Walking) -> frozenset[tuple[str, str]]:
    row = _row(call.request, same_path=True, with_body=call.request.body.complete)
    return frozenset((shape, repr(leaf)) for _, shape, leaf in leaves(row, "", "", known))


def _row(request: RecordedRequest, *, same_path: bool, with_body: bool) -> dict[str, object]:
    """One call as a tree: its URL without the query, the query, what its headers say, the body."""
    where, _, query = request.target.partition("?")
    row: dict[str, object] = {}
    if same_path:
        row["url"] = where
    if query:
        row["query"] = _without_keys(
            _parsed((("Content-Type", "application/x-www-form-urlencoded"),), Body.of(query.encode("latin-1")))
        )
    row["headers"] = _said(request.headers)
    if with_body and request.body.data:
        row["body"] = _parsed(request.headers, request.body)
    return row


def _parsed(headers: Headers, body: Body) -> object:
    return comparable(RecordedResponse(200, "", headers, body)).value


def _without_keys(query: object) -> object:
    """Parameters, of keys only that they are there: each deploy has its own."""
    if not isinstance(query, dict):
        return query
    return {name: "present" if _KEY.search(name) else value for name, value in query.items()}


def _said(headers: Headers) -> dict[str, object]:
    """Header fields by name: of credentials their scheme only, of cookies their names, of the others what they say."""
    said: dict[str, object] = {}
    for raw, value in headers:
        name = raw.lower()
        if name in _OF_THE_LIBRARY or name.startswith("understudy-"):
            continue
        if name in _NOTHING_BUT_THE_SCHEME:
            said[name] = value.partition(" ")[0] if " " in value else "present"
        elif name == "cookie":
            said[name] = sorted(pair.partition("=")[0].strip() for pair in value.split(";"))
        elif name == "content-type":
            said[name] = media_type(value)
        elif _SECRET.search(name):
            said[name] = "present"
        else:
            said[name] = value
    return said
