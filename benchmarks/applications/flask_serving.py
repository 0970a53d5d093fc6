"""ihatemoney as its owner would serve it: settings, the recorder around it, and the fault that a candidate has.

Imported under ihatemoney's own interpreter only, by gunicorn.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flask import Flask, request, session
from ihatemoney.run import create_app
from werkzeug.security import generate_password_hash

from recorder import RecorderMiddleware

from .flask_faults import switch_on
from .flask_people import ADMIN_CODE

HASHING = "pbkdf2:sha256:1000"  # as few rounds as are of use: the benchmark does not measure hashing


class Settings:
    """What ihatemoney.cfg would say."""

    SQLALCHEMY_DATABASE_URI = f"sqlite:///{Path(os.environ['APPLICATION_STATE']) / 'ihatemoney.sqlite'}"
    SECRET_KEY = "the secret of this deploy of ihatemoney"
    PASSWORD_HASH_METHOD = HASHING
    ADMIN_PASSWORD = generate_password_hash(ADMIN_CODE, method=HASHING, salt_length=8)
    ACTIVATE_ADMIN_DASHBOARD = True
    SESSION_COOKIE_SECURE = False  # plain HTTP on the loopback
    MAIL_SUPPRESS_SEND = True


def _tell_who(app: Flask) -> None:
    """ihatemoney knows projects, not users: whoever was let in to one is known by its id."""

    @app.after_request
    def tell(response: Any) -> Any:
        if "is_admin" in session.get("authz_claims", ()):
            request.environ["understudy.principal"] = "admin"
        elif session.get("projects"):
            request.environ["understudy.principal"] = list(session["projects"])[-1]  # the first that was opened
        elif request.authorization is not None and request.authorization.username and response.status_code != 401:
            request.environ["understudy.principal"] = request.authorization.username.lower()
        return response


def _application() -> RecorderMiddleware:
    app = create_app(configuration=Settings)
    _tell_who(app)
    switch_on(os.environ.get("APPLICATION_FAULT", ""), app)
    return RecorderMiddleware(app)


application = _application()
