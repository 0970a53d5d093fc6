"""What becomes of errors: a page for people, the one shape for programs, and nothing of ours in either."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from replayer.service import UnderstudyError, UsageError

from .access import LoginNeeded, wants_page
from .errors import ApiError, answer, refusal
from .pages import page

logger = logging.getLogger("understudy.dashboard")

LATER_SECONDS = 5
"""What `Retry-After` says while the database cannot be used."""

_TITLES = {403: "Not allowed", 404: "Not found", 429: "Later", 503: "Later"}
_CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}


def install(app: FastAPI) -> None:
    """Give every error of an application this shape."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UsageError, _usage)
    app.add_exception_handler(UnderstudyError, _unusable)
    app.add_exception_handler(LoginNeeded, _login)
    app.add_exception_handler(Exception, _unexpected)


def told(request: Request, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error as whoever asks can read it: a page for people, the one shape for programs."""
    if not wants_page(request):
        return answer(status, code, message, headers)
    shown = page(
        request, "error.html.j2", status, code=code, title=_TITLES.get(status, "That did not work"), message=message
    )
    shown.headers.update(headers or {})
    return shown


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return told(request, error.status, error.code, error.message, error.headers)


async def _login(_: Request, error: Exception) -> Response:
    assert isinstance(error, LoginNeeded)
    return RedirectResponse(error.address, 303)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "refused")
    return told(request, error.status_code, code, str(error.detail), dict(error.headers or {}))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return told(request, 422, "invalid", f"{place}: {first['msg']}")


async def _usage(request: Request, error: Exception) -> Response:
    """What was asked for is not there, or cannot be: the sentence says which."""
    assert isinstance(error, UsageError)
    status, code = (404, "not_found") if request.method == "GET" else refusal(error)
    return told(request, status, code, error.message)


async def _unusable(request: Request, error: Exception) -> Response:
    """What cannot be had now, as when the database is down. Its address is for whoever runs the server."""
    assert isinstance(error, UnderstudyError)
    logger.warning("%s %s", error.message, error.hint)
    return told(request, 503, "unavailable", "The database cannot be used now.", {"Retry-After": str(LATER_SECONDS)})


async def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return told(request, 500, "internal", "This is a bug of ours; the server's log has it.")
