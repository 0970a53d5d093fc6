"""What can be said of a case before headers and bodies are looked at: reasons, failures, statuses."""

from __future__ import annotations

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
        Reason.BACKGROUND,
        Reason.CANCELLED,
    ]
)


@dataclass(frozen=True, slots=True)
class Ready:
    """Two responses that can be compared."""

    baseline: RecordedResponse
    candidate: RecordedResponse


def prejudge(case: Case) -> Comparison | Ready:
    """The outcome of a case that needs no comparison of headers and bodies, or the responses that do."""
    if not case.candidate:
        return _not_compared(case, Reason.UNCERTAIN, "the candidate was not asked")
    for answer in (*case.baseline[:1], case.candidate[0]):
        if answer.reason is not None:
            return _with_reason(case, answer, answer.reason)
    reference = _reference(case)
    if isinstance(reference, Comparison):
        return reference
    answer = case.candidate[0]
    if answer.response is None:
        return _differed(case, _failure(reference, answer))
    if reference.status != answer.response.status:
        return _differed(case, _status(reference, answer.response))
    return Ready(reference, answer.response)


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
