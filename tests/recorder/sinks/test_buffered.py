"""What follows from each way in which a server does not take a batch: the decisions, with a scripted server."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from recorder.counters import RouteKey
from recorder.exchange import Exchange
from recorder.sinks import SinkError
from recorder.sinks.backlog import Backlog
from recorder.sinks.batching import MAX_BYTES, Batch
from recorder.sinks.buffered import BufferedSink
from recorder.sinks.transport import Refused, Undelivered
from recorder.wire import decode_exchange

from .test_file import exchange, framed, header

BY = header("p1")


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("recorder.sinks.buffered.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def gone() -> Undelivered:
    return Undelivered("gone", "it is gone")


class Server:
    """Answers as it is told to, in turn, and afterwards takes everything."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = deque(answers)
        self.asked: list[list[int]] = []
        self.took: list[int] = []
        self.patience: list[float] = []
        self.most = math.inf  # exchanges in one batch

    def send(self, batch: Batch, seconds: float) -> None:
        numbers = [int(made.id, 16) for made in _exchanges(batch)]
        self.asked.append(numbers)
        self.patience.append(seconds)
        if len(batch.frames) > self.most:
            raise Refused("too_large", "too large", too_large=True)
        answer = self.answers.popleft() if self.answers else None
        if answer is None or isinstance(answer, Took):
            self.took += numbers
        if answer is not None:
            raise answer

    def close(self) -> None:
        return None


class Took(Undelivered):
    """It took the batch, and its answer is lost."""

    def __init__(self, stale: bool = False) -> None:
        super().__init__("lost", "no answer", doubtful=True, stale=stale)


def _exchanges(batch: Batch) -> list[Exchange]:
    return [decode_exchange(frame[17:]) for frame in batch.frames]


class Lost:
    def __init__(self) -> None:
        self.counts: dict[tuple[RouteKey, str], int] = {}

    def __call__(self, counts: Mapping[RouteKey, int], reason: str) -> None:
        for key, count in counts.items():
            self.counts[key, reason] = self.counts.get((key, reason), 0) + count


def made(server: Server, folder: Path | None = None, lost: Lost | None = None) -> BufferedSink:
    on_lost = lost or Lost()
    backlog = Backlog(folder, BY, 64 << 20, on_lost) if folder is not None else None
    return BufferedSink(server, BY, backlog, on_lost, "server")


def frames(*numbers: int, size: int = 10) -> Sequence[bytes]:
    return [framed(exchange(number, size), BY) for number in numbers]


def kept(sink: BufferedSink, *numbers: int, size: int = 10) -> tuple[str, int]:
    """The reason for which a write failed, and how many of its frames were kept all the same."""
    try:
        sink.write(frames(*numbers, size=size))
    except SinkError as error:
        return error.reason, error.kept
    return "", len(numbers)


def test_what_surely_did_not_arrive_is_not_kept_and_the_server_is_left_alone(clock: Clock) -> None:
    server = Server(gone())
    sink = made(server)
    assert kept(sink, 1) == ("gone", 0)
    assert kept(sink, 2) == ("gone", 0)
    assert server.asked == [[1]]
    assert sink.tend() == math.inf  # nothing waits
    clock.now += 0.3
    assert kept(sink, 3) == ("", 1)
    assert server.took == [3]


def test_the_waits_grow_to_a_bound_and_differ(clock: Clock) -> None:
    waits: list[list[float]] = []
    for _ in range(2):
        server = Server(*(gone() for _ in range(12)))
        sink = made(server)
        waits.append([])
        while server.answers:
            kept(sink, 1)
            begun, left = clock.now, len(server.answers)
            while len(server.answers) == left and left:
                clock.now += 0.05
                kept(sink, 2)
            waits[-1].append(clock.now - begun)
            clock.now += 0.05
    one, other = waits
    assert one != other
    assert one[0] <= 0.3
    assert max(one) <= 10.1
    assert sum(one) > 20


def test_an_outage_is_said_when_it_begins_and_when_it_is_over(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    server = Server(*(gone() for _ in range(30)), Undelivered("full", "no room"))
    sink = made(server)
    while server.answers:
        clock.now += 20
        kept(sink, 1)
    clock.now += 20
    kept(sink, 2)
    kept(sink, 3)
    assert [record.message for record in caplog.records] == [
        "understudy: it is gone; exchanges are dropped and counted meanwhile (gone)",
        "understudy: no room; exchanges are dropped and counted meanwhile (full)",
        "understudy: server takes exchanges again",
    ]


def test_a_server_may_ask_for_a_longer_wait_within_a_bound(clock: Clock) -> None:
    for asked, granted in ((60.0, 60.0), (1e9, 300.0)):
        server = Server(Undelivered("busy", "later", wait=asked))
        sink = made(server)
        kept(sink, 1)
        clock.now += granted - 1
        assert kept(sink, 2) == ("busy", 0)
        clock.now += 2
        assert kept(sink, 3) == ("", 1)


def test_a_batch_in_doubt_is_kept_and_sent_again_until_there_is_an_answer(clock: Clock) -> None:
    server = Server(Took(), gone(), Undelivered("full", "no room"))
    sink = made(server)
    assert kept(sink, 1) == ("", 1)
    assert kept(sink, 2) == ("lost", 0)
    for _ in range(2):
        clock.now += sink.tend() + 0.01
        sink.tend()
    assert server.asked == [[1], [1], [1]]
    clock.now += 10
    assert kept(sink, 3) == ("", 1)
    assert server.took == [1, 1, 3]


def test_there_is_one_batch_in_doubt_at_a_time(clock: Clock) -> None:
    server = Server(*(Took() for _ in range(50)))
    sink = made(server)
    results = []
    for number in range(50):
        results.append(kept(sink, number))
        clock.now += 11
    assert results == [("", 1)] + [("lost", 0)] * 49
    assert server.asked == [[0]] * 50


def test_a_connection_that_was_gone_is_tried_again_at_once(clock: Clock) -> None:
    server = Server(Took(stale=True))
    sink = made(server)
    assert kept(sink, 1) == ("", 1)
    assert server.took == [1, 1]


def test_after_a_stale_connection_the_batch_is_in_doubt_whatever_the_second_attempt_says(clock: Clock) -> None:
    server = Server(Took(stale=True), gone())
    sink = made(server)
    assert kept(sink, 1) == ("", 1)
    clock.now += 1
    assert sink.tend() == 0.0
    assert server.took == [1, 1]


def test_of_a_write_that_breaks_off_the_first_part_is_kept(clock: Clock) -> None:
    server = Server(None, gone())
    sink = made(server)
    assert kept(sink, 1, 2, 3, size=MAX_BYTES // 2) == ("gone", 1)
    assert server.asked == [[1], [2]]
    server.answers.extend([None, Took()])
    clock.now += 1
    assert kept(sink, 4, 5, 6, size=MAX_BYTES // 2) == ("lost", 2)  # the second is in doubt, and kept


def test_a_batch_is_bounded_and_a_large_exchange_travels_alone() -> None:
    server = Server()
    sink = made(server)
    sink.write([*frames(1, 2, size=MAX_BYTES // 3), *frames(3, size=2 * MAX_BYTES), *frames(4, 5)])
    assert server.asked == [[1, 2], [3], [4, 5]]


def test_what_is_too_large_is_halved_and_a_single_exchange_is_lost() -> None:
    server = Server()
    server.most = 2
    sink, lost = made(server, lost=(lost := Lost())), lost
    assert kept(sink, *range(7)) == ("", 7)
    assert sorted(server.took) == list(range(7)) == server.took
    server.most = 0
    assert kept(sink, 7, 8) == ("", 2)
    assert lost.counts == {(("GET", "/a"), "too_large"): 2}


def test_what_is_refused_for_good_is_counted_by_route_and_the_rest_goes_on() -> None:
    server = Server(Refused("batch_refused", "damaged"))
    lost = Lost()
    sink = made(server, lost=lost)
    routes = [framed(exchange(number, 10, f"/{number % 2}"), BY) for number in range(3)]
    sink.write(routes)
    assert kept(sink, 3) == ("", 1)
    assert server.took == [3]
    assert lost.counts == {(("GET", "/0"), "batch_refused"): 2, (("GET", "/1"), "batch_refused"): 1}


def test_a_flush_tries_at_once_and_in_the_time_that_there_is(clock: Clock) -> None:
    server = Server(gone())
    sink = made(server)
    kept(sink, 1)
    sink.hurry(clock.now + 0.5)
    assert kept(sink, 2) == ("", 1)
    assert server.patience == [2.0, 0.5]
    sink.hurry(clock.now - 1)
    kept(sink, 3)
    assert 0 < server.patience[-1] < 0.1
    sink.hurry(None)
    kept(sink, 4)
    assert server.patience[-1] == 2.0


def test_with_a_folder_everything_is_kept_and_shipped_in_order(clock: Clock, tmp_path: Path) -> None:
    server = Server(gone())
    sink = made(server, tmp_path)
    for number in range(5):
        assert kept(sink, number) == ("", 1)
    assert sink.tend() > 0
    clock.now += 1
    assert sink.tend() == 0.0
    assert kept(sink, 5) == ("", 1)  # waits its turn, although the server is well
    assert server.took == [0, 1, 2, 3, 4]
    assert sink.tend() == 0.0
    assert sink.tend() > 0
    assert kept(sink, 6) == ("", 1)
    assert server.took == [0, 1, 2, 3, 4, 5, 6]
    assert not list(tmp_path.iterdir())


def test_a_batch_over_which_the_server_fails_every_time_does_not_stop_the_others(clock: Clock, tmp_path: Path) -> None:
    failing = Undelivered("failed", "500", suspect=True)
    server = Server(gone(), *[failing] * 5)
    lost = Lost()
    sink = made(server, tmp_path, lost)
    kept(sink, 1)
    sink.close()
    kept(sink, 2)
    for _ in range(10):
        clock.now += 20
        while sink.tend() == 0.0:
            pass
    assert server.asked == [[1]] * 6 + [[2]]
    assert lost.counts == {(("GET", "/a"), "failed"): 1}


def test_a_server_that_is_gone_altogether_loses_nothing_of_the_folder(clock: Clock, tmp_path: Path) -> None:
    server = Server(*(gone() for _ in range(20)))
    lost = Lost()
    sink = made(server, tmp_path, lost)
    kept(sink, 1)
    while server.answers:
        clock.now += 20
        sink.tend()
    clock.now += 20
    sink.tend()
    assert server.took == [1]
    assert lost.counts == {}


def test_without_room_in_the_folder_a_batch_in_doubt_is_still_kept(clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("no folder")
    server = Server(Took())
    sink = made(server, tmp_path / "taken")
    assert kept(sink, 1) == ("", 1)
    assert kept(sink, 2) == ("sink_unavailable", 0)
    clock.now += 5
    sink.tend()
    assert server.took == [1, 1]
