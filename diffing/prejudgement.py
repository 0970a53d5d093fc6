"""What can be said of a case before headers and bodies are looked at: reasons, failures, statuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

from recorder.exchange import BodyState, RecordedResponse, header

from .contents import media_difference, parsed
from .difference import Answer, Case, Comparison, Difference, DifferenceKind, Location, Part, Reason, Status
from .kinds import shown

_SKIPPED = frozenset(
    [
        Reason.UNSAFE,
        Reason.INCOMPLETE_REQUEST,
        Reason.UNSIGNABLE,
        Reason.OVER_BUDGET,
        Reason.NOT_ITS,
        Reason.BACKGROUND,
        Reason.CANCELLED,
    ]
)


_REFUSALS = frozenset([401, 403, 404])


@dataclass(frozen=True, slots=True)
class Ready:
    """Two responses that can be compared."""

    baseline: RecordedResponse
    candidate: RecordedResponse


def prejudge(case: Case, drifting: Set[str] = frozenset()) -> Comparison | Ready:
    """The outcome of a case that needs no comparison of headers and bodies, or the responses that do.

    `drifting` names the routes where a refusal may be the state's doing; see `drifting_routes`.
    """
    if not case.candidate:
        return _not_compared(case, Reason.UNCERTAIN, "the candidate was not asked")
    for answer in (*case.baseline[:1], case.candidate[0]):
        if answer.reason is not None:
            return _with_reason(case, answer, _reason(case, answer, answer.reason))
    reference = _reference(case)
    if isinstance(reference, Comparison):
        return reference
    answer = case.candidate[0]
    if answer.response is None:
        return _differed(case, _failure(reference, answer))
    if reference.status != answer.response.status:
        doubt = "" if case.baseline else _doubt(case, reference, answer.response, drifting)
        if doubt:
            return _not_compared(case, Reason.UNFAITHFUL, doubt)
        return _differed(case, _status(reference, answer.response))
    return Ready(reference, answer.response)


def _reason(case: Case, answer: Answer, reason: Reason) -> Reason:
    """Credentials that the baseline had and the candidate lacks are the candidate's doing: it refused who got them."""
    had = bool(case.baseline) and case.baseline[0].response is not None
    return Reason.BLOCKED if reason is Reason.CREDENTIALS and had else reason


def _reference(case: Case) -> RecordedResponse | Comparison:
    recorded = case.exchange.response
    if not case.baseline:
        if recorded is None:
            return _not_compared(case, Reason.NO_RESPONSE)
        if recorded.body.state is BodyState.OPAQUE:
            return _not_compared(case, Reason.OPAQUE)
        return recorded
    first = case.baseline[0].response
    if first is None:
        return _not_compared(case, Reason.BASELINE_FAILED, case.baseline[0].failure)
    statuses = sorted({answer.response.status for answer in case.baseline if answer.response is not None})
    if len(statuses) > 1:
        return _not_compared(case, Reason.UNSTABLE, "the baseline gave " + " and ".join(map(str, statuses)))
    if recorded is not None and recorded.status // 100 != first.status // 100:
        detail = f"recorded {recorded.status}, the baseline gave {first.status}"
        return _not_compared(case, Reason.UNFAITHFUL, detail)
    return first


def both_answered(case: Case) -> Ready | None:
    """The two responses of a case, when there are two."""
    reference = case.baseline[0].response if case.baseline else case.exchange.response
    answer = case.candidate[0].response if case.candidate else None
    return None if reference is None or answer is None else Ready(reference, answer)


def both_succeeded(case: Case) -> Ready | None:
    """The two responses of a case whose statuses differ, when both are 2xx."""
    both = both_answered(case)
    return both if both and both.baseline.status // 100 == both.candidate.status // 100 == 2 else None


def drifting_routes(cases: Sequence[Case]) -> frozenset[str]:
    """Routes at which, without a baseline, a refusal (401, 403, 404) of what was accepted in production tells nothing.

    Where most exchanges of a route are refused, the state is another one than production's, or credentials are
    missing; where few are, the release is to blame. A 404 at a route without variables needs no state: it is gone.
    """
    if cases and cases[0].baseline:
        return frozenset()
    asked: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for case in cases:
        recorded, answer = case.exchange.response, case.candidate[0] if case.candidate else None
        if recorded is None or recorded.status >= 400 or answer is None or answer.response is None:
            continue
        name = f"{case.method} {case.route}"
        asked[name] += 1
        gone = answer.response.status == 404 and "<" not in case.route and "{" not in case.route
        refused[name] += answer.response.status in _REFUSALS and not gone
    return frozenset(name for name, count in refused.items() if count * 2 > asked[name])


def _doubt(case: Case, recorded: RecordedResponse, answered: RecordedResponse, drifting: Set[str]) -> str:
    """Why another status than the recorded one may not be the release's doing; "" when it is."""
    statuses = sorted({answer.response.status for answer in case.candidate if answer.response is not None})
    if len(statuses) > 1:
        return "the candidate gave " + " and ".join(map(str, statuses))
    if recorded.status < 400 and answered.status in _REFUSALS and f"{case.method} {case.route}" in drifting:
        return f"recorded {recorded.status}, the candidate gave {answered.status}, as to most requests of this route"
    return ""


def _with_reason(case: Case, answer: Answer, reason: Reason) -> Comparison:
    status = Status.SKIPPED if reason in _SKIPPED else Status.NOT_COMPARED
    return Comparison(case.exchange.id, case.method, case.route, status, reason, answer.detail)


def _not_compared(case: Case, reason: Reason, detail: str = "") -> Comparison:
    return Comparison(case.exchange.id, case.method, case.route, Status.NOT_COMPARED, reason, detail)


def _differed(case: Case, difference: Difference) -> Comparison:
    return Comparison(case.exchange.id, case.method, case.route, Status.DIFFERED, differences=(difference,), leaves=1)


def _failure(reference: RecordedResponse, answer: Answer) -> Difference:
    return Difference(
        Location(Part.STATUS),
        DifferenceKind.FAILURE,
        reference.status,
        None,
        f"{reference.status} -> no response",
        str(shown(answer.failure)),
    )


def _status(reference: RecordedResponse, response: RecordedResponse) -> Difference:
    media = media_difference(reference, response, parsed(reference, response))
    declared = header(response.headers, "content-type") or "no content type"
    detail = f"{media.transition} ({declared})" if media is not None and media.kind is DifferenceKind.MEDIA else ""
    return Difference(
        Location(Part.STATUS),
        DifferenceKind.STATUS,
        reference.status,
        response.status,
        f"{reference.status} -> {response.status}",
        detail,
    )
