"""Which outbound calls any exchange may have to make: those that fill a cache."""

from __future__ import annotations

from dataclasses import replace

from recorder.exchange import Body, CallOutcome, Exchange, OutboundCall, RecordedRequest, RecordedResponse
from replayer.spare_calls import MAX_BODY, MAX_SPARE, spare_calls


def call(line: str, said: bytes = b"{}", status: int = 200) -> OutboundCall:
    method, _, url = line.partition(" ")
    return OutboundCall(RecordedRequest(method, url, ()), RecordedResponse(status, "", (), Body.of(said)), 1.0, 2.0)


def exchange(route: str, *calls: OutboundCall) -> tuple[str, Exchange]:
    response = RecordedResponse(200, "OK", ())
    return route, Exchange("0", RecordedRequest("GET", route, ()), response, 1.0, 2.0, outbound=calls)


KEYS = call("GET https://id.example/keys")
TOKEN = call("POST https://id.example/oauth/token")
CHARGE = call("POST https://pay.example/charges")
USER = call("GET https://users.example/users/17")


def test_what_only_some_exchanges_of_a_route_fetch_is_spare() -> None:
    rates = call("GET https://pay.example/rates")  # all of the route fetch them: no cache
    made = [exchange("/a", KEYS, TOKEN, CHARGE, USER, rates), exchange("/a", rates), exchange("/b", KEYS)]
    assert spare_calls(made) == (
        replace(KEYS, outcome=CallOutcome.SPARE),
        replace(TOKEN, outcome=CallOutcome.SPARE),
    )


def test_failures_and_large_answers_are_not_and_there_are_few() -> None:
    bad = [call("GET https://a.example/x", status=500), call("GET https://a.example/y", b"x" * (MAX_BODY + 1))]
    many = [call(f"GET https://a.example/z?page={n}") for n in range(2 * MAX_SPARE)]
    assert spare_calls([exchange("/a", *bad), exchange("/a")]) == ()
    assert len(spare_calls([exchange("/a", *many), exchange("/a")])) == MAX_SPARE


def test_without_observations_there_is_none() -> None:
    route, first = exchange("/a", KEYS)
    assert spare_calls([(route, replace(first, outbound=None)), exchange("/a")]) == ()
