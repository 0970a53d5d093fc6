from __future__ import annotations

import json

import pytest

from diffing.card_digits import alike_but_for_cards, cards_in
from diffing.difference import Answer, Case
from diffing.profile import learn
from diffing.trial import Trial
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse

PSEUDONYM = "4539578763621486"


@pytest.mark.parametrize(
    ("recorded", "candidate", "alike"),
    [
        ("4242", "1486", True),
        ("Visa **** 4242", "Visa **** 1486", True),
        ("424242******4242", "453957******1486", True),
        ("4242", "1487", False),
        ("Visa **** 4242", "Amex **** 1486", False),
        ("4242", "01486", False),
    ],
)
def test_the_digits_of_the_pseudonym_stand_for_those_of_the_card(recorded: str, candidate: str, alike: bool) -> None:
    assert alike_but_for_cards(recorded, candidate, (PSEUDONYM,)) is alike


def test_a_number_without_a_check_digit_is_no_card() -> None:
    body = json.dumps({"card": PSEUDONYM, "order": "1234567890123456"}).encode()
    assert cards_in(RecordedRequest("POST", "/pay", (), Body.of(body))) == (PSEUDONYM,)


@pytest.mark.parametrize("with_baseline", [False, True])
def test_they_are_no_difference_against_the_recording_alone(with_baseline: bool) -> None:
    def paid(card: str) -> RecordedResponse:
        data = json.dumps({"card": f"**** {card}", "status": "paid"}).encode()
        return RecordedResponse(200, "OK", (("Content-Type", "application/json"),), Body.of(data))

    request = RecordedRequest("POST", "/pay", (), Body.of(json.dumps({"number": PSEUDONYM}).encode()))
    exchange = Exchange("0" * 32, request, paid("4242"), 1.0, 2.0)
    here = Answer(paid("1486"), "", 1.0, 2.0)
    baseline = (Answer(paid("4242"), "", 1.0, 2.0),) if with_baseline else ()
    case = Case(exchange, "/pay", baseline, (here, here) if not with_baseline else (here,))
    (found,) = Trial(learn([case], {}), ()).first([case])
    assert len(found.differences) == with_baseline
