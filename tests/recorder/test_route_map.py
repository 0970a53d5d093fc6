"""Which routes an application has, found inside whatever stands around it, and told to signed replays alone."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client as WsgiClient

from recorder import RecorderConfig, RecorderMiddleware
from recorder.flask import Understudy
from recorder.keys import Key
from recorder.observe import HEADER, sign
from recorder.route_map import MEDIA_TYPE, ROUTES_PATH, routes_of

SECRET = b"k" * 32
ROUTES = [
    ("DELETE", "/orders/<int:id>"),
    ("GET", "/orders/<int:id>"),
    ("GET", "/static/<path:filename>"),
    ("POST", "/orders"),
]


def shop() -> Flask:
    app = Flask("shop")
    app.add_url_rule("/orders/<int:id>", "order", lambda id: str(id), methods=["GET", "DELETE"])
    app.add_url_rule("/orders", "new", lambda: "", methods=["POST"])
    app.add_url_rule("/built", "built", build_only=True)
    return app


def test_the_routes_of_flask_are_listed_without_what_it_answers_by_itself() -> None:
    assert routes_of(shop()) == ROUTES


def test_they_are_found_inside_middlewares() -> None:
    inner, config = shop(), RecorderConfig(sink="memory:")
    inner.wsgi_app = ProxyFix(inner.wsgi_app)  # type: ignore[method-assign]

    for wrapped in (ProxyFix(shop()), RecorderMiddleware(shop(), config), ProxyFix(inner.wsgi_app)):
        assert routes_of(wrapped) == ROUTES


@pytest.mark.parametrize(
    "application",
    [lambda environ, start_response: [], DispatcherMiddleware(shop(), {"/admin": shop()}), None],
    ids=["a function", "several applications", "nothing"],
)
def test_where_nobody_can_tell_there_is_no_list(application: Any) -> None:
    assert routes_of(application) is None


def test_what_wraps_itself_ends() -> None:
    class Circle:
        @property
        def app(self) -> Circle:
            return self

    assert routes_of(Circle()) is None


def observing(observe: bool = True) -> WsgiClient:
    app = shop()
    Understudy(app, RecorderConfig(key=SECRET.decode(), observe=observe))
    return WsgiClient(app)


def test_a_signed_replay_is_told_the_routes() -> None:
    signed = {HEADER: sign(Key(SECRET), "run", time.time())}

    told = observing().get(ROUTES_PATH, headers=signed)

    assert (told.status_code, told.content_type) == (200, MEDIA_TYPE)
    assert json.loads(told.data) == {"routes": [list(route) for route in ROUTES]}
    assert observing().get("/orders/7", headers=signed).text == "7"


@pytest.mark.parametrize("key", [None, b"x" * 32], ids=["not signed", "signed with another key"])
def test_nobody_else_is(key: bytes | None) -> None:
    headers = {HEADER: sign(Key(key), "run", time.time())} if key else {}

    assert observing().get(ROUTES_PATH, headers=headers).status_code == 404


def test_a_deploy_that_does_not_observe_tells_nothing() -> None:
    signed = {HEADER: sign(Key(SECRET), "run", time.time())}

    assert observing(observe=False).get(ROUTES_PATH, headers=signed).status_code == 404
