"""Recordings, runs and answers in a database: SQLite by default."""

from __future__ import annotations

from .failures import Unstorable
from .records import (
    Added,
    DamageRecord,
    Gaps,
    JournalEntry,
    KeptRule,
    Login,
    NotOpen,
    RecordingInfo,
    ResultRow,
    RunInfo,
    StoredAnswer,
    TokenRecord,
    UserRecord,
)
from .retaining import Freed
from .store import Store

__all__ = [
    "Added",
    "DamageRecord",
    "Freed",
    "Gaps",
    "JournalEntry",
    "KeptRule",
    "Login",
    "NotOpen",
    "RecordingInfo",
    "ResultRow",
    "RunInfo",
    "Store",
    "StoredAnswer",
    "TokenRecord",
    "Unstorable",
    "UserRecord",
]
