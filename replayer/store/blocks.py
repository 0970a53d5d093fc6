"""Blocks in the database: written a batch at a time, read with the latest ones kept unpacked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from . import codec
from .tables import blocks

Records = Sequence[list[Any]]

KEPT_BLOCKS = 32
"""Blocks kept unpacked: exchanges in order of time come from as many blocks as there were recording processes."""


def add_blocks(
    connection: Connection, records: Records, *, recording: int | None = None, pass_id: int | None = None
) -> list[tuple[int, int]]:
    """Store records of a recording or a pass; give each one's place: block number and slot."""
    places: list[tuple[int, int]] = []
    for start in range(0, len(records), codec.BLOCK_RECORDS):
        part = records[start : start + codec.BLOCK_RECORDS]
        values = {
            "recording": recording,
            "pass": pass_id,
            "format": codec.BLOCK_FORMAT,
            "data": codec.pack(part),
        }
        (number,) = connection.execute(insert(blocks).values(values).returning(blocks.c.id)).one()
        places.extend((number, slot) for slot in range(len(part)))
    return places


class BlockReader:
    """Reads blocks for one caller, who asks for neighbours again and again."""

    def __init__(self, most: int = KEPT_BLOCKS) -> None:
        self._most = most
        self._kept: OrderedDict[int, Records] = OrderedDict()

    def load(self, connection: Connection, numbers: Iterable[int]) -> dict[int, Records]:
        """The records of these blocks, by block number."""
        wanted = dict.fromkeys(numbers)
        missing = [number for number in wanted if number not in self._kept]
        loaded = {number: self._kept[number] for number in wanted if number in self._kept}
        if missing:
            query = select(blocks.c.id, blocks.c.format, blocks.c.data).where(blocks.c.id.in_(missing))
            for number, block_format, data in connection.execute(query):
                loaded[number] = codec.unpack(block_format, data)
        for number in wanted:
            self._kept[number] = loaded[number]
            self._kept.move_to_end(number)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return loaded
