"""Batches: what was packed is unpacked, and nothing else is: not what is damaged, unknown or too large."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard

from recorder.batches import (
    ENCODINGS,
    exchanges_among,
    pack_batch,
    read_batch,
    read_batch_header,
    unpack_batch,
)
from recorder.frames import FRAME_HEAD, file_head
from recorder.wire import Damage, WireError

from .test_wire import HEADER, ITEMS, PIECES, WHOLE

MIB = 1 << 20
FRAMES = PIECES[1:]
PACKED = {
    "identity": WHOLE,
    "zlib": zlib.compress(WHOLE, 1),
    "zstd": zstandard.ZstdCompressor(level=1).compress(WHOLE),
}


def without_zstandard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorder.batches._zstandard", lambda: None)


def test_a_batch_is_a_spool_file_that_travels() -> None:
    encoding, data = pack_batch(HEADER, FRAMES)
    assert encoding == "zstd"
    assert len(data) < len(WHOLE)
    plain = unpack_batch(encoding, data, MIB)
    assert plain == WHOLE
    assert tuple(read_batch(plain, "1-0")) == ITEMS
    assert read_batch_header(plain) == HEADER
    assert exchanges_among(FRAMES) == 3


def test_without_the_accelerator_it_is_zlib(monkeypatch: pytest.MonkeyPatch) -> None:
    without_zstandard(monkeypatch)
    encoding, data = pack_batch(HEADER, FRAMES)
    assert (encoding, unpack_batch(encoding, data, MIB)) == ("zlib", WHOLE)
    with pytest.raises(WireError, match="zstandard is not installed"):
        unpack_batch("zstd", PACKED["zstd"], MIB)


@pytest.mark.parametrize("library", [True, False])
def test_what_does_not_become_smaller_is_left_as_it_is(library: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not library:
        without_zstandard(monkeypatch)
    noise = random.Random(1).randbytes(200_000)
    assert pack_batch(HEADER, [noise]) == ("identity", file_head(HEADER) + noise)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_limit_is_that_of_what_is_unpacked(encoding: str) -> None:
    assert unpack_batch(encoding, PACKED[encoding], len(WHOLE)) == WHOLE
    with pytest.raises(WireError, match=f"more than {len(WHOLE) - 1} bytes"):
        unpack_batch(encoding, PACKED[encoding], len(WHOLE) - 1)


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("zlib", zlib.compress(bytes(200 * MIB))),
        ("zstd", zstandard.ZstdCompressor().compress(bytes(200 * MIB))),
        ("zstd", zstandard.ZstdCompressor(write_content_size=False).compress(bytes(200 * MIB))),
    ],
    ids=["zlib", "zstd that tells its size", "zstd that does not"],
)
def test_a_bomb_costs_no_more_than_the_limit(encoding: str, bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match=f"{MIB} bytes"):
            unpack_batch(encoding, bomb, MIB)
        assert tracemalloc.get_traced_memory()[1] < 3 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["zlib", "zstd"])
def test_compressed_data_that_is_cut_changed_or_followed_by_more_is_refused(encoding: str) -> None:
    data = PACKED[encoding]
    spoilt = [data[:cut] for cut in range(len(data))] + [data + b"x", data + data, b"\xff" + data]
    for one in spoilt:
        with pytest.raises(WireError):
            unpack_batch(encoding, one, MIB)


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(WireError, match="unknown encoding: 'br'; expected one of identity, zlib, zstd"):
        unpack_batch("br", WHOLE, MIB)


def test_damage_inside_is_told_with_the_name_of_the_batch() -> None:
    torn = WHOLE[:-3]
    at = len(WHOLE) - len(PIECES[-1])
    damage = Damage(Path("7-0"), at, len(PIECES[-1]) - 3, "torn: the file ends inside a frame")
    assert list(read_batch(torn, "7-0")) == [*ITEMS[:-1], damage]
    assert list(read_batch(b"", "7-1")) == [Damage(Path("7-1"), 0, 0, "empty")]
    assert read_batch_header(b"no batch at all, but long enough to be one") is None


def test_only_exchanges_are_counted() -> None:
    unknown = FRAME_HEAD.pack(b"", 0, 200, 0, 0)
    assert exchanges_among([*FRAMES, unknown]) == 3
    assert exchanges_among([]) == 0
