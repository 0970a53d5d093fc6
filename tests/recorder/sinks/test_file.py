"""Spool files: whose they are, how they are rotated, and what happens when there is no room for them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from recorder import Body, Exchange, RecordedRequest
from recorder.counters import RouteKey
from recorder.exchange import ProducerReport, RouteCount
from recorder.frames import FrameKind, Header, frame
from recorder.payload import encode_exchange, encode_report
from recorder.sinks import SinkError
from recorder.sinks.file import FileSink
from recorder.wire import Damage, read_header, read_spool

MIB = 1 << 20


def header(producer: str) -> Header:
    return Header("key", "shop", "1", producer, os.getpid(), 1.0)


def exchange(number: int, size: int = 10, route: str = "/a") -> Exchange:
    return Exchange(
        f"{number:032x}", RecordedRequest("GET", "/", (), Body.of(bytes(size))), None, 1.0, 2.0, route=route
    )


def framed(item: Exchange | ProducerReport, by: Header) -> bytes:
    if isinstance(item, Exchange):
        return frame(FrameKind.EXCHANGE, encode_exchange(item), by.stamp)
    return frame(FrameKind.REPORT, encode_report(item), by.stamp)


class Evicted:
    def __init__(self) -> None:
        self.lost: dict[RouteKey, int] = {}

    def __call__(self, lost: Mapping[RouteKey, int], reason: str) -> None:
        assert reason == "spool_full"
        for key, count in lost.items():
            self.lost[key] = self.lost.get(key, 0) + count


def sink(folder: Path, by: Header, cap: int = 64 * MIB, evicted: Evicted | None = None) -> FileSink:
    return FileSink(folder, by, cap, evicted or Evicted())


def test_files_are_private_and_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "spool"
    by = header("p1")
    made = sink(folder, by)
    made.write([framed(exchange(1), by), framed(exchange(2), by)])
    made.write([framed(exchange(3), by)])
    made.close()
    (path,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    assert list(read_spool(folder)) == [exchange(1), exchange(2), exchange(3)]
    assert read_header(path) == by


def test_two_processes_write_two_files(tmp_path: Path) -> None:
    first, second = header("p1"), header("p2")
    one, two = sink(tmp_path, first), sink(tmp_path, second)
    for number in range(4):
        made, by = ((one, first), (two, second))[number % 2]
        made.write([framed(exchange(number), by)])
    one.close()
    two.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert {item.id for item in read_spool(tmp_path) if isinstance(item, Exchange)} == {
        f"{number:032x}" for number in range(4)
    }


def test_the_cap_holds_and_what_was_dropped_is_counted_by_route(tmp_path: Path) -> None:
    by = header("p1")
    evicted = Evicted()
    made = sink(tmp_path, by, MIB, evicted)
    for number in range(400):
        made.write([framed(exchange(number, 10_000, f"/{number % 2}"), by)])
    made.close()
    kept = [item for item in read_spool(tmp_path) if isinstance(item, Exchange)]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= MIB
    assert len(kept) > 50
    assert len(kept) + sum(evicted.lost.values()) == 400
    assert [item.id for item in kept] == [f"{number:032x}" for number in range(400 - len(kept), 400)]
    assert set(evicted.lost) == {("GET", "/0"), ("GET", "/1")}


def test_the_counters_of_a_dropped_producer_are_written_again(tmp_path: Path) -> None:
    gone, by = header("gone"), header("p1")
    report = ProducerReport("gone", 5.0, (RouteCount("GET", "/a", 7, 2, 1),), ())
    old = sink(tmp_path, gone, MIB)
    old.write([framed(exchange(1), gone), framed(report, gone)])
    old.close()
    made = sink(tmp_path, by, MIB)
    for number in range(400):
        made.write([framed(exchange(number, 10_000), by)])
    made.close()
    assert [item for item in read_spool(tmp_path) if isinstance(item, ProducerReport)] == [report]


def test_a_file_that_another_process_writes_to_is_not_dropped(tmp_path: Path) -> None:
    living, by = header("living"), header("p1")
    other = sink(tmp_path, living, MIB)
    other.write([framed(exchange(1), living)])
    made = sink(tmp_path, by, MIB)
    for number in range(2, 400):
        made.write([framed(exchange(number, 10_000), by)])
    made.close()
    other.close()
    assert exchange(1) in list(read_spool(tmp_path))


def test_a_folder_that_vanished_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    by = header("p1")
    made = sink(folder, by)
    made.write([framed(exchange(1), by)])
    shutil.rmtree(folder)
    made.write([framed(exchange(2), by)])
    made.close()
    assert list(read_spool(folder)) == [exchange(2)]


def test_a_folder_that_cannot_be_made_is_tried_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("recorder.sinks.file.time.monotonic", lambda: now)
    (tmp_path / "spool").write_text("in the way")
    by = header("p1")
    made = sink(tmp_path / "spool", by)
    with pytest.raises(SinkError) as caught:
        made.write([framed(exchange(1), by)])
    assert caught.value.reason == "sink_unavailable"
    (tmp_path / "spool").unlink()
    with pytest.raises(SinkError):
        made.write([framed(exchange(2), by)])
    now += 2
    made.write([framed(exchange(3), by)])
    made.close()
    assert list(read_spool(tmp_path / "spool")) == [exchange(3)]


def test_a_full_disk_leaves_no_half_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by = header("p1")
    made = sink(tmp_path, by)
    made.write([framed(exchange(1), by)])
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 20:
            return write(descriptor, data[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr("recorder.sinks.file.os.write", full)
        with pytest.raises(SinkError) as caught:
            made.write([framed(exchange(2), by)])
    assert caught.value.reason == "disk_full"
    made.write([framed(exchange(3), by)])
    made.close()
    found = list(read_spool(tmp_path))
    assert not [item for item in found if isinstance(item, Damage)]
    assert found == [exchange(1), exchange(3)]
