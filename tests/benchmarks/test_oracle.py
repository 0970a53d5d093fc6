"""What takes the place of chance in the oracle, and how it plays a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.accuracy.oracle import Exercise
from benchmarks.accuracy.oracle_child import MILLISECONDS_PER_REQUEST, Fixed, play


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("X-Path", environ["PATH_INFO"])])
    return [environ["wsgi.input"].read(), b"\xff"]


def test_random_bytes_and_time_depend_on_the_number_of_the_request_alone() -> None:
    fixed, other = Fixed(1000.0), Fixed(1000.0)
    fixed.begin(1)
    fixed.bytes(4)
    fixed.begin(2)
    other.begin(2)
    assert fixed.bytes(16) == other.bytes(16)
    assert fixed.bytes(16) != fixed.bytes(16)
    assert len(fixed.bytes()) == 32
    assert fixed.time() == 1000.0 + 2 * MILLISECONDS_PER_REQUEST / 1000
    assert fixed.perf_counter() == other.perf_counter()


def test_a_tape_is_played_byte_for_byte() -> None:
    tape = {"begun": 0.0, "requests": [[{"PATH_INFO": "/a"}, "\xe9"], [{"PATH_INFO": "/b"}, ""]]}
    assert play(echo, tape, Fixed(0.0)) == [
        ["200 OK", [["X-Path", "/a"]], "\xe9\xff"],
        ["200 OK", [["X-Path", "/b"]], "\xff"],
    ]


def test_a_mutant_is_exercised_when_an_answer_differs() -> None:
    assert Exercise(1, 10, "", (), False).exercised
    assert not Exercise(0, 10, "", (), True).exercised
