"""Whether both sides told what they did beside answering, and what a run can not tell when one did not."""

from __future__ import annotations

from collections.abc import Iterable

from diffing.difference import Answer
from recorder.exchange import Exchange

ONE_SIDE = (
    "Only the {side} tells which SQL statements and outbound calls its answers take: neither was compared. Set "
    "UNDERSTUDY_OBSERVE=1 and the recording's key for both targets."
)
CALLS_WENT_OUT = (
    "The recording holds outbound calls, and no target observes: the calls of this replay were really made, and not "
    "compared. Set UNDERSTUDY_OBSERVE=1 and the recording's key for the targets."
)


def unobserved(
    recorded: Iterable[Exchange], baseline: Iterable[Answer] | None, candidate: Iterable[Answer]
) -> tuple[str, ...]:
    """Sentences for the report's limits; `baseline` is None where the recording alone is compared with."""
    theirs = _observes(candidate)
    if baseline is not None and _observes(baseline) != theirs:
        return (ONE_SIDE.format(side="candidate" if theirs else "baseline"),)
    if not theirs and any(exchange.outbound for exchange in recorded):
        return (CALLS_WENT_OUT,)
    return ()


def _observes(answers: Iterable[Answer]) -> bool:
    return any(answer.observed is not None for answer in answers)
