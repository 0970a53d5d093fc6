"""Flask: one-line installation, and the route template and principal of every request."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .route import ENDPOINT, PRINCIPAL, ROUTE

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


def watch() -> None:
    """Has every Flask application of this process leave route and principal in the environ, by Flask's own signal.

    A signal reaches applications that the middleware cannot see: those behind other middleware, and those that are
    created later. Flask before 2.3 without blinker has no signals; routes are then unknown.
    """
    global _watching
    if _watching:
        return
    try:
        from flask import request_tearing_down
    except ImportError:  # flask is still being imported: the next request asks again
        return
    with suppress(RuntimeError):  # the placeholder of old releases without blinker
        request_tearing_down.connect(_note_request, weak=False)
    _watching = True


_watching = False


def _note_request(sender: Any, **_: Any) -> None:
    from .guard import raising

    try:
        _note(sender)
    except Exception:  # a guest in the application's teardown: an unknown route is the worst that may come of it
        if raising():
            raise


def _note(sender: Any) -> None:
    from flask import g, request

    current: Any = request._get_current_object()  # type: ignore[attr-defined]  # one look-up instead of four
    environ = current.environ
    rule = current.url_rule
    if rule is not None and ROUTE not in environ:
        environ[ROUTE] = rule.rule
        environ[ENDPOINT] = rule.endpoint
    user = g.get("_login_user")
    if user is not None and PRINCIPAL not in environ:
        principal = _login_id(user)
        if principal:
            environ[PRINCIPAL] = principal


def _login_id(user: Any) -> str:
    """The id of a user that flask_login has loaded. Never one that would have to be fetched from a database."""
    from flask import session

    if not getattr(user, "is_authenticated", False):
        return ""
    stored = session.get("_user_id")
    if stored is not None:
        return str(stored)
    state = getattr(user, "_sa_instance_state", None)
    if state is not None and (state.expired or state.session is None):
        return ""
    return str(user.get_id())
