"""What a client gets when something is wrong: always JSON with a code, a sentence and the request's id."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, g, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

log = logging.getLogger("shop")


class ApiError(Exception):
    """Ends the request with a status and an error body."""

    def __init__(self, status: int, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra = extra


def not_found(what: str) -> ApiError:
    return ApiError(404, "not_found", f"There is no such {what}.")


def forbidden(message: str = "You may not do this.") -> ApiError:
    return ApiError(403, "forbidden", message)


def conflict(code: str, message: str) -> ApiError:
    return ApiError(409, code, message)


def invalid(field: str, problem: str) -> ApiError:
    return ApiError(422, "invalid", "Some fields are not valid.", details=[{"field": field, "problem": problem}])


def body(code: str, message: str, **extra: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "request_id": g.get("request_id"), **extra}}


def init_app(app: Flask) -> None:
    app.register_error_handler(ApiError, _expected)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _expected(error: ApiError) -> ResponseReturnValue:
    return jsonify(body(error.code, error.message, **error.extra)), error.status


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    response = jsonify(body(error.name.lower().replace(" ", "_"), error.description or error.name))
    response.status_code = status
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> ResponseReturnValue:
    log.error("request %s failed", g.get("request_id"), exc_info=error)
    return jsonify(body("internal", "Something went wrong on our side.")), 500
