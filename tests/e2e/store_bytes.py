"""Every byte that a store keeps, out of its compression."""

from __future__ import annotations

import zstandard
from sqlalchemy import LargeBinary, select

from replayer.store import Store
from replayer.store.tables import bodies, dictionaries, metadata


def everything_stored(store: Store) -> list[bytes]:
    """Each value of each column of each table, as text or as bytes; zstd frames decompressed."""
    found: list[bytes] = []
    with store._engine.connect() as connection:
        known = {
            row.id: zstandard.ZstdCompressionDict(row.data) for row in connection.execute(select(dictionaries)).all()
        }
        for table in metadata.sorted_tables:
            blobs = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
            for row in connection.execute(select(table)).mappings():
                dictionary = known.get(row["dictionary"]) if table is bodies else None
                for name, value in row.items():
                    if name in blobs and value is not None:
                        found.append(_opened(bytes(value), dictionary))
                    elif value is not None:
                        found.append(str(value).encode())
    return found


def _opened(data: bytes, dictionary: zstandard.ZstdCompressionDict | None) -> bytes:
    if not data.startswith(zstandard.FRAME_HEADER):
        return data
    return zstandard.ZstdDecompressor(dict_data=dictionary).decompress(data)
