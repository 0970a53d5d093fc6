"""The wire format: what is written is read back, and what is damaged is reported and never read as something else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.exchange import (
    Body,
    BodyState,
    Exchange,
    OutboundCall,
    Outcome,
    ProducerReport,
    RecordedRequest,
    RecordedResponse,
    RouteCount,
    SqlStatement,
)
from recorder.frames import FILE_START, FRAME_HEAD, MAGIC
from recorder.wire import (
    Damage,
    FrameKind,
    Header,
    WireError,
    decode_exchange,
    decode_report,
    encode_exchange,
    encode_report,
    file_head,
    frame,
    read_header,
    read_spool,
    read_spool_file,
)

SAMPLE = Path(__file__).parent.parent / "data" / "wire" / "v1.bin"
HEADER = Header("0123abcd", "shop", "1.2.3", "f00d" * 8, 4711, 1700000000.5)

text = st.text(st.characters(max_codepoint=0x10FFFF), max_size=20)  # lone surrogates included
counts = st.integers(0, 2**64 - 1)
times = st.floats(allow_nan=False)
headers = st.lists(st.tuples(text, text), max_size=5).map(tuple)
bodies = st.builds(Body, st.binary(max_size=200), counts, st.sampled_from(BodyState), text)
requests = st.builds(RecordedRequest, text, text, headers, bodies, text, text, st.booleans())
responses = st.builds(RecordedResponse, st.integers(-(2**31), 2**31 - 1), text, headers, bodies)
signed = st.integers(-(2**63), 2**63 - 1)
statements = st.lists(st.builds(SqlStatement, text, text, signed, signed), max_size=3).map(tuple)
calls = st.lists(st.builds(OutboundCall, requests, st.none() | responses, times, times), max_size=2).map(tuple)
exchanges = st.builds(
    Exchange,
    id=text,
    request=requests,
    response=st.none() | responses,
    started=times,
    ended=times,
    route=text,
    endpoint=text,
    client=text,
    links=st.lists(text, max_size=4).map(tuple),
    principal=text,
    producer=text,
    sequence=counts,
    outcome=st.sampled_from(Outcome),
    sql=st.none() | statements,
    outbound=st.none() | calls,
)
reports = st.builds(
    ProducerReport,
    text,
    times,
    st.lists(st.builds(RouteCount, text, text, counts, counts, counts), max_size=4).map(tuple),
    st.lists(st.tuples(text, counts), max_size=3).map(tuple),
)


def exchange(number: int = 1, body: bytes = b'{"id": 7}') -> Exchange:
    return Exchange(
        id=f"{number:032x}",
        request=RecordedRequest(
            "POST", "/a%2fb?x=%20", (("Cookie", "a=1"), ("X-Latin", "\xe9")), Body.of(b"q=1"), target_exact=False
        ),
        response=RecordedResponse(201, "Created", (("Set-Cookie", "b=2"), ("Set-Cookie", "c=3")), Body.of(body)),
        started=1700000000.25,
        ended=1700000000.5,
        route="/a/<int:id>",
        endpoint="a",
        client="c" * 16,
        links=("l1", "l2"),
        principal="p",
        producer=HEADER.producer,
        sequence=number,
        outcome=Outcome.DISCONNECTED,
        sql=(SqlStatement("f", "SELECT 1", 2, 3),),
        outbound=(OutboundCall(RecordedRequest("GET", "/pay", ()), None, 1.0, 2.0),),
    )


REPORT = ProducerReport(HEADER.producer, 1.5, (RouteCount("GET", "/a", 3, 1, 2),), (("queue_count", 2),))


def written(items: Sequence[Exchange | ProducerReport]) -> list[bytes]:
    """The pieces of a spool file: its head, then one frame for each item."""
    frames = [file_head(HEADER)]
    for item in items:
        if isinstance(item, Exchange):
            frames.append(frame(FrameKind.EXCHANGE, encode_exchange(item), HEADER.stamp))
        else:
            frames.append(frame(FrameKind.REPORT, encode_report(item), HEADER.stamp))
    return frames


ITEMS = (exchange(1), exchange(2), REPORT, exchange(3))
PIECES = written(ITEMS)
WHOLE = b"".join(PIECES)


@given(exchanges)
def test_any_exchange_survives(made: Exchange) -> None:
    assert decode_exchange(encode_exchange(made)) == made


@given(reports)
def test_any_report_survives(made: ProducerReport) -> None:
    assert decode_report(encode_report(made)) == made


@given(st.binary(max_size=400))
def test_bytes_that_are_no_payload_raise_one_error(data: bytes) -> None:
    for decode in (decode_exchange, decode_report):
        try:
            decode(data)
        except WireError:
            continue


def test_a_section_of_a_later_writer_is_skipped() -> None:
    assert decode_exchange(encode_exchange(exchange()) + b"\xc8\x03\x00\x00\x00abc") == exchange()


def test_a_spool_file_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    path.write_bytes(WHOLE)
    assert tuple(read_spool_file(path)) == ITEMS
    assert read_header(path) == HEADER


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "2.spool").write_bytes(b"".join(written([exchange(2)])))
    (tmp_path / "1.spool").write_bytes(b"".join(written([exchange(1)])))
    (tmp_path / "notes.txt").write_text("not a spool file")
    assert list(read_spool(tmp_path)) == [exchange(1), exchange(2)]


def test_every_torn_tail_is_reported_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    ends = [sum(map(len, PIECES[: count + 1])) for count in range(len(PIECES))]
    for cut in range(ends[0], len(WHOLE)):
        path.write_bytes(WHOLE[:cut])
        whole = sum(1 for end in ends[1:] if end <= cut)
        start = ends[whole]
        expected: list[object] = list(ITEMS[:whole])
        if cut > start:
            expected.append(Damage(path, start, cut - start, "torn: the file ends inside a frame"))
        assert list(read_spool_file(path)) == expected


def test_the_file_after_a_torn_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "1.spool").write_bytes(WHOLE[:-3])
    (tmp_path / "2.spool").write_bytes(WHOLE)
    found = list(read_spool(tmp_path))
    start = len(WHOLE) - len(PIECES[-1])
    torn = Damage(tmp_path / "1.spool", start, len(PIECES[-1]) - 3, "torn: the file ends inside a frame")
    assert found == [*ITEMS[:-1], torn, *ITEMS]


@settings(max_examples=400)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_flipped_byte_is_read_as_something_else(
    tmp_path_factory: pytest.TempPathFactory, at: int, flip: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.spool"
    path.write_bytes(WHOLE[:at] + bytes([WHOLE[at] ^ flip]) + WHOLE[at + 1 :])
    found = list(read_spool_file(path))
    kept = [item for item in found if not isinstance(item, Damage)]
    assert all(item in ITEMS for item in kept)
    assert any(isinstance(item, Damage) for item in found)
    if at >= FILE_START.size:
        assert len(kept) >= len(ITEMS) - 1  # one byte spoils one frame, the next is found again


def test_what_follows_a_corrupt_frame_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    spoilt = bytearray(PIECES[2])
    spoilt[40] ^= 0xFF
    path.write_bytes(b"".join([*PIECES[:2], bytes(spoilt), *PIECES[3:]]))
    at = len(PIECES[0]) + len(PIECES[1])
    damage = Damage(path, at, len(spoilt), "corrupt: the checksum does not match")
    assert list(read_spool_file(path)) == [ITEMS[0], damage, *ITEMS[2:]]


def test_frames_inside_a_recorded_body_are_not_taken_for_frames_of_the_file(tmp_path: Path) -> None:
    other = Header("k", "other", "", "beef" * 8, 1, 1.0)
    inner = frame(FrameKind.EXCHANGE, encode_exchange(exchange(99)), other.stamp)
    outer = bytearray(frame(FrameKind.EXCHANGE, encode_exchange(exchange(1, file_head(other) + inner)), HEADER.stamp))
    outer[FRAME_HEAD.size + 3] ^= 0xFF  # the frame that holds them is lost
    path = tmp_path / "a.spool"
    path.write_bytes(file_head(HEADER) + bytes(outer) + PIECES[1])
    found = list(read_spool_file(path))
    assert [type(item) for item in found] == [Damage, Exchange]
    assert found[1] == ITEMS[0]


def test_a_frame_of_an_unknown_kind_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    payload = b"from the future"
    unknown = frame(200, payload, HEADER.stamp)  # type: ignore[arg-type]  # no kind of this version
    path.write_bytes(PIECES[0] + unknown + PIECES[1])
    assert list(read_spool_file(path)) == [ITEMS[0]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\x89UND", "too short to be a spool file"),
        (b"just some text that somebody left here", "not a spool file"),
        (
            FILE_START.pack(MAGIC, 7) + b"rest",
            "format version 7, written by a newer release; this one reads up to 1",
        ),
    ],
)
def test_what_is_no_spool_file_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.spool"
    path.write_bytes(content)
    assert list(read_spool_file(path)) == [Damage(path, 0, len(content), reason)]
    assert read_header(path) is None


def test_a_file_that_is_not_there_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "gone.spool"
    assert list(read_spool(path)) == [Damage(path, 0, 0, "cannot be opened: No such file or directory")]


def test_the_saved_file_of_version_1_is_still_read() -> None:
    assert read_header(SAMPLE) == HEADER
    assert tuple(read_spool_file(SAMPLE)) == ITEMS
