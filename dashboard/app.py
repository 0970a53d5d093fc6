"""The application: `create_app(settings)` puts together what the modules of `routes/` answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from replayer.service import Measured, receiver
from replayer.settings import Settings

from .errors import install
from .routes import health, ingest, metrics


def create_app(settings: Settings) -> FastAPI:
    """The dashboard of one database. The database need not be there yet: `/ready` says whether it is."""
    received, measured = receiver(settings), Measured(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        received.close()
        measured.close()

    app = FastAPI(title="Understudy", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.settings = settings
    app.state.receiver = received
    app.state.measured = measured
    app.state.metrics_token = os.environ.get("UNDERSTUDY_METRICS_TOKEN", "")
    app.state.under_way = asyncio.Semaphore(ingest.UNDERWAY)
    install(app)
    app.include_router(health.router)
    app.include_router(ingest.router)
    app.include_router(metrics.router)
    return app
