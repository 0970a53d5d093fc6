"""Recordings, runs and answers in a database: SQLite by default."""

from __future__ import annotations

from .records import Added, DamageRecord, RecordingInfo, ResultRow, RunInfo, StoredAnswer
from .store import Store

__all__ = ["Added", "DamageRecord", "RecordingInfo", "ResultRow", "RunInfo", "Store", "StoredAnswer"]
