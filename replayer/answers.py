"""The answers of a pass: as many as memory has room for as they are, and the rest packed.

A replay of 50,000 exchanges has some 100 to 250 MB of answers in each of its passes. They are compared all together,
in the order of the plan, and several times over: so they are packed in blocks of neighbours, of which each reading
unpacks one at a time. An answer of the example shop, 1 KB of objects, takes 100 bytes there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from diffing.difference import Answer, Reason

from .engine import NOT_SENT
from .store import codec

ROOM = 32 * 1024 * 1024
"""Bytes of answers that a pass keeps as they are: those of 13,000 exchanges of the example shop, by `weight_of`."""
WAITING = 8 * 1024 * 1024
"""Bytes of answers that wait for others of their blocks: those of workers come in any order."""
BLOCK = 128
"""Answers in a block: more compress little better, and reading one unpacks them all."""
OPEN = 2
"""Blocks that are kept unpacked after they were read."""

_HEAD = 8  # bytes that hold the length of what follows them


class PackedAnswers:
    """One answer for each step of a plan, by its index; NOT_SENT where nothing was put."""

    def __init__(self, count: int = 0, room: int | None = None) -> None:
        self._count = count
        self._room = ROOM if room is None else room
        self._plain: dict[int, Answer] = {}
        self._waiting: dict[int, dict[int, Answer]] = {}  # by block: what comes after its pieces
        self._weight = 0  # of those that wait
        self._pieces: dict[int, list[bytes]] = {}  # by block: what was packed together; the later piece counts
        self._open: OrderedDict[int, dict[int, Answer]] = OrderedDict()

    @classmethod
    def of(cls, answers: Iterable[Answer], room: int | None = None) -> PackedAnswers:
        """These answers."""
        made = cls(room=room)
        for answer in answers:
            made.append(answer)
        return made

    def append(self, answer: Answer) -> None:
        """The answer of one step more."""
        self._count += 1
        self[self._count - 1] = answer

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Answer]:
        return map(self.__getitem__, range(self._count))

    def __getitem__(self, index: int) -> Answer:
        index = self._index(index)
        block = index // BLOCK
        for kept in (self._plain, self._waiting.get(block, {})):
            if index in kept:
                return kept[index]
        return self._unpacked(block).get(index, NOT_SENT)

    def __setitem__(self, index: int, answer: Answer) -> None:
        index, weight = self._index(index), weight_of(answer)
        before = self._plain.pop(index, None)
        if before is not None:
            self._room += weight_of(before)
        if weight <= self._room:
            self._room -= weight
            self._plain[index] = answer
            return
        self._waiting.setdefault(index // BLOCK, {})[index] = answer
        self._weight += weight
        if self._weight > WAITING:
            self._pack()

    def _index(self, index: int) -> int:
        if not -self._count <= index < self._count:
            raise IndexError(f"there is no answer {index} of {self._count}")
        return index % self._count

    def _pack(self) -> None:
        for block, answers in self._waiting.items():
            self._pieces.setdefault(block, []).append(packed(answers))
            self._open.pop(block, None)
        self._waiting.clear()
        self._weight = 0

    def _unpacked(self, block: int) -> Mapping[int, Answer]:
        found = self._open.get(block)
        if found is None:
            found = {}
            for piece in self._pieces.get(block, ()):
                found |= unpacked(piece)
            self._open[block] = found
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
        return found


class NamedAnswers(Mapping[str, Answer]):
    """Answers by the exchanges that they are to."""

    def __init__(self, answers: Iterable[tuple[str, Answer]]) -> None:
        self._answers = PackedAnswers()
        self._index: dict[str, int] = {}
        for exchange_id, answer in answers:
            self._index[exchange_id] = len(self._answers)
            self._answers.append(answer)

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __getitem__(self, exchange_id: str) -> Answer:
        return self._answers[self._index[exchange_id]]


def weight_of(answer: Answer) -> int:
    """About how many bytes of memory an answer takes."""
    weight, response, observed = 600, answer.response, answer.observed
    if response is not None:
        weight += len(response.body.data) + 200 * len(response.headers)
    if observed is not None:
        weight += sum(200 + len(each.statement) for each in observed.sql or ())
        for call in observed.outbound or ():
            weight += 3000 + len(call.request.body.data) + (len(call.response.body.data) if call.response else 0)
    return weight


def packed(answers: Mapping[int, Answer]) -> bytes:
    """Answers by the indices of their steps, as bytes."""
    rows: list[list[Any]] = []
    bodies: list[bytes] = []
    for index, answer in answers.items():
        body = answer.response.body.data if answer.response is not None else b""
        record = codec.record_of_answer(answer.response, answer.failure, answer.started, answer.ended, answer.observed)
        reason = answer.reason.value if answer.reason is not None else ""
        rows.append([index, reason, answer.detail, answer.minting, len(body), record])
        bodies.append(body)
    head = codec.dumps(rows)
    return codec.compressed(len(head).to_bytes(_HEAD) + head + b"".join(bodies))


def unpacked(data: bytes) -> dict[int, Answer]:
    """The answers of which `packed` made these bytes."""
    content = codec.expanded(data)
    position = _HEAD + int.from_bytes(content[:_HEAD])
    found: dict[int, Answer] = {}
    for index, reason, detail, minting, length, record in codec.loads(content[_HEAD:position]):
        body = content[position : position + length]
        position += length
        response, failure, started, ended, observed = codec.answer_of(record, body)
        why = Reason(reason) if reason else None
        found[index] = Answer(response, failure, started, ended, why, detail, observed, minting)
    return found
