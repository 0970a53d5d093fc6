"""One shape for everything that is not as it was asked: `{"error": {"code": …, "message": …}}`."""

from __future__ import annotations

from fastapi.responses import JSONResponse

from replayer.service import ConflictError, UsageError


class ApiError(Exception):
    """What a route answers instead of what was asked.

    `code` is for programs and never changes; `message` is for people.
    """

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def refusal(error: UsageError) -> tuple[int, str]:
    """Status and code of what can not be done: because of what was asked, or of the state that things are in by now."""
    return (409, "conflict") if isinstance(error, ConflictError) else (422, "invalid")


def answer(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error in its one shape."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
