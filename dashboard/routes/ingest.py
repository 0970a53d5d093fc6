"""`POST /api/v1/ingest`: batches from recorders, as their `http(s):` sink sends them.

Nothing is read of a request before its token was found right, and never more than it may have. A batch that is answered
with 202 is in the database; one that is sent again adds nothing.
"""

from __future__ import annotations

import asyncio
import hmac

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from recorder.batches import MEDIA_TYPE, BatchTooLarge
from recorder.wire import WireError
from replayer.service import Busy, Receiver, Unstorable
from replayer.settings import IngestSettings

from ..access import anyone
from ..errors import ApiError

router = APIRouter(prefix="/api/v1", include_in_schema=False)

BODY_SECONDS = 30.0
"""How long a request may take to arrive."""

UNDERWAY = 16
"""Requests whose body may be arriving at once: this many times `max_body` is what they may take of the memory."""


@router.post("/ingest", status_code=202)
@anyone
async def ingest(request: Request) -> dict[str, int]:
    """Keep a batch, and say how many exchanges it held, how many were added, and how many were there already."""
    settings: IngestSettings = request.app.state.settings.ingest
    _admit(settings, request.headers.get("authorization", ""))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise ApiError(415, "media_type", f"A batch is sent as {MEDIA_TYPE}.")
    under_way: asyncio.Semaphore = request.app.state.under_way
    if under_way.locked():
        raise _later("More batches arrive than can be read.")
    async with under_way:
        data = await _body(request, settings.max_body)
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        received: Receiver = request.app.state.receiver
        try:
            taken = await run_in_threadpool(received.take, encoding, data)
        except BatchTooLarge as error:
            raise ApiError(413, "too_large", f"{error}.") from None
        except WireError as error:
            raise ApiError(400, "no_batch", f"{error}.") from None
        except Busy as error:
            raise _later(error.message) from None
        except Unstorable as error:
            raise ApiError(500, "unstorable", error.message) from None
    return {"exchanges": taken.exchanges, "added": taken.added, "duplicates": taken.duplicates}


def _admit(settings: IngestSettings, authorization: str) -> None:
    """Raise ApiError unless the token is the one that is set."""
    if not settings.token:
        raise ApiError(
            403, "no_token", "This server takes no batches: it has no token. Set UNDERSTUDY_INGEST_TOKEN where it runs."
        )
    scheme, _, shown = authorization.partition(" ")
    right = hmac.compare_digest(shown.strip().encode("latin-1"), settings.token.encode())
    if scheme.lower() != "bearer" or not right:
        message = "The token is not the one that is set." if authorization else "A token is needed."
        raise ApiError(401, "token", message, {"WWW-Authenticate": "Bearer"})


async def _body(request: Request, most: int) -> bytes:
    """The request's body. Raises ApiError when it is larger, or takes too long."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                data += chunk
                if len(data) > most:
                    raise _too_large(most)
    except TimeoutError:
        raise ApiError(408, "too_slow", f"The batch did not arrive within {BODY_SECONDS:.0f} seconds.") from None
    except ClientDisconnect:
        raise ApiError(400, "cut_off", "The connection ended before the batch did.") from None
    return bytes(data)


def _too_large(most: int) -> ApiError:
    # what is still to come is not read
    return ApiError(413, "too_large", f"A batch may be sent in at most {most} bytes.", {"Connection": "close"})


def _later(message: str) -> ApiError:
    return ApiError(503, "busy", message, {"Retry-After": "1"})
