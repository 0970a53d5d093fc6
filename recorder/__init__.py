"""Records request/response pairs inside a WSGI application's process. Standard library only."""

from __future__ import annotations

from .exchange import Body, BodyState, Exchange, Headers, Outcome, RecordedRequest, RecordedResponse

__all__ = [
    "Body",
    "BodyState",
    "Exchange",
    "Headers",
    "Outcome",
    "RecordedRequest",
    "RecordedResponse",
]
