"""Recordings that a pipeline sends: one spool file or HAR, imported as `understudy recordings import` does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from replayer.accounts import Role
from replayer.review import ImportReport
from replayer.service import UsageError
from replayer.settings import Settings
from replayer.tokens import TokenScope

from ...access import needs, person_of
from ...errors import ApiError, refusal
from .asking import PREFIX, problems, review_of
from .models import Imported
from .recordings import shown

router = APIRouter(prefix=f"{PREFIX}/recordings", tags=["recordings"])

MEDIA_TYPE = "application/octet-stream"
AT_ONCE = 4
"""Uploads at once: this many times `max_body` is what they take of the disk."""

UPLOAD_SECONDS = 300.0
"""How long one may take to arrive."""


@router.post(
    "",
    status_code=201,
    response_model=Imported,
    responses={
        200: {"model": Imported, "description": "The same content was imported before."},
        **problems(400, 408, 409, 413, 415),
    },
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
@needs(Role.ADMIN, TokenScope.RUNS)
async def upload(
    request: Request,
    response: Response,
    name: Annotated[str, Query(max_length=200, description="Of the recording; chosen when it is not given.")] = "",
) -> Imported:
    """Import a spool file or a HAR as a recording. The same content again is the same recording."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise ApiError(415, "media_type", f"Send the file as {MEDIA_TYPE}.")
    under_way: asyncio.Semaphore = request.app.state.uploads
    if under_way.locked():
        raise ApiError(503, "busy", "More files arrive than can be read.", {"Retry-After": "5"})
    async with under_way:
        with TemporaryDirectory(prefix="understudy-") as folder:  # for nobody else to read: a HAR is not redacted yet
            path = Path(folder, "upload")
            await _received(request, path)
            report = await run_in_threadpool(_imported, request, path, name)
    if report.reused:
        response.status_code = 200
    return Imported(
        recording=shown(report.recording),
        source="har" if report.source == "har" else "spool",
        exchanges=report.exchanges,
        added=report.added,
        duplicates=report.duplicates,
        skipped=dict(report.skipped),
        damaged=report.damaged,
        lost=report.lost,
        reused=report.reused,
        notes=list(report.notes),
    )


async def _received(request: Request, path: Path) -> None:
    """Writes what is sent to a file. Raises ApiError when it is too large, or takes too long."""
    settings: Settings = request.app.state.settings
    most, size = settings.ingest.max_body, 0
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            with path.open("wb") as file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > most:
                        raise _too_large(most)
                    file.write(chunk)
    except TimeoutError:
        raise ApiError(408, "too_slow", f"The file did not arrive within {UPLOAD_SECONDS:.0f} seconds.") from None
    except ClientDisconnect:
        raise ApiError(400, "cut_off", "The connection ended before the file did.") from None


def _imported(request: Request, path: Path, name: str) -> ImportReport:
    try:
        return review_of(request).add_recording(path, name, person_of(request).name)
    except UsageError as error:
        # where it lay for a moment is nobody's business
        status, code = refusal(error)
        raise ApiError(status, code, error.message.replace(f"{path.parent}/", "")) from None


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"A file may have {most} bytes: see max_body.", {"Connection": "close"})
