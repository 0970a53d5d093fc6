"""Records request/response pairs inside a WSGI application's process. Standard library only."""

from __future__ import annotations

from .config import ConfigError, RecorderConfig
from .exchange import Body, BodyState, Exchange, Headers, Outcome, RecordedRequest, RecordedResponse
from .middleware import RecorderMiddleware

__all__ = [
    "Body",
    "BodyState",
    "ConfigError",
    "Exchange",
    "Headers",
    "Outcome",
    "RecordedRequest",
    "RecordedResponse",
    "RecorderConfig",
    "RecorderMiddleware",
]
