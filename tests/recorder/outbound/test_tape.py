"""In a replay the calls are answered from the recording, and nothing is let out: counted at the sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import requests

from recorder import RecorderConfig, RecorderMiddleware
from recorder.exchange import Body, BodyState, CallOutcome, OutboundCall, RecordedRequest, RecordedResponse
from recorder.keys import Key
from recorder.observe import OBSERVED_HEADER, sign, unpacked_observed
from recorder.outbound.tape import REFUSED_STATUS
from recorder.outbound.tape_header import MAX_TAPE, read_tape, tape_values

from ..test_conformance import environ, serve
from .clients import CLIENTS
from .provider import Provider, provider

SECRET = "a key of at least thirty-two bytes"
KEY = Key(SECRET.encode())
PAY = "https://api.pay.example"


@pytest.fixture(autouse=True)
def _errors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_RAISE", "1")


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider("127.0.0.2") as made:
        yield made


def call(method: str, url: str, sent: Any, said: Any, status: int = 201) -> OutboundCall:
    fields = (("Content-Type", "application/json"),)
    request = RecordedRequest(method, url, fields, Body.of(json.dumps(sent).encode()))
    response = RecordedResponse(status, "Created", fields, Body.of(json.dumps(said).encode()))
    return OutboundCall(request, response, 1.0, 1.5)


def charge(number: int, cents: int = 500, base: str = PAY) -> OutboundCall:
    sent = {"amount": cents, "reference": f"ORD-{number:06d}"}
    return call("POST", f"{base}/charges", sent, {"id": f"ch_{number:012x}", **sent, "live": True})


def replay(
    do: Callable[[], object], calls: tuple[OutboundCall, ...] | None, run: str = "r1", **settings: Any
) -> tuple[OutboundCall, ...]:
    """What an observing deploy says of a replayed request that does this, with these calls on its tape."""

    def app(given: dict[str, Any], start: Any) -> list[bytes]:
        assert "HTTP_UNDERSTUDY_TAPE" not in given
        do()
        start("200 OK", [])
        return [b"done"]

    config = RecorderConfig(key=SECRET, observe=True, sql=False, **settings)
    more = {"HTTP_UNDERSTUDY_REPLAY": sign(KEY, "r1", time.time())}
    if calls is not None:
        more["HTTP_UNDERSTUDY_TAPE"] = ", ".join(tape_values(KEY, run, calls))
    answer = serve(RecorderMiddleware(app, config), environ("/", **more))
    assert answer.chunks == [b"done"], answer.error
    ((_, fields),) = answer.started
    observed = unpacked_observed(tuple(value for name, value in fields if name == OBSERVED_HEADER))
    assert observed is not None
    assert observed.outbound is not None
    return observed.outbound


@pytest.mark.parametrize("name", CLIENTS)
def test_each_client_is_answered_from_the_tape(name: str, server: Provider) -> None:
    got: list[Any] = []
    sent = {"amount": 500, "reference": "ORD-000007"}
    (made,) = replay(
        lambda: got.append(CLIENTS[name](f"{server.url}/charges", sent, {})), (charge(7, base=server.url),)
    )
    assert got == [{"id": "ch_000000000007", **sent, "live": True}]
    assert made.outcome is CallOutcome.PLAYED
    assert json.loads(made.request.body.data) == sent
    assert server.connections == 0


@pytest.mark.parametrize("name", CLIENTS)
def test_what_is_not_on_the_tape_is_refused(name: str, server: Provider) -> None:
    def ask() -> None:
        with pytest.raises(Exception, match=r"JSON|599|mimetype|Expecting value"):
            CLIENTS[name](f"{server.url}/refunds", {"amount": 500}, {})

    (made,) = replay(ask, (charge(7),))
    assert made.outcome is CallOutcome.REFUSED
    assert made.response is not None
    assert made.response.status == REFUSED_STATUS
    assert server.connections == 0


def test_a_refusal_says_what_was_refused_and_what_to_do() -> None:
    said: list[str] = []
    replay(lambda: said.append(requests.post(f"{PAY}/v1/refunds/re_1a2b3c4d", json={}, timeout=5).text), ())
    assert said == [
        "Understudy: POST api.pay.example/v1/refunds/{} was not called in the recording, or not as often. In a replay, "
        "calls are answered from the recording and go nowhere; UNDERSTUDY_ALLOW_HOSTS names hosts that may be called.\n"
    ]


def test_an_empty_tape_refuses_everything_and_none_refuses_nothing(server: Provider) -> None:
    def ask() -> None:
        requests.post(f"{server.url}/charges", json={}, timeout=5)

    assert [made.outcome for made in replay(ask, ())] == [CallOutcome.REFUSED]
    assert server.connections == 0
    assert [made.outcome for made in replay(ask, None)] == [CallOutcome.ANSWERED]
    assert server.connections == 1


def test_a_tape_that_is_not_signed_for_this_run_answers_nothing_and_lets_nothing_out(server: Provider) -> None:
    (made,) = replay(lambda: requests.post(f"{server.url}/charges", json={}, timeout=5), (charge(7),), run="r2")
    assert made.outcome is CallOutcome.REFUSED
    assert server.connections == 0
    values = tape_values(KEY, "r1", (charge(7),))
    assert read_tape(KEY, "r1", ",".join(values)) == (charge(7),)
    digest, text = values
    for bad in ("", digest, f"{digest},{text[:-4]}", f"{'0' * 64},{text}", text, f"{digest},é"):
        assert read_tape(KEY, "r1", bad) is None
    assert read_tape(Key(b"z" * 40), "r1", ",".join(values)) is None


def test_a_tape_is_bounded_and_leaves_out_the_largest_calls() -> None:
    import os

    large = replace(charge(1), response=RecordedResponse(200, "OK", (), Body.of(os.urandom(64_000))))
    values = tape_values(KEY, "r", (charge(2), large, charge(3)))
    assert sum(map(len, values)) <= MAX_TAPE + 64
    assert max(map(len, values)) <= 4000
    assert read_tape(KEY, "r", ",".join(values)) == (charge(2), charge(3))


def test_calls_are_matched_by_what_they_say_and_what_they_say_is_echoed() -> None:
    """Orders 7 and 8 are 1007 and 1008 here, and the host is another one; they come the other way round."""
    got: list[Any] = []

    def ask() -> None:
        with requests.Session() as session:
            for number, cents in ((1008, 900), (1007, 500)):
                sent = {"amount": cents, "reference": f"ORD-{number:06d}"}
                got.append(session.post("http://sandbox.pay.example:8443/charges", json=sent, timeout=5).json())

    replay(ask, (charge(7, 500), charge(8, 900)))
    assert got == [
        {"id": "ch_000000000008", "amount": 900, "reference": "ORD-001008", "live": True},
        {"id": "ch_000000000007", "amount": 500, "reference": "ORD-001007", "live": True},
    ]


def test_a_wrong_amount_is_still_answered_so_that_it_can_be_told() -> None:
    got: list[Any] = []
    sent = {"amount": 50_000, "reference": "ORD-000007"}
    (made,) = replay(lambda: got.append(CLIENTS["requests"](f"{PAY}/charges", sent, {})), (charge(7),))
    assert got[0] == {"id": "ch_000000000007", **sent, "live": True}
    assert json.loads(made.request.body.data) == sent


def test_a_write_is_answered_once_and_a_read_again() -> None:
    statuses: list[int] = []

    def ask() -> None:
        for _ in range(2):
            statuses.append(requests.post(f"{PAY}/charges", json={"amount": 500}, timeout=5).status_code)
            statuses.append(requests.get(f"{PAY}/rates?to=usd", timeout=5).status_code)

    replay(ask, (charge(7), call("GET", f"{PAY}/rates?to=usd", {}, {"rate": 1.1}, 200)))
    assert statuses == [201, 200, REFUSED_STATUS, 200]


def test_what_failed_in_the_recording_fails_again(server: Provider) -> None:
    failed = replace(charge(7, base=server.url), response=None, outcome=CallOutcome.FAILED)

    def ask() -> None:
        with pytest.raises(requests.ConnectionError):
            CLIENTS["requests"](f"{server.url}/charges", {}, {})
        with pytest.raises(httpx.ConnectError):
            CLIENTS["httpx"](f"{server.url}/charges", {}, {})

    assert [made.outcome for made in replay(ask, (failed, failed))] == [CallOutcome.PLAYED] * 2
    assert server.connections == 0


def test_a_cut_response_is_given_as_far_as_it_was_kept() -> None:
    cut = RecordedResponse(200, "OK", (("Content-Length", "9000"),), Body(b"abc", 9000, BodyState.TRUNCATED))
    got: list[bytes] = []
    tape = (replace(call("GET", f"{PAY}/file", {}, {}), response=cut),)
    replay(lambda: got.append(requests.get(f"{PAY}/file", timeout=5).content), tape)
    assert got == [b"abc"]


def test_hosts_on_the_list_are_really_called(server: Provider) -> None:
    def ask() -> None:
        requests.get(f"{server.url}/search", timeout=5)
        httpx.get(f"{server.url}/search")

    for pattern in ("127.0.0.2", f"127.0.0.2:{server.server_port}", "127.*"):
        made = replay(ask, (), allow_hosts=(pattern,), egress="block")
        assert [one.outcome for one in made] == [CallOutcome.ANSWERED] * 2
    assert server.connections == 6


def connect(server: Provider) -> None:
    with pytest.raises(ConnectionRefusedError, match="UNDERSTUDY_ALLOW_HOSTS"):
        socket.create_connection(server.server_address[:2], timeout=5)


def test_no_connection_gets_past_the_guard(server: Provider) -> None:
    """By hand, in a thread, and over UDP: to a host of the tape, or with all blocked."""

    def ask() -> None:
        connect(server)
        thread = threading.Thread(target=connect, args=(server,))
        thread.start()
        thread.join()
        with pytest.raises(ConnectionRefusedError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(b"x", server.server_address[:2])

    for made in (
        replay(ask, (charge(7, base=server.url),)),
        replay(ask, (), egress="block"),
    ):
        assert [(one.outcome, one.request.target) for one in made] == [
            (CallOutcome.BLOCKED, f"127.0.0.2:{server.server_port}")
        ] * 3
    assert server.connections == 0


def test_mail_is_never_let_out() -> None:
    import smtplib

    def ask() -> None:
        with pytest.raises(ConnectionRefusedError, match=r"127\.0\.0\.3:25"):
            smtplib.SMTP("127.0.0.3", 25, timeout=5)

    (made,) = replay(ask, ())
    assert made.outcome is CallOutcome.BLOCKED


def test_data_stores_pass_and_so_does_what_is_not_replayed(server: Provider) -> None:
    def ask() -> None:
        with socket.create_connection(server.server_address[:2], timeout=5):
            pass
        left, right = socket.socketpair()
        left.close()
        right.close()

    assert replay(ask, ()) == ()
    assert replay(ask, None, egress="block") == ()
    ask()
    deadline = time.monotonic() + 5
    while server.connections < 3 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert server.connections == 3


def test_what_fails_in_a_hook_keeps_no_call_from_being_made_and_lets_none_out_of_a_replay(
    server: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNDERSTUDY_RAISE")

    def fails(*_: Any) -> None:
        raise RuntimeError("a mistake of ours")

    def ask() -> None:
        statuses.append(requests.get(server.url, timeout=5).status_code)

    def refused() -> None:
        with pytest.raises(requests.ConnectionError):
            requests.get(server.url, timeout=5)

    statuses: list[int] = []
    monkeypatch.setattr("recorder.outbound.calls.CallLog.begin", fails)
    replay(ask, None)
    assert statuses == [200]
    replay(refused, ())
    assert server.connections == 1


def test_what_a_client_takes_and_we_cannot_read_is_sent_all_the_same(
    server: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNDERSTUDY_RAISE")

    def ask() -> None:
        connection = http.client.HTTPConnection(*server.server_address, timeout=5)
        connection.request("GET", None)  # type: ignore[arg-type]  # which http.client takes for /
        statuses.append(connection.getresponse().status)
        connection.close()

    statuses: list[int] = []
    assert replay(ask, None) == ()
    assert statuses == [200]


def test_what_another_exchange_fetched_for_all_is_answered_as_it_was() -> None:
    got: list[Any] = []
    keys = replace(call("GET", f"{PAY}/keys", {}, {"keys": [1]}, 200), outcome=CallOutcome.SPARE)

    def ask() -> None:
        for _ in range(2):
            got.append(requests.get(f"{PAY}/keys", timeout=5).json())
        got.append(requests.post(f"{PAY}/keys", timeout=5).status_code)

    made = replay(ask, (charge(7), keys))
    assert got == [{"keys": [1]}, {"keys": [1]}, REFUSED_STATUS]
    assert [one.outcome for one in made] == [CallOutcome.SPARE, CallOutcome.SPARE, CallOutcome.REFUSED]


def test_the_very_same_write_once_more_is_answered_alike_and_told() -> None:
    statuses: list[int] = []

    def ask() -> None:
        for cents in (500, 500, 501):
            sent = {"amount": cents, "reference": "ORD-001007"}
            statuses.append(requests.post(f"{PAY}/charges", json=sent, timeout=5).status_code)

    made = replay(ask, (charge(7),))
    assert statuses == [201, 201, REFUSED_STATUS]
    assert [one.outcome for one in made] == [CallOutcome.PLAYED, CallOutcome.PLAYED, CallOutcome.REFUSED]
