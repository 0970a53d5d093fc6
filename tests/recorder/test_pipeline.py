"""The recorder's own failures: each costs a counted exchange, and never a byte of the application's response."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from recorder import Exchange, RecorderConfig, RecorderMiddleware
from recorder.exchange import ProducerReport
from recorder.pipeline import Pipeline
from recorder.sinks import SinkError
from recorder.sinks.memory import MemorySink, memory_sink
from recorder.wire import read_spool
from tests.apps import conformance

from .test_conformance import Answer, environ, serve

KEY = "a key of at least thirty-two bytes"
PATHS = ("/plain", "/generator", "/writes", "/raises", "/raises_later", "/unread")
EXPECTED = [serve(conformance.bare, environ(path)) for path in PATHS]


def answers(app: Any) -> list[Answer]:
    found = [serve(app, environ(path)) for path in PATHS]
    for expected, got in zip(EXPECTED, found, strict=True):
        got.closed = expected.closed
    return found


def losses(report: ProducerReport) -> tuple[int, int, dict[str, int]]:
    """What was seen, what was dropped, and why."""
    seen = sum(count.seen for count in report.counts)
    return seen, sum(count.dropped for count in report.counts), dict(report.losses)


def middleware(sink: str, **settings: Any) -> RecorderMiddleware:
    return RecorderMiddleware(conformance.bare, RecorderConfig(sink=sink, key=KEY, **settings))


@pytest.fixture
def sink() -> MemorySink:
    found = memory_sink("pipeline")
    found.clear()
    return found


def test_counters_balance_with_what_was_recorded(sink: MemorySink) -> None:
    app = middleware("memory:pipeline")
    assert answers(app) == EXPECTED
    app.close()
    assert len(sink.exchanges()) == len(PATHS)
    assert losses(sink.reports()[-1]) == (len(PATHS), 0, {})


def test_the_background_thread_ships_without_being_asked(sink: MemorySink) -> None:
    app = middleware("memory:pipeline")
    answers(app)
    deadline = time.monotonic() + 5
    while (len(sink.exchanges()) < len(PATHS) or not sink.reports()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(sink.exchanges()) == len(PATHS)
    assert sink.reports()
    app.close()


def test_a_full_queue_drops_the_newest_and_says_why(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pipeline, "_run", lambda *_: None)  # a background thread that never gets its turn
    app = middleware("memory:pipeline", queue_count=4)
    assert answers(app) == EXPECTED
    app.close()
    assert [made.request.target for made in sink.exchanges()] == list(PATHS[:4])
    assert losses(sink.reports()[-1]) == (6, 2, {"queue_count": 2})


def test_the_queue_is_bounded_in_bytes_too(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pipeline, "_run", lambda *_: None)
    app = middleware("memory:pipeline", queue_bytes=1 << 20)
    for _ in range(3):
        serve(app, environ("/echo", "POST", bytes(200_000)))
    app.close()
    assert len(sink.exchanges()) == 2
    assert losses(sink.reports()[-1]) == (3, 1, {"queue_bytes": 1})


def test_an_encoder_that_raises(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Exchange) -> bytes:
        raise RuntimeError("ours")

    monkeypatch.setattr("recorder.ship.encode_exchange", fail)
    app = middleware("memory:pipeline")
    assert answers(app) == EXPECTED
    app.close()
    assert sink.exchanges() == []
    assert losses(sink.reports()[-1]) == (6, 6, {"encoding": 6, "failed: encoding": 6})


def test_a_capture_that_raises(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("recorder.middleware.layout_of", fail)
    app = middleware("memory:pipeline")
    assert answers(app) == EXPECTED
    app.close()
    assert losses(sink.reports()[-1])[:2] == (6, 6)


def test_an_exchange_that_cannot_be_finished(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("recorder.middleware.route_of", fail)
    app = middleware("memory:pipeline")
    assert answers(app) == EXPECTED
    app.close()
    assert losses(sink.reports()[-1])[:2] == (6, 6)


def test_what_production_swallows_tests_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setenv("UNDERSTUDY_RAISE", "1")
    monkeypatch.setattr("recorder.middleware.layout_of", fail)
    app = middleware("memory:pipeline")
    with pytest.raises(RuntimeError, match="ours"):
        app(environ("/plain"), print)  # type: ignore[arg-type]  # never called
    app.close()


def test_a_sink_that_fails(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise SinkError("disk_full", "no space left")

    app = middleware("memory:pipeline")
    with monkeypatch.context() as disk:
        disk.setattr(MemorySink, "write", full)
        assert answers(app) == EXPECTED
        app.flush()
    app.close()
    assert losses(sink.reports()[-1]) == (6, 6, {"disk_full": 6})


def test_a_folder_that_vanishes(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    app = middleware(f"file://{folder}")
    assert answers(app) == EXPECTED
    app.flush()
    shutil.rmtree(folder)
    assert answers(app) == EXPECTED
    app.close()
    assert len([item for item in read_spool(folder) if isinstance(item, Exchange)]) == len(PATHS)


def test_threads_lose_nothing(sink: MemorySink) -> None:
    app = middleware("memory:pipeline", queue_count=10_000)

    def work() -> None:
        for _ in range(200):
            serve(app, environ("/plain"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    app.close()
    assert sorted(made.sequence for made in sink.exchanges()) == list(range(1600))
    assert losses(sink.reports()[-1]) == (1600, 0, {})


def test_a_forked_child_records_for_itself(tmp_path: Path) -> None:
    app = middleware(f"file://{tmp_path}")
    serve(app, environ("/plain"))
    child = os.fork()
    if child == 0:
        serve(app, environ("/generator"))
        app.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    serve(app, environ("/where/parent"))
    app.close()
    found = [item for item in read_spool(tmp_path) if isinstance(item, Exchange)]
    assert sorted(made.request.target for made in found) == ["/generator", "/plain", "/where/parent"]
    assert len({made.producer for made in found}) == 2
    assert len({made.id for made in found}) == 3


def test_sampling_keeps_whole_clients_and_counts_the_others(sink: MemorySink) -> None:
    app = middleware("memory:pipeline", sample=0.5)
    for _ in range(3):
        for client in range(40):
            got = serve(app, environ("/where/x", REMOTE_ADDR=f"192.0.2.{client}"))
            assert got.chunks == [b"('/where/x', '')"]
    app.close()
    kept = sink.exchanges()
    by_client = {made.client: sum(other.client == made.client for other in kept) for made in kept}
    assert set(by_client.values()) == {3}
    assert 5 < len(by_client) < 35
    (count,) = sink.reports()[-1].counts
    assert (count.method, count.route, count.seen, count.dropped) == ("GET", "/where/<path>", 120, 0)
    assert count.sampled_out == 120 - len(kept)


SERVER = """
import signal, sys, time
from recorder import RecorderConfig, RecorderMiddleware
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"x"]
def handlers():
    return [signal.getsignal(number) for number in signal.valid_signals()]
def end(number, frame):
    sys.exit(3)
if sys.argv[2] == "handled":
    signal.signal(signal.SIGTERM, end)
before = handlers()
wrapped = RecorderMiddleware(app, RecorderConfig(sink="file://" + sys.argv[1], key="k" * 40))
result = wrapped({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_: None)
list(result)
result.close()
assert handlers() == before
sys.stdout.write("ready\\n")
sys.stdout.flush()
time.sleep(0 if sys.argv[2] == "ends" else 30)
"""


def ended(folder: Path, how: str) -> int:
    """The exit code of a process that recorded one exchange and then ended by itself, or got SIGTERM."""
    command = [sys.executable, "-c", SERVER, str(folder), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        if how != "ends":
            process.send_signal(signal.SIGTERM)
        return process.wait(10)


@pytest.mark.parametrize(("how", "code"), [("ends", 0), ("handled", 3)])
def test_a_process_that_ends_ships_its_last_exchange(how: str, code: int, tmp_path: Path) -> None:
    assert ended(tmp_path, how) == code
    assert [type(item) for item in read_spool(tmp_path)] == [Exchange, ProducerReport]


def test_the_kernel_kills_who_does_not_handle_sigterm_as_without_a_recorder(tmp_path: Path) -> None:
    assert ended(tmp_path, "default") == -signal.SIGTERM
