"""The application: `create_app(settings)` puts together what the modules of `routes/` answer."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from replayer.accounts import Accounts
from replayer.review import FlakyShelf, Review
from replayer.rule_desk import RuleDesk, Shelf
from replayer.service import Measured, receiver
from replayer.settings import Settings
from replayer.starting import Starter
from replayer.store import Store
from replayer.talk import Talk
from replayer.tokens import Tokens

from .access import authorize
from .handlers import install
from .headers import SecurityHeaders
from .live import Streams
from .routes import (
    api,
    audit,
    compare,
    events,
    findings,
    health,
    ingest,
    login,
    metrics,
    recordings,
    rules,
    runs,
    start,
    static,
    talk,
    trends,
)
from .routes import settings as settings_page
from .routes.api import uploads
from .throttle import Throttle


class _Kept:
    """The store, opened when it is first needed: a database that is away for a while must not end the server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._shelf = Shelf()
        self._flaky = FlakyShelf()

    def store(self) -> Store:
        with self._lock:
            if self._store is None:
                self._store = Store.open(self._settings.database_url)
            return self._store

    def accounts(self) -> Accounts:
        return Accounts(self.store())

    def tokens(self) -> Tokens:
        return Tokens(self.store())

    def review(self) -> Review:
        return Review(self.store(), self._settings, self._flaky)

    def talk(self) -> Talk:
        return Talk(self.store())

    def rules(self) -> RuleDesk:
        return RuleDesk(self.store(), self._settings, self._shelf)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()


def create_app(settings: Settings, first_link: str = "", first_name: str = "local") -> FastAPI:
    """The dashboard of one database. The database need not be there yet: `/ready` says whether it is.

    `first_link` is a secret that lets somebody in once, as an admin of the name `first_name`.
    """
    received, measured, kept = receiver(settings), Measured(settings), _Kept(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        received.close()
        measured.close()
        kept.close()

    app = FastAPI(title="Understudy", openapi_url=None, lifespan=lifespan, dependencies=[Depends(authorize)])
    app.add_middleware(SecurityHeaders)
    app.state.settings = settings
    app.state.receiver = received
    app.state.measured = measured
    app.state.metrics_token = os.environ.get("UNDERSTUDY_METRICS_TOKEN", "")
    app.state.under_way = asyncio.Semaphore(ingest.UNDERWAY)
    app.state.uploads = asyncio.Semaphore(uploads.AT_ONCE)
    app.state.store = kept.store
    app.state.accounts = kept.accounts
    app.state.tokens = kept.tokens
    app.state.review = kept.review
    app.state.rules = kept.rules
    app.state.talk = kept.talk
    app.state.throttle = Throttle()
    app.state.streams = Streams()
    app.state.starter = Starter(settings, kept.store)
    app.state.first_link = first_link
    app.state.first_name = first_name
    install(app)
    for module in (
        health,
        ingest,
        metrics,
        static,
        login,
        start,
        runs,
        compare,
        trends,
        events,
        findings,
        talk,
        recordings,
        audit,
        rules,
        settings_page,
        *api.MODULES,
    ):
        app.include_router(module.router)
    return app
