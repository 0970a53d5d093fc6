"""Answers that memory has no room for: what is read is what was put, in whatever order it came."""

from __future__ import annotations

import gc
import pickle
import random
import sys
import tracemalloc
from dataclasses import replace

import pytest

from diffing.difference import Answer, Reason
from recorder.exchange import (
    Body,
    BodyState,
    CallOutcome,
    Observed,
    OutboundCall,
    RecordedRequest,
    RecordedResponse,
    SqlStatement,
)
from replayer import answers as module
from replayer.answers import BLOCK, NamedAnswers, PackedAnswers, weight_of
from replayer.engine import NOT_SENT

JSON = (("Content-Type", "application/json"), ("X-Caf\u00e9", "\udc80"))
CALL = OutboundCall(
    RecordedRequest("POST", "/v1/charges", JSON, Body.of(b"\x00\xff")),
    RecordedResponse(201, "Created", JSON, Body.of(b"{}")),
    1.5,
    1.75,
    CallOutcome.ANSWERED,
    2,
)
KINDS = (
    NOT_SENT,
    Answer(None, "connect: refused", 12.5, 12.75),
    Answer(None, reason=Reason.CREDENTIALS, detail="the mint hook failed"),
    Answer(RecordedResponse(204, "", (), Body.of(b"")), "", 0.1 + 0.2, 1e9 / 3),
    Answer(RecordedResponse(200, "OK", JSON, Body(b"cut", 70_000, BodyState.TRUNCATED, "ab" * 32)), "", 5.0, 6.0),
    Answer(
        RecordedResponse(200, "OK", JSON, Body.of(bytes(range(256)))),
        started=7.0,
        ended=8.0,
        observed=Observed((SqlStatement("f1", "SELECT \u20ac FROM t", 3, 21),), (CALL,), True),
        minting=6.5,
    ),
)


def answer(number: int) -> Answer:
    """One of all kinds, with a number of its own."""
    return replace(KINDS[number % len(KINDS)], detail=f"number {number}")


def made(count: int) -> list[Answer]:
    return [answer(number) for number in range(count)]


@pytest.fixture(params=[0, 20_000, 1 << 30], ids=["all packed", "some packed", "none packed"])
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(module, "WAITING", 30_000)
    return int(request.param)


def test_what_is_read_is_what_was_put(room: int) -> None:
    packed = PackedAnswers.of(made(5 * BLOCK + 7), room)
    assert list(packed) == made(5 * BLOCK + 7)
    assert list(packed) == made(5 * BLOCK + 7)


def test_in_any_order(room: int) -> None:
    chance = random.Random(5)
    numbers = list(range(6 * BLOCK))
    chance.shuffle(numbers)
    packed = PackedAnswers(len(numbers), room)
    for count, number in enumerate(numbers):
        packed[number] = answer(number)
        known = chance.choice(numbers[: count + 1])
        assert packed[known] == answer(known)
    assert list(packed) == made(len(numbers))


def test_the_latest_counts(room: int) -> None:
    packed = PackedAnswers.of(made(3 * BLOCK), room)
    for _ in range(2):
        for number in range(0, 3 * BLOCK, 2):
            packed[number] = answer(number + 1)
    assert list(packed) == [answer(number + 1 - number % 2) for number in range(3 * BLOCK)]


def test_what_was_not_put_was_not_sent(room: int) -> None:
    packed = PackedAnswers(2 * BLOCK, room)
    packed[BLOCK] = answer(3)
    assert [index for index, each in enumerate(packed) if each is not NOT_SENT] == [BLOCK]


def test_there_are_no_others() -> None:
    packed = PackedAnswers.of(made(3))
    assert packed[-1] == answer(2)
    for index in (3, -4):
        with pytest.raises(IndexError):
            packed[index]
        with pytest.raises(IndexError):
            packed[index] = NOT_SENT
    with pytest.raises(IndexError):
        PackedAnswers()[0]


def test_answers_survive_being_written_to_a_file(room: int) -> None:
    assert list(pickle.loads(pickle.dumps(PackedAnswers.of(made(2 * BLOCK), room)))) == made(2 * BLOCK)


@pytest.mark.parametrize("before", [False, True], ids=["at once", "in the place of others"])
def test_no_more_memory_is_taken_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch, before: bool) -> None:
    monkeypatch.setattr(module, "WAITING", 1_000_000)
    body = b'{"items": [' + b", ".join(b'{"id": %d, "name": "thing"}' % n for n in range(100)) + b"]}"
    tracemalloc.start()
    try:
        kept = PackedAnswers(10_000, room=1_000_000)
        for number in range(1_500 if before else 0):
            kept[number] = NOT_SENT
        for number in range(10_000):
            data = bytes([*body])  # an object of its own
            kept[number] = Answer(RecordedResponse(200, "OK", JSON, Body(data, len(data))), "", number, 1)
        gc.collect()
        taken, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(weight_of, kept)) > 30_000_000
    assert taken < 4_000_000
    assert most < 6_000_000


def test_a_weight_is_about_what_an_answer_takes() -> None:
    def size(value: object) -> int:
        if isinstance(value, str | bytes | int | float | None):
            return sys.getsizeof(value)
        if isinstance(value, tuple):
            return sys.getsizeof(value) + sum(map(size, value))
        slots = getattr(value, "__slots__", ())
        return sys.getsizeof(value) + sum(size(getattr(value, name)) for name in slots)

    for each in KINDS[4:]:
        assert 0.3 < weight_of(each) / size(each) < 3


def test_answers_are_found_by_their_exchanges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", 5000)
    named = NamedAnswers((f"exchange {number}", answer(number)) for number in range(300))
    assert len(named) == 300
    assert named["exchange 299"] == answer(299)
    assert named.get("another") is None
    assert dict(named) == {f"exchange {number}": answer(number) for number in range(300)}
