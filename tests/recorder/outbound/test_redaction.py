"""No secret of an outbound call leaves the process in clear, wherever it stands."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from recorder import RecorderConfig, RecorderMiddleware
from recorder.exchange import Body, OutboundCall, RecordedRequest
from recorder.keys import Key
from recorder.payload import encode_exchange
from recorder.redaction import Redactor
from recorder.sinks.memory import memory_sink

from ..test_conformance import environ, serve
from .provider import Provider, provider

KEY = "a key of at least thirty-two bytes"
BEARER = "sk_live_9aQ8ZkfP3mWx71TtLb"
PASSWORD = "correct-horse-battery"
API_KEY = "AIzaSyD3x4mpl3K3yF0rT3sts"
CARD = "4111111111111111"
TOKEN_OF_THE_USER = "u5er-t0ken-4f9a8c1b7d6e"


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as made:
        yield made


def recorded_calls(do: Any, **more: Any) -> tuple[bytes, tuple[OutboundCall, ...]]:
    sink = memory_sink("outbound secrets")
    sink.clear()

    def app(given: dict[str, Any], start: Any) -> list[bytes]:
        do(given)
        start("200 OK", [])
        return []

    middleware = RecorderMiddleware(app, RecorderConfig(sink="memory:outbound secrets", key=KEY))
    serve(middleware, environ("/pay", **more))
    assert middleware.flush()
    middleware.close()
    (exchange,) = sink.exchanges()
    assert exchange.outbound is not None
    return encode_exchange(exchange), exchange.outbound


def test_no_secret_of_a_call_reaches_the_sink(server: Provider) -> None:
    basic = base64.b64encode(f"shop:{PASSWORD}".encode()).decode()

    def pay(_: dict[str, Any]) -> None:
        url = f"{server.url}/charges?api_key={API_KEY}&amount=5"
        body = {"card_number": CARD, "client_secret": PASSWORD, "amount": 5}
        requests.post(url, json=body, headers={"Authorization": f"Bearer {BEARER}"}, timeout=5)
        requests.post(server.url, data={"token": BEARER, "amount": "5"}, auth=("shop", PASSWORD), timeout=5)

    frames, calls = recorded_calls(pay)
    for secret in (BEARER, PASSWORD, API_KEY, CARD, basic):
        assert secret.encode() not in frames
    first, second = calls
    sent = json.loads(first.request.body.data)
    assert sent["amount"] == 5
    assert set(sent) == {"card_number", "client_secret", "amount"}
    assert "amount=5" in first.request.target
    assert dict(first.request.headers)["Authorization"].startswith("Bearer ")
    assert dict(second.request.headers)["Authorization"].startswith("Basic ")
    assert first.response is not None  # it gave everything back, which is no reason to keep it
    assert sent["client_secret"] in json.loads(first.response.body.data)["sent"]


def test_what_was_sent_on_has_the_same_pseudonym_everywhere(server: Provider) -> None:
    def forward(given: dict[str, Any]) -> None:
        word = given["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        requests.get(f"{server.url}/about/{word}", headers={"X-Trace": f"for {word}"}, timeout=5)

    frames, (call,) = recorded_calls(forward, HTTP_AUTHORIZATION=f"Bearer {TOKEN_OF_THE_USER}")
    assert TOKEN_OF_THE_USER.encode() not in frames
    pseudonym = call.request.target.rpartition("/")[2]
    assert dict(call.request.headers)["X-Trace"] == f"for {pseudonym}"
    exchange = memory_sink("outbound secrets").exchanges()[0]
    assert dict(exchange.request.headers)["Authorization"] == f"Bearer {pseudonym}"


def test_services_that_expect_secrets_in_odd_places_get_none(server: Provider) -> None:
    odd = [
        f"/maps/json?address=Oslo&key={API_KEY}",
        "/bot123456:AAH4x9fQz7LmT0pWk2JvYc8RbNs/sendMessage",
        "/services/T024BE7LD/B0G9QF9GW/5wqHc9fJ2bLx8PzR0tYu",
        "/api/webhooks/9912834/Zx8-q2Lk_0pWv7TnBs4HdYj6",
    ]
    frames, calls = recorded_calls(lambda _: [requests.get(server.url + path, timeout=5) for path in odd])
    for secret in (API_KEY, "AAH4x9fQz7LmT0pWk2JvYc8RbNs", "5wqHc9fJ2bLx8PzR0tYu", "Zx8-q2Lk_0pWv7TnBs4HdYj6"):
        assert secret.encode() not in frames
    targets = [call.request.target for call in calls]
    assert targets[0].startswith(f"{server.url}/maps/json?address=Oslo&key=")
    assert targets[1].endswith("/sendMessage")
    assert targets[2].startswith(f"{server.url}/services/T024BE7LD/B0G9QF9GW/")


def test_what_a_replay_called_is_redacted_but_for_the_recordings_own_pseudonyms(server: Provider) -> None:
    def forward(given: dict[str, Any]) -> None:
        requests.post(server.url, json={"token": given["HTTP_X_TOKEN"]}, headers={"X-Api-Key": API_KEY}, timeout=5)

    recorded_calls(forward, HTTP_X_TOKEN=TOKEN_OF_THE_USER)
    recorded = memory_sink("outbound secrets").exchanges()[0]
    assert recorded.outbound is not None
    pseudonym = json.loads(recorded.outbound[0].request.body.data)["token"]
    headers = (("X-Api-Key", "st4ging-k3y-0f-0urs"), ("Content-Type", "application/json"))
    sent = {"token": pseudonym, "secret": "st4ging-secret"}
    request = RecordedRequest("POST", server.url, headers, Body.of(json.dumps(sent).encode()))
    (call,) = Redactor(Key(KEY.encode())).redact_calls([OutboundCall(request, None, 1.0, 2.0)], recorded)
    assert json.loads(call.request.body.data)["token"] == pseudonym
    assert b"st4ging" not in call.request.body.data
    assert "st4ging" not in str(call.request.headers)
