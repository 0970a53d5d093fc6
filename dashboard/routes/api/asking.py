"""What the routes of the API share: documented errors, cursors, and bodies of a bounded size."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from diffing.grouping import Finding
from replayer.review import Review
from replayer.service import ConflictError, UsageError
from replayer.store import RunInfo

from ...errors import ApiError
from .models import ProblemAnswer

PREFIX = "/api/v1"
MAX_BODY = 64 * 1024
"""Bytes of JSON in a request."""

Item = TypeVar("Item")
Given = TypeVar("Given", bound=BaseModel)
Key = tuple[str | int | float, ...]

Cursor = Annotated[str, Query(max_length=500, description="`next` of the answer before; empty for the first.")]
Limit = Annotated[int, Query(ge=1, le=200)]

_MEANS = {
    400: "What was sent can not be read.",
    401: "Nobody is logged in, and no token is shown, or it is over.",
    403: "The role or the token does not suffice, or the request does not come from a page of the login.",
    404: "There is no such thing.",
    409: "What was asked does not fit the state that things are in by now.",
    408: "What was sent did not arrive in time.",
    413: "What was sent is too large.",
    415: "What was sent is of another media type.",
    422: "What was asked can not be done as it was asked.",
    503: "The database can not be used now, or the server is busy.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer beside what was asked for: these, and what every route of the API may."""
    return {
        status: {"model": ProblemAnswer, "description": _MEANS[status]}
        for status in sorted({401, 403, 422, 503, *statuses})
    }


def review_of(request: Request) -> Review:
    found: Review = request.app.state.review()
    return found


def run_of(review: Review, run: str) -> RunInfo:
    """The run. Raises ApiError, whatever the method."""
    try:
        return review.run(run)
    except UsageError as error:
        raise ApiError(404, "not_found", error.message) from None


def finding_of(review: Review, run: RunInfo, fingerprint: str) -> Finding:
    """A finding of a run that is finished: of another one there is none to do something with. Raises ApiError."""
    try:
        report = review.report(run.id)
    except ConflictError as error:
        raise ApiError(409, "conflict", error.message) from None
    try:
        return review.finding(report, fingerprint)
    except UsageError as error:
        raise ApiError(404, "not_found", error.message) from None


def part_of(
    items: Sequence[Item], key: Callable[[Item], Key], cursor: str, limit: int
) -> tuple[list[Item], str | None]:
    """Items in the order of their keys, from behind a cursor on, and the cursor of the next ones.

    A cursor is a key, so that what was added or is gone meanwhile neither repeats nor hides anything else.
    """
    rows = sorted(((key(item), item) for item in items), key=lambda row: row[0])
    if cursor:
        after = _key(cursor)
        try:
            rows = [row for row in rows if row[0] > after]
        except TypeError:
            raise _no_cursor() from None
    more = len(rows) > limit
    return [item for _, item in rows[:limit]], _cursor(rows[limit - 1][0]) if more else None


def body_of(model: type[Given]) -> Callable[[Request], Coroutine[Any, Any, Given]]:
    """A dependency that reads a request's JSON once it is known who asks: FastAPI itself would read all of it first."""

    async def read(request: Request) -> Given:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise ApiError(415, "media_type", "Send application/json.")
        data = bytearray()
        async for chunk in request.stream():
            data += chunk
            if len(data) > MAX_BODY:
                raise ApiError(413, "too_large", f"Send {MAX_BODY} bytes at most.", {"Connection": "close"})
        try:
            return model.model_validate_json(bytes(data))
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None

    return read


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """The part of a route's description that says what `body_of` reads."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}}


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _key(cursor: str) -> Key:
    try:
        data = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except ValueError:
        raise _no_cursor() from None
    if not isinstance(data, list) or not all(isinstance(part, (str, int, float)) for part in data):
        raise _no_cursor()
    return tuple(data)


def _no_cursor() -> ApiError:
    return ApiError(422, "cursor", "The cursor is none that this list gave.")
