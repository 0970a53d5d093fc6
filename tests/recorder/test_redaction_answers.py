"""A replay sends pseudonyms. What an application gives back of them is no secret, and must not change once more."""

from __future__ import annotations

import base64
import json

import pytest

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from recorder.keys import Key
from recorder.redaction import Redactor

KEY = Key(b"0123456789abcdef0123456789abcdef")
P = Redactor(KEY).pseudonym
JSON = ("Content-Type", "application/json")
SENT = "s3nt-by-the-client"
MADE = "made-by-the-s3rver"
FRESH = "made-by-the-r3play"


def recorded() -> Exchange:
    """A redacted exchange: the client sent one secret in every way there is, the application made another."""
    basic = base64.b64encode(f"ada:{SENT}".encode()).decode()
    request = RecordedRequest(
        "POST",
        f"/login?token={SENT}",
        (("Authorization", f"Basic {basic}"), ("Cookie", f"sid={SENT}"), JSON),
        Body.of(json.dumps({"password": SENT}).encode()),
    )
    response = RecordedResponse(200, "OK", (("X-Auth-Token", MADE), JSON), Body.of(b"{}"))
    return Redactor(KEY).redact(Exchange("0" * 32, request, response, 1.0, 2.0))


def answer(value: str) -> RecordedResponse:
    """An application that gives the value back under names that tell, and once where nothing names it."""
    basic = base64.b64encode(f"ada:{value}".encode()).decode()
    return RecordedResponse(
        200,
        "OK",
        (
            ("X-Auth-Token", value),
            ("Set-Cookie", f"sid={value}; Path=/"),
            ("Location", f"/next?token={value}"),
            ("Proxy-Authorization", f"Basic {basic}"),
            JSON,
        ),
        Body.of(json.dumps({"password": value, "said": f"is {value}!"}).encode()),
    )


@pytest.mark.parametrize("value", [SENT, MADE])
def test_pseudonyms_of_the_recording_stay_wherever_they_come_back(value: str) -> None:
    assert Redactor(KEY).redact_answer(answer(P(value)), recorded()) == answer(P(value))


def test_what_the_replay_made_is_redacted_beside_what_it_gave_back() -> None:
    got = Redactor(KEY).redact_answer(
        RecordedResponse(
            200,
            "OK",
            (("X-Auth-Token", FRESH), ("Set-Cookie", f"sid={P(SENT)}"), JSON),
            Body.of(json.dumps({"token": FRESH, "password": P(SENT)}).encode()),
        ),
        recorded(),
    )
    assert got == RecordedResponse(
        200,
        "OK",
        (("X-Auth-Token", P(FRESH)), ("Set-Cookie", f"sid={P(SENT)}"), JSON),
        Body.of(json.dumps({"token": P(FRESH), "password": P(SENT)}).encode()),
    )


def test_what_stays_in_one_answer_is_a_secret_in_the_next() -> None:
    """One redactor serves a whole replay: what it remembers of one exchange must not clear another."""
    redactor = Redactor(KEY)
    alone = Exchange("1" * 32, RecordedRequest("GET", "/", ()), None, 1.0, 2.0)
    pseudonym = P(SENT)
    for _ in range(2):
        assert redactor.redact_answer(answer(pseudonym), recorded()) == answer(pseudonym)
        assert redactor.redact_answer(answer(pseudonym), alone) == answer(P(pseudonym))
        assert redactor.redact_response(answer(pseudonym)) == answer(P(pseudonym))


def test_an_answer_that_cannot_be_read_is_not_kept() -> None:
    odd = RecordedResponse(200, "OK", (("Set-Cookie", f"sid={FRESH}\u20ac"),), Body.of(b"\0password " + FRESH.encode()))
    got = Redactor(KEY).redact_answer(odd, recorded())
    assert FRESH not in got.headers[0][1]
    assert got.body.data == b""
