"""The folder in which batches wait: shared by processes, none of which ships what another holds or ships."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from recorder.exchange import Exchange, ProducerReport, RouteCount
from recorder.frames import FRAME_HEAD, FrameKind, Header, file_head, frame
from recorder.sinks.backlog import Backlog
from recorder.sinks.batching import Batch
from recorder.sinks.file import claim
from recorder.wire import decode_exchange, decode_report

from .test_buffered import Lost
from .test_file import exchange, framed, header

MIB = 1 << 20


def backlog(folder: Path, by: Header, lost: Lost | None = None, cap: int = 64 * MIB) -> Backlog:
    return Backlog(folder, by, cap, lost or Lost())


def items(batch: Batch | None) -> list[Exchange | ProducerReport]:
    assert batch is not None
    found: list[Exchange | ProducerReport] = []
    for one in batch.frames:
        kind, payload = FRAME_HEAD.unpack_from(one)[2], one[FRAME_HEAD.size :]
        found.append(decode_exchange(payload) if kind == FrameKind.EXCHANGE else decode_report(payload))
    return found


def test_what_is_kept_comes_back_in_large_batches_and_is_gone_when_it_was_dealt_with(tmp_path: Path) -> None:
    by = header("p1")
    kept = backlog(tmp_path, by)
    report = ProducerReport("p1", 5.0, (RouteCount("GET", "/a", 3, 0, 0),), ())
    assert not kept.pending
    for number in range(3):
        kept.keep([framed(exchange(number), by)])
    kept.keep([framed(report, by)])
    assert kept.pending
    batch = kept.next()
    assert items(batch) == [exchange(0), exchange(1), exchange(2), report]
    assert batch is not None
    assert batch.header == by
    kept.keep([framed(exchange(3), by)])  # to a file of its own
    assert len(list(tmp_path.iterdir())) == 2
    assert items(kept.next()) == [exchange(3)]
    assert len(list(tmp_path.iterdir())) == 1
    assert kept.next() is None
    assert not kept.pending
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_shipped_in_pieces(tmp_path: Path) -> None:
    by = header("p1")
    kept = backlog(tmp_path, by)
    kept.keep([framed(exchange(number, MIB // 2), by) for number in range(4)])
    assert [items(kept.next())[0].id[-1] for _ in range(4)] == ["0", "1", "2", "3"]  # type: ignore[union-attr]


def test_files_of_a_process_that_is_gone_are_taken_over_under_its_own_name(tmp_path: Path) -> None:
    gone, by = header("gone"), header("p1")
    old = backlog(tmp_path, gone)
    old.keep([framed(exchange(1), gone)])
    mine = backlog(tmp_path, by)
    mine.keep([framed(exchange(2), by)])
    assert items(mine.next()) == [exchange(2)]  # the other still holds its file
    old.close()
    batch = mine.next()
    assert batch is not None
    assert (batch.header, items(batch)) == (gone, [exchange(1)])


def test_a_file_that_one_process_ships_is_neither_shipped_nor_dropped_by_another(tmp_path: Path) -> None:
    gone, one, other = header("gone"), header("p1"), header("p2")
    left = backlog(tmp_path, gone)
    left.keep([framed(exchange(1), gone)])
    left.close()
    first, lost = backlog(tmp_path, one), Lost()
    assert items(first.next()) == [exchange(1)]
    second = backlog(tmp_path, other, lost, MIB)
    assert second.next() is None
    for number in range(2, 300):
        second.keep([framed(exchange(number, 10_000), other)])
    assert sum(lost.counts.values()) > 100
    assert any(f"{made.id}" == f"{1:032x}" for made in items(backlog_reader(tmp_path)))
    first.close()  # it died: the file is there for the next


def backlog_reader(folder: Path) -> Batch:
    """The oldest file of the folder as a batch, held or not."""
    from recorder.sinks.backlog import _batches_in

    return next(_batches_in(min(folder.iterdir())))


def test_who_dies_over_a_file_leaves_it_to_the_next_from_its_beginning(tmp_path: Path) -> None:
    by, other = header("p1"), header("p2")
    kept = backlog(tmp_path, by)
    kept.keep([framed(exchange(number, MIB // 2), by) for number in range(3)])
    assert items(kept.next())[0] == exchange(0, MIB // 2)
    assert items(kept.next())[0] == exchange(1, MIB // 2)
    kept.close()
    assert items(backlog(tmp_path, other).next())[0] == exchange(0, MIB // 2)


def test_a_child_of_a_fork_lets_go_of_nothing_that_its_parent_holds(tmp_path: Path) -> None:
    by = header("p1")
    kept = backlog(tmp_path, by)
    kept.keep([framed(exchange(1), by)])
    kept.next()
    (path,) = tmp_path.iterdir()
    child = os.fork()
    if child == 0:
        kept.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert claim(path) is None
    kept.close()
    held = claim(path)
    assert held is not None
    held.release()


def test_a_child_that_has_a_copy_of_a_lock_does_not_keep_it(tmp_path: Path) -> None:
    """As every program that the application starts does, for the moment in which it is no program of its own yet."""
    by = header("p1")
    kept = backlog(tmp_path, by)
    kept.keep([framed(exchange(1), by)])
    waits, goes_on = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(goes_on)
        os.read(waits, 1)
        os._exit(0)
    os.close(waits)
    try:
        assert items(kept.next()) == [exchange(1)]
        kept.close()
        assert items(backlog(tmp_path, by).next()) == [exchange(1)]
    finally:
        os.close(goes_on)
        os.waitpid(child, 0)


def test_a_file_that_was_made_a_moment_ago_is_left_to_its_maker(tmp_path: Path) -> None:
    path = tmp_path / "1.spool"
    path.touch()
    assert claim(path) is None
    os.utime(path, (time.time() - 3600, time.time() - 3600))
    held = claim(path)
    assert held is not None
    held.release()
    kept = backlog(tmp_path, header("p1"))
    assert kept.next() is None
    assert not path.exists()


def test_what_is_damaged_is_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    by = header("p1")
    torn = framed(exchange(2), by)[:-3]
    (tmp_path / "1.spool").write_bytes(file_head(by) + framed(exchange(1), by) + torn)
    (tmp_path / "2.spool").write_bytes(b"no spool file, and nothing that could be read as one")
    unknown = frame(200, b"from the future", by.stamp)  # type: ignore[arg-type]  # no kind of this version
    (tmp_path / "3.spool").write_bytes(file_head(by) + unknown)
    kept = backlog(tmp_path, by)
    assert items(kept.next()) == [exchange(1)]
    last = kept.next()
    assert last is not None
    assert last.frames == (unknown,)  # the server may know it
    assert kept.next() is None
    assert [record.message for record in caplog.records] == [
        f"understudy: {len(torn)} bytes of 1.spool are lost: torn: the file ends inside a frame",
        "understudy: 2.spool is lost: neither copy of its header can be read",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_looked_at_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("recorder.sinks.backlog.time.monotonic", lambda: now)
    kept = backlog(tmp_path / "later", header("p1"))
    assert kept.due() == 0.0
    assert kept.next() is None
    assert kept.due() == 15.0
    now += 14
    assert kept.due() == 1.0
    now += 2
    assert kept.due() == 0.0
