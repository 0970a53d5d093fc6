from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pytest

from recorder import RecorderConfig, RecorderMiddleware
from recorder.keys import Key
from recorder.observe import WINDOW, sign, verify
from recorder.sinks.memory import memory_sink

from .test_conformance import environ, serve

SECRET = "a key of at least thirty-two bytes"
KEY = Key(SECRET.encode())
NOW = 1_700_000_000.5


def test_a_signature_is_good_within_its_window_only() -> None:
    signed = sign(KEY, "run.7", NOW)
    assert verify(KEY, signed, NOW) == "run.7"
    assert verify(KEY, signed, NOW + WINDOW - 1) == "run.7"
    assert verify(KEY, signed, NOW - WINDOW) == "run.7"
    assert verify(KEY, signed, NOW + WINDOW + 1) is None
    assert verify(KEY, signed, NOW - WINDOW - 1) is None


@pytest.mark.parametrize(
    "value", ["", ".", "..", "run", "run.1700000000.", "run.x.00", ".1700000000.00", "\xe9.1.2", "9" * 600]
)
def test_anything_else_is_no_signature(value: str) -> None:
    assert verify(KEY, value, NOW) is None


def test_neither_another_key_nor_another_run_will_do() -> None:
    signed = sign(KEY, "run", NOW)
    assert verify(Key(b"z" * 32), signed, NOW) is None
    assert verify(KEY, signed.replace("run", "ran"), NOW) is None


def app(request: dict[str, Any], start: Any) -> Iterable[bytes]:
    run = request.get("understudy.replay")
    if run:
        request["understudy.sql"] = (3, 0.0125)
    start("200 OK", [("X-Run", str(run))])
    return [b"x"]


def test_a_signed_replay_is_answered_with_observations_and_never_recorded() -> None:
    sink = memory_sink("observe")
    config = RecorderConfig(sink="memory:observe", key=SECRET, observe=True, sql=False, outbound=False)
    wrapped = RecorderMiddleware(app, config)
    signed = serve(wrapped, environ("/", HTTP_UNDERSTUDY_REPLAY=sign(KEY, "r1", time.time())))
    forged = serve(wrapped, environ("/", HTTP_UNDERSTUDY_REPLAY="r1.1.00"))
    wrapped.close()
    assert signed.started == [("200 OK", [("X-Run", "r1"), ("Understudy-Sql", "count=3;time=0.012500")])]
    assert forged.started == [("200 OK", [("X-Run", "None")])]
    assert len(sink.exchanges()) == 1
    assert sum(count.seen for count in sink.reports()[-1].counts) == 1


def test_without_observe_the_header_means_nothing() -> None:
    sink = memory_sink("unobserved")
    wrapped = RecorderMiddleware(app, RecorderConfig(sink="memory:unobserved", key=SECRET))
    got = serve(wrapped, environ("/", HTTP_UNDERSTUDY_REPLAY=sign(KEY, "r1", time.time())))
    wrapped.close()
    assert got.started == [("200 OK", [("X-Run", "None")])]
    assert len(sink.exchanges()) == 1


def test_observing_needs_no_sink() -> None:
    wrapped = RecorderMiddleware(app, RecorderConfig(key=SECRET, observe=True))
    got = serve(wrapped, environ("/", HTTP_UNDERSTUDY_REPLAY=sign(KEY, "r1", time.time())))
    assert got.started[0][1][0] == ("X-Run", "r1")


def test_an_application_that_counts_by_itself_knows_better_than_a_hook() -> None:
    import sqlalchemy  # noqa: F401 - loaded, and hence counted, in this process

    wrapped = RecorderMiddleware(app, RecorderConfig(key=SECRET, observe=True))
    signed = serve(wrapped, environ("/", HTTP_UNDERSTUDY_REPLAY=sign(KEY, "r1", time.time())))
    names = [name for name, _ in signed.started[0][1]]
    assert ("Understudy-Sql", "count=3;time=0.012500") in signed.started[0][1]
    assert names == ["X-Run", "Understudy-Sql", "Understudy-Observed", "Understudy-Observed"]
