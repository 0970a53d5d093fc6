"""`GET /runs/{run}/events`: what a run does, as it does it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from replayer.accounts import Role

from ..access import needs
from ..live import Streams
from .runs import review_of

router = APIRouter(include_in_schema=False)


class EventStream(StreamingResponse):
    """Counted among the streams for as long as it is being sent."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streams: Streams = scope["app"].state.streams
        with streams.one():
            await super().__call__(scope, receive, send)


@router.get("/runs/{run}/events")
@needs(Role.VIEWER)
async def events(request: Request, run: str) -> Response:
    """The state of a run whenever it is another one, until the run is over."""
    info = await run_in_threadpool(lambda: review_of(request).run(run))
    streams: Streams = request.app.state.streams
    content = streams.follow(request.app.state.review, info.id, request.headers.get("last-event-id", ""))
    return EventStream(content, headers={"X-Accel-Buffering": "no"})
