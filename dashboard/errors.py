"""One shape for everything that is not as it was asked: `{"error": {"code": …, "message": …}}`."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from replayer.service import UnderstudyError

logger = logging.getLogger("understudy.dashboard")

LATER_SECONDS = 5
"""What `Retry-After` says while the database cannot be used."""

_CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}


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


def answer(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error in its one shape."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def install(app: FastAPI) -> None:
    """Give every error of an application this shape."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UnderstudyError, _unusable)
    app.add_exception_handler(Exception, _unexpected)


async def _api_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return answer(error.status, error.code, error.message, error.headers)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "refused")
    return answer(error.status_code, code, str(error.detail), dict(error.headers or {}))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return answer(422, "invalid", f"{place}: {first['msg']}")


async def _unusable(_: Request, error: Exception) -> JSONResponse:
    """What cannot be had now, as when the database is down. Its address is for whoever runs the server."""
    assert isinstance(error, UnderstudyError)
    logger.warning("%s %s", error.message, error.hint)
    return answer(503, "unavailable", "The database cannot be used now.", {"Retry-After": str(LATER_SECONDS)})


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return answer(500, "internal", "This is a bug of ours; the server's log has it.")
