"""Which answers are compared in order to learn: pass with pass, the recording with each, a read with itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recorder.exchange import RecordedResponse

from .difference import Answer, Case
from .outbound import Calls, calls_of, recorded_observation
from .repeats import READS, Repeats
from .times import Window
from .windows import Attribution, PassClock

RECORDED = -1
"""The pass number of the recording itself."""
REPEATED = 1_000_000
"""The number under which recorded reads are compared with one another."""


@dataclass(frozen=True, slots=True)
class Match:
    """Two answers to compare in order to learn: `noise` when both are of the release that may define noise."""

    number: int
    baseline: RecordedResponse
    candidate: RecordedResponse
    when_a: Window
    when_b: Window
    noise: bool
    reads: bool  # the request is one that only reads
    trusted: bool  # its values may set what types and formats are right: not those of a release under judgement
    attribution: Attribution | None = None
    calls: Calls | None = None  # outbound, of both
    names: bool = True  # what stands opposite each other may be what one thing is called in two passes


def matches(case: Case, clock: PassClock) -> Iterator[Match]:
    """The pairs of answers of one case that teach something: pass against pass, and the recording against each."""
    side = case.baseline or case.candidate
    answers = [(i, answer) for i, answer in enumerate(side) if answer.response is not None and answer.reason is None]
    if not answers or answers[0][0] != 0:
        return
    in_baseline = bool(case.baseline)
    reads = case.method in READS
    windows = {i: clock.window(case, i, in_baseline) for i, _ in answers}
    first = _response(answers[0][1])
    for i, answer in answers[1:]:
        other = _response(answer)
        if other.status == first.status and other.body.complete and first.body.complete:
            attribution = clock.between((in_baseline, 0), (in_baseline, i))
            calls = calls_of(answers[0][1].observed, answer.observed)
            yield Match(i, first, other, windows[0], windows[i], True, reads, in_baseline, attribution, calls)
    recorded = case.exchange.response
    if recorded is None or not recorded.body.complete:
        return
    for i, answer in answers:
        other = _response(answer)
        if other.status == recorded.status and other.body.complete:
            when, calls = clock.recorded(case.exchange), calls_of(recorded_observation(case), answer.observed)
            trusted = not in_baseline
            yield Match(RECORDED - i, recorded, other, when, windows[i], False, reads, trusted, calls=calls)


def repeated(case: Case, repeats: Repeats, clock: PassClock) -> Iterator[Match]:
    """Without a baseline: what a recorded read says, with what the same read said before."""
    before = None if case.baseline else repeats.before(case.exchange)
    if before is None:
        return
    then, now = before.response, case.exchange.response
    if then is not None and now is not None and then.status == now.status and then.body.complete and now.body.complete:
        when = clock.recorded(before), clock.recorded(case.exchange)
        yield Match(REPEATED, then, now, *when, noise=True, reads=True, trusted=False, names=False)


def _response(answer: Answer) -> RecordedResponse:
    assert answer.response is not None
    return answer.response
