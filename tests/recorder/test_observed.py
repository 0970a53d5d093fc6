"""How what was observed travels from a staging deploy to the replay that asked for it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

from recorder.exchange import Body, BodyState, Observed, OutboundCall, RecordedRequest, RecordedResponse, SqlStatement
from recorder.guard import Guard
from recorder.observation import Observation, current
from recorder.observe import MAX_OBSERVED, pack, packed_observed, unpack, unpacked_observed
from recorder.observed import MAX_HELD, answer_observed

from .test_conformance import environ, serve

SELECT = SqlStatement("f00d", "SELECT # FROM orders WHERE id = #", 3, 3)


class Statements:
    """Counts what the application below says that it asked."""

    seconds = 0.25
    weight = 0

    def __init__(self) -> None:
        self.count = 0

    def taken(self) -> tuple[SqlStatement, ...]:
        return (SqlStatement("f00d", SELECT.statement, self.count, self.count),)


def call(size: int) -> OutboundCall:
    body = os.urandom(size).hex().encode()
    request = RecordedRequest("POST", "https://pay.example/charges", (("Idempotency-Key", "k1"),), Body.of(body))
    return OutboundCall(request, RecordedResponse(201, "Created", (), Body.of(body)), 1.0, 1.5)


@pytest.mark.parametrize(
    "observed", [Observed(), Observed((), ()), Observed((SELECT,)), Observed((SELECT,), (call(9),))]
)
def test_what_was_observed_comes_back(observed: Observed) -> None:
    values = packed_observed(observed)
    assert unpacked_observed(tuple(values)) == observed
    assert unpacked_observed((", ".join(values),)) == observed  # as a proxy may join them


def test_what_does_not_fit_loses_bodies_first_and_says_so() -> None:
    large = Observed((SELECT,), (call(100_000),))
    values = packed_observed(large)
    assert sum(map(len, values)) <= MAX_OBSERVED + 2
    assert max(map(len, values)) <= 4000
    got = unpacked_observed(tuple(values))
    assert got is not None
    assert not got.partial  # every statement and call is there
    assert got.sql == (SELECT,)
    assert got.outbound is not None
    assert got.outbound[0].request.target == "https://pay.example/charges"
    assert got.outbound[0].request.body.state is BodyState.TRUNCATED
    many = packed_observed(Observed(tuple(SqlStatement(os.urandom(99).hex(), "", 1, 1) for _ in range(2000))))
    assert unpacked_observed(tuple(many)) == Observed(partial=True)


@pytest.mark.parametrize("text", ["", "p0", "p0,!!", "p0,AAAA", "p0," + pack(b"\x07"), "x" * 99])
def test_what_cannot_be_read_is_nothing_or_empty(text: str) -> None:
    assert unpacked_observed((text,)) in (None, Observed())


def test_a_bomb_is_not_inflated() -> None:
    with pytest.raises(ValueError, match="too large"):
        unpack(pack(bytes(17 * 1024 * 1024)))


def test_what_happens_while_the_body_is_iterated_is_observed() -> None:
    observation = Observation("r1")
    counted = observation.statements = Statements()

    def app(_: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("X", "1")])
        assert current() is observation
        for piece in (b"a", b"b"):
            counted.count += 1
            yield piece

    got = serve(lambda e, s: answer_observed(app, e, s, observation, Guard()), environ("/"))
    ((status, headers),) = got.started
    assert (status, headers[0], headers[1]) == ("200 OK", ("X", "1"), ("Understudy-Sql", "count=2;time=0.250000"))
    values = tuple(value for name, value in headers if name == "Understudy-Observed")
    assert unpacked_observed(values) == Observed((SqlStatement("f00d", SELECT.statement, 2, 2),))
    assert b"".join(got.chunks) == b"ab"
    assert current() is None


def test_a_body_too_large_to_be_held_begins_to_be_sent() -> None:
    observation = Observation("r1")
    counted = observation.statements = Statements()

    def app(_: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        yield b"x" * (MAX_HELD + 1)
        counted.count += 1
        yield b"y"

    got = serve(lambda e, s: answer_observed(app, e, s, observation, Guard()), environ("/"))
    values = tuple(value for name, value in got.started[0][1] if name == "Understudy-Observed")
    observed = unpacked_observed(values)
    assert observed is not None
    assert observed.partial
    assert len(b"".join(got.chunks)) == MAX_HELD + 2


def test_an_error_replaces_what_was_begun() -> None:
    def app(_: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])(b"half")
        try:
            raise RuntimeError
        except RuntimeError as error:
            start("500 No", [], (type(error), error, error.__traceback__))
        return [b"sorry"]

    got = serve(lambda e, s: answer_observed(app, e, s, Observation("r1"), Guard()), environ("/"))
    assert (got.started, got.chunks) == ([("500 No", [])], [b"sorry"])


def test_what_the_application_raises_is_raised() -> None:
    def app(_: dict[str, Any], start: Any) -> Iterable[bytes]:
        raise LookupError("gone")

    got = serve(lambda e, s: answer_observed(app, e, s, Observation("r1"), Guard()), environ("/"))
    assert (got.started, got.error) == ([], "LookupError('gone')")
    assert current() is None
