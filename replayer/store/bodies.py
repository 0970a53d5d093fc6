"""Bodies by content: each one is kept once, compressed, however many exchanges and answers carry it.

The first large batch of a recording trains a zstd dictionary, with which a body of a kilobyte takes a quarter of what
it takes alone. Dictionaries never change, are known by the number that zstd derives from their content (so a number
that was remembered can never mean another one), and go when no body needs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import zstandard
from sqlalchemy import Connection, delete, except_, func, select

from .dialect import insert_absent, insert_new, lock_bodies, rows_among
from .tables import answers, bodies, dictionaries, exchanges

LEVEL = 3
DICTIONARY_BYTES = 32 * 1024
TRAINING_BODIES = 400
"""How many new bodies a batch must bring to train a dictionary: fewer would not pay for its own size."""

TRAINING_BYTES = 512 * 1024
"""How much of them is looked at: training takes about 0.1 s a megabyte."""

TRAINING_RANGE = range(64, 16 * 1024)
"""Sizes of bodies to learn from: below, nothing can be won; above, they compress well alone."""


class BodyStore:
    """Puts bodies in and gets them out within a caller's transactions; keeps compressors between them."""

    def __init__(self) -> None:
        self._compressors: dict[int | None, zstandard.ZstdCompressor] = {None: zstandard.ZstdCompressor(level=LEVEL)}
        self._decompressors: dict[int | None, zstandard.ZstdDecompressor] = {None: zstandard.ZstdDecompressor()}

    def put(self, connection: Connection, recording: int | None, contents: Iterable[bytes]) -> dict[bytes, int]:
        """Store what is not there yet; give the number of each body. The empty body has none.

        Bodies belong to no recording; `recording` only chooses the dictionary.
        """
        digests = {data: sha256(data).digest() for data in contents if data}
        if not digests:
            return {}
        lock_bodies(connection, deleting=False)
        known = self._numbers(connection, digests.values())
        new = {digest: data for data, digest in digests.items() if digest not in known}
        if new:
            dictionary = self._dictionary_for(connection, recording, list(new.values()))
            compress = self._compressor(connection, dictionary).compress
            # in one order everywhere: two writers never wait for each other
            rows = [(digest, dictionary, compress(data)) for digest, data in sorted(new.items())]
            insert_absent(connection, bodies, ("sha256", "dictionary", "data"), rows)
            known |= self._numbers(connection, new)
        return {data: known[digest] for data, digest in digests.items()}

    def get(self, connection: Connection, numbers: Iterable[int | None]) -> dict[int | None, bytes]:
        """The bodies with these numbers; None is the empty one."""
        found: dict[int | None, bytes] = {None: b""}
        wanted = list({number for number in numbers if number is not None})
        columns = (bodies.c.id, bodies.c.dictionary, bodies.c.data)
        for number, dictionary, data in rows_among(connection, columns, bodies.c.id, wanted):
            found[number] = self._decompressor(connection, dictionary).decompress(data)
        return found

    def _numbers(self, connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
        found = rows_among(connection, (bodies.c.sha256, bodies.c.id), bodies.c.sha256, list(digests))
        return {bytes(digest): number for digest, number in found}

    def _dictionary_for(self, connection: Connection, recording: int | None, new: list[bytes]) -> int | None:
        """The recording's dictionary, trained now if there is none and there is enough to learn from."""
        query = select(func.max(dictionaries.c.id)).where(dictionaries.c.recording == recording)
        there: int | None = None if recording is None else connection.execute(query).scalar()
        if there is not None or recording is None:
            return there
        samples = [data for data in new if len(data) in TRAINING_RANGE]
        if len(samples) < TRAINING_BODIES:
            return None
        trained = _train(samples)
        if trained is None:
            return None
        row = {"id": trained.dict_id(), "recording": recording, "data": trained.as_bytes()}
        insert_new(connection, dictionaries, [row])
        return trained.dict_id()

    def _compressor(self, connection: Connection, dictionary: int | None) -> zstandard.ZstdCompressor:
        if dictionary not in self._compressors:
            data = _load(connection, dictionary)
            data.precompute_compress(level=LEVEL)
            self._compressors[dictionary] = zstandard.ZstdCompressor(level=LEVEL, dict_data=data)
        return self._compressors[dictionary]

    def _decompressor(self, connection: Connection, dictionary: int | None) -> zstandard.ZstdDecompressor:
        if dictionary not in self._decompressors:
            self._decompressors[dictionary] = zstandard.ZstdDecompressor(dict_data=_load(connection, dictionary))
        return self._decompressors[dictionary]


def free_bodies(connection: Connection) -> int:
    """Delete the bodies that nothing carries any more, and say how many they were."""
    lock_bodies(connection, deleting=True)
    unused = except_(
        select(bodies.c.id),
        select(exchanges.c.request_body).where(exchanges.c.request_body.is_not(None)),
        select(exchanges.c.response_body).where(exchanges.c.response_body.is_not(None)),
        select(answers.c.body).where(answers.c.body.is_not(None)),
    )  # not NOT IN: PostgreSQL walks a long list anew for each row
    freed = connection.execute(delete(bodies).where(bodies.c.id.in_(unused))).rowcount
    needed = select(bodies.c.dictionary).where(bodies.c.dictionary.is_not(None))
    connection.execute(delete(dictionaries).where(dictionaries.c.id.not_in(needed)))
    return freed


def _train(samples: list[bytes]) -> zstandard.ZstdCompressionDict | None:
    """A dictionary from an even choice of the samples; None when they have too little in common."""
    mean = sum(map(len, samples)) / len(samples)
    step = max(1, round(len(samples) * mean / TRAINING_BYTES))
    chosen: list[bytes | bytearray | memoryview] = [*samples[::step]]
    try:
        return zstandard.train_dictionary(DICTIONARY_BYTES, chosen, k=256, d=8)
    except zstandard.ZstdError:
        return None


def _load(connection: Connection, dictionary: int | None) -> zstandard.ZstdCompressionDict:
    query = select(dictionaries.c.data).where(dictionaries.c.id == dictionary)
    return zstandard.ZstdCompressionDict(connection.execute(query).scalar_one())
