"""Flask: one-line installation, and who is logged in. Route templates need no installation: see `route.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from .config import RecorderConfig

_EXTENSION = "understudy"


class Understudy:
    """The Flask extension: `Understudy(app)`, or `init_app` in an application factory."""

    def __init__(self, app: Flask | None = None, config: RecorderConfig | None = None) -> None:
        self._config = config
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Wraps the application's WSGI callable; a second call changes nothing."""
        from .middleware import RecorderMiddleware

        if _EXTENSION in app.extensions:
            return
        app.extensions[_EXTENSION] = self
        app.wsgi_app = RecorderMiddleware(app.wsgi_app, self._config)  # type: ignore[method-assign]


def login_id() -> str:
    """The id of the user that flask_login has loaded for the current request; empty when there is none.

    Never one that would have to be fetched from a database for it: a guest asks nothing of the application.
    """
    from flask import g, has_request_context, session

    if not has_request_context():
        return ""
    user: Any = g.get("_login_user")
    if not getattr(user, "is_authenticated", False):
        return ""
    stored = session.get("_user_id")
    if stored is not None:
        return str(stored)
    state = getattr(user, "_sa_instance_state", None)
    if state is not None and state.expired:
        return ""
    return str(user.get_id())
