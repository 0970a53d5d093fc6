"""Noise profiles: what the passes of a baseline taught about a recording, kept for later runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson
import zstandard
from sqlalchemy import Connection, Engine, delete, insert, select

from .dialect import reading, write
from .recordings import lock_recording
from .records import StoredProfile
from .tables import noise_profiles


class ProfileStore:
    """The part of the store that holds noise profiles: one for each recording and build of the baseline."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep_profile(self, recording_id: int, build: str, run_id: str, data: Mapping[str, Any]) -> None:
        """Keep a profile in its JSON form; it takes the place of an earlier one of the same build."""
        packed = zstandard.ZstdCompressor(level=3).compress(orjson.dumps(data))
        values = {"recording": recording_id, "build": build, "run": run_id, "created": time.time(), "data": packed}
        same = (noise_profiles.c.recording == recording_id, noise_profiles.c.build == build)

        def replace(connection: Connection) -> None:
            lock_recording(connection, recording_id)
            connection.execute(delete(noise_profiles).where(*same))
            connection.execute(insert(noise_profiles).values(values))

        write(self._engine, replace)

    def profiled(self) -> tuple[tuple[int, float], ...]:
        """(recording, seconds since the epoch) of every profile that is kept: changes whenever one does."""
        query = select(noise_profiles.c.recording, noise_profiles.c.created).order_by(noise_profiles.c.created)
        with reading(self._engine) as connection:
            return tuple((row.recording, row.created) for row in connection.execute(query))

    def profile(self, recording_id: int, build: str | None = None) -> StoredProfile | None:
        """The profile of a build; without a build, the newest one of the recording. None when there is none."""
        query = select(noise_profiles).where(noise_profiles.c.recording == recording_id)
        if build is not None:
            query = query.where(noise_profiles.c.build == build)
        with reading(self._engine) as connection:
            row = connection.execute(query.order_by(noise_profiles.c.created.desc()).limit(1)).one_or_none()
        if row is None:
            return None
        data: dict[str, Any] = orjson.loads(zstandard.ZstdDecompressor().decompress(row.data))
        return StoredProfile(row.build, row.run, row.created, data)
