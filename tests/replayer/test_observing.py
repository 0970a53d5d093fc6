"""What a report says when the targets do not tell what they do beside answering."""

from __future__ import annotations

import pytest

from diffing.difference import Answer
from recorder.exchange import Exchange, Observed, OutboundCall, RecordedRequest, RecordedResponse
from replayer.observing import CALLS_WENT_OUT, ONE_SIDE, unobserved

RESPONSE = RecordedResponse(200, "OK", ())
SILENT = (Answer(RESPONSE), Answer(None, "timeout"))
TELLS = (Answer(None, "timeout"), Answer(RESPONSE, observed=Observed((), ())))
CALL = OutboundCall(RecordedRequest("POST", "https://pay.example/charges", ()), RESPONSE, 1.0, 2.0)


def recorded(*calls: OutboundCall) -> list[Exchange]:
    return [Exchange("0", RecordedRequest("GET", "/", ()), RESPONSE, 1.0, 2.0, outbound=calls)]


def test_where_both_sides_observe_nothing_is_to_be_said() -> None:
    assert unobserved(recorded(CALL), TELLS, TELLS) == ()


@pytest.mark.parametrize("calls", [(), (CALL,)])
def test_one_side_that_does_not_is_named(calls: tuple[OutboundCall, ...]) -> None:
    assert unobserved(recorded(*calls), TELLS, SILENT) == (ONE_SIDE.format(side="baseline"),)
    assert unobserved(recorded(*calls), SILENT, TELLS) == (ONE_SIDE.format(side="candidate"),)


def test_where_nobody_does_the_recorded_calls_were_really_made() -> None:
    assert unobserved(recorded(CALL), SILENT, SILENT) == (CALLS_WENT_OUT,)
    assert unobserved(recorded(CALL), None, SILENT) == (CALLS_WENT_OUT,)
    assert unobserved(recorded(), SILENT, SILENT) == ()


def test_against_the_recording_alone_the_candidate_is_the_only_side() -> None:
    assert unobserved(recorded(CALL), None, TELLS) == ()
