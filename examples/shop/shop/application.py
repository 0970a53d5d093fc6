"""Puts the application together."""

from __future__ import annotations

import os

from flask import Flask

from . import database, errors, noise, security, timing
from .config import Settings
from .routes import BLUEPRINTS

MAX_UPLOAD = 256 * 1024  # bytes of one request


def create_app(settings: Settings | None = None) -> Flask:
    settings = settings or Settings.from_environment()
    app = Flask("shop")
    app.config.update(
        SECRET_KEY=settings.signing_key,
        MAX_CONTENT_LENGTH=MAX_UPLOAD,
        SESSION_COOKIE_NAME="session",
        SESSION_COOKIE_SAMESITE="Lax",
        SHOP_SETTINGS=settings,
        SHOP_CHANGES=settings.changes,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    timing.init_app(app)
    database.init_app(app, settings.database)
    security.init_app(app)
    errors.init_app(app)
    if settings.noise > 1:
        noise.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if os.environ.get("UNDERSTUDY_SINK") or os.environ.get("UNDERSTUDY_OBSERVE"):
        from recorder.flask import Understudy  # only a deploy that records or is rehearsed needs it

        Understudy(app)
    return app
