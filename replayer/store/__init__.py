"""Recordings, runs and answers in a database: SQLite by default."""

from __future__ import annotations

from .failures import Unstorable
from .records import (
    Added,
    AssignmentRecord,
    CommentRecord,
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
    "AssignmentRecord",
    "CommentRecord",
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
