"""Route templates, endpoints and principals, as frameworks leave them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest
from django.utils.functional import SimpleLazyObject
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from recorder import Exchange, RecorderConfig, RecorderMiddleware
from recorder.django import RouteMiddleware, route_template
from recorder.flask import Understudy
from recorder.sinks.memory import MemorySink, memory_sink

KEY = "a key of at least thirty-two bytes"
CONFIG = RecorderConfig(sink="memory:frameworks", key=KEY)


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    found = memory_sink("frameworks")
    found.clear()
    yield found
    found.clear()


def shop() -> flask.Flask:
    app = flask.Flask("shop")
    app.secret_key = "secret"

    @app.get("/users/<int:user>")
    def user(user: int) -> dict[str, int]:
        return {"user": user}

    @app.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(iter(["a", "b"]))

    @app.get("/me")
    def me() -> str:
        flask.g._login_user = types.SimpleNamespace(is_authenticated=True, get_id=lambda: "42")
        return "you"

    @app.get("/boom")
    def boom() -> str:
        raise RuntimeError("boom")

    return app


def routes(made: list[Exchange]) -> list[tuple[str, str, int]]:
    return [(one.route, one.endpoint, one.response.status if one.response else 0) for one in made]


def test_a_flask_application_names_its_routes(sink: MemorySink) -> None:
    app = shop()
    middleware = RecorderMiddleware(app.wsgi_app, CONFIG)
    app.wsgi_app = middleware  # type: ignore[method-assign]
    client = app.test_client()
    for path in ("/users/7", "/stream", "/nowhere", "/boom"):
        client.get(path).close()
    middleware.close()
    assert routes(sink.exchanges()) == [
        ("/users/<int:user>", "user", 200),
        ("/stream", "stream", 200),
        ("", "", 404),
        ("/boom", "boom", 500),
    ]


def test_the_extension_wraps_once(sink: MemorySink) -> None:
    app = shop()
    extension = Understudy(app, CONFIG)
    extension.init_app(app)
    app.test_client().get("/users/7").close()
    middleware = app.wsgi_app
    assert isinstance(middleware, RecorderMiddleware)
    middleware.close()
    assert routes(sink.exchanges()) == [("/users/<int:user>", "user", 200)]


def test_a_mounted_application_is_told_apart_by_its_mount(sink: MemorySink) -> None:
    middleware = RecorderMiddleware(DispatcherMiddleware(shop(), {"/admin": shop()}), CONFIG)
    client = Client(middleware)
    client.get("/users/7").close()
    client.get("/admin/users/7").close()
    middleware.close()
    assert [one.route for one in sink.exchanges()] == ["/users/<int:user>", "/admin/users/<int:user>"]


def test_a_root_that_is_written_as_a_slash_is_none(sink: MemorySink) -> None:
    app = shop()
    inner = app.wsgi_app

    def prefixed(environ: Any, start_response: Any) -> Any:
        environ["SCRIPT_NAME"] = "/"  # as applications do that take their prefix from a setting
        return inner(environ, start_response)

    app.wsgi_app = prefixed  # type: ignore[method-assign]
    middleware = RecorderMiddleware(app, CONFIG)
    Client(middleware).get("/users/7").close()
    middleware.close()
    assert [one.route for one in sink.exchanges()] == ["/users/<int:user>"]


def test_the_user_that_flask_login_loaded_is_the_principal(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flask_login", types.ModuleType("flask_login"))
    middleware = RecorderMiddleware(shop(), CONFIG)
    client = Client(middleware)
    client.get("/me").close()
    client.get("/users/7").close()
    middleware.close()
    me, other = sink.exchanges()
    assert me.principal
    assert other.principal == ""


def request_of(route: str | None) -> Any:
    match = None if route is None else types.SimpleNamespace(route=route, view_name="shop:item")
    return types.SimpleNamespace(META={}, resolver_match=match)


def test_djangos_route_is_left_in_the_environ() -> None:
    middleware = RouteMiddleware(lambda request: "answer")
    request = request_of("api/users/<int:id>")
    request._cached_user = types.SimpleNamespace(is_authenticated=True, pk=7)
    assert middleware(request) == "answer"
    assert request.META == {
        "understudy.route": "/api/users/<int:id>",
        "understudy.endpoint": "shop:item",
        "understudy.principal": "7",
    }
    unresolved = request_of(None)
    middleware(unresolved)
    assert unresolved.META == {}


def member(number: int | None) -> Any:
    return types.SimpleNamespace(is_authenticated=number is not None, pk=number)


def principal_after(answer: Callable[[Any], None], session_user: Any) -> str | None:
    """What is noted when a view does `answer` with a request whose session belongs to this user."""
    request = request_of("x")

    def load() -> Any:
        if not hasattr(request, "_cached_user"):
            request._cached_user = session_user
        return request._cached_user

    request.user = SimpleLazyObject(load)
    RouteMiddleware(answer)(request)
    found: str | None = request.META.get("understudy.principal")
    return found


def test_djangos_user_is_noted_however_the_application_found_out() -> None:
    def replaced_by(user: Any) -> Callable[[Any], None]:
        return lambda request: setattr(request, "user", user)

    def looked_at(request: Any) -> None:
        assert request.user.pk == 7

    def logged_out(request: Any) -> None:
        looked_at(request)
        request.user = member(None)

    def lazily_replaced(request: Any) -> None:
        request.user = SimpleLazyObject(lambda: member(8))
        assert request.user.pk == 8

    assert principal_after(looked_at, member(7)) == "7"
    assert principal_after(replaced_by(member(8)), member(None)) == "8"  # a login; a token that a view checked
    assert principal_after(replaced_by(member(8)), member(7)) == "8"
    assert principal_after(logged_out, member(7)) == "7"
    assert principal_after(lazily_replaced, member(7)) == "8"
    assert principal_after(replaced_by(member(None)), member(None)) is None
    assert principal_after(replaced_by(object()), member(None)) is None


def test_a_django_user_that_the_application_never_asked_for_is_not_loaded() -> None:
    def loaded() -> Any:
        raise AssertionError("loading the user costs a query")

    request = request_of("x")
    request.user = SimpleLazyObject(loaded)
    RouteMiddleware(lambda request: "answer")(request)
    assert "understudy.principal" not in request.META


def test_djangos_asynchronous_chain_is_kept_asynchronous() -> None:
    import asyncio

    from asgiref.sync import iscoroutinefunction

    async def get_response(request: Any) -> str:
        return "answer"

    middleware = RouteMiddleware(get_response)
    assert iscoroutinefunction(middleware)
    request = request_of("x")
    assert asyncio.run(middleware(request)) == "answer"
    assert request.META["understudy.route"] == "/x"


@pytest.mark.parametrize(
    ("route", "template"),
    [
        ("", "/"),
        ("a/<int:b>/", "/a/<int:b>/"),
        ("a.b/c-d/<slug:e>", "/a.b/c-d/<slug:e>"),
        (r"^a/(?P<b>[^/]+)$", "/a/<b>"),
        ("api/^x$", "/api/x"),
        (r"api/^orders/(?P<pk>[^/.]+)/$", "/api/orders/<pk>/"),
        (r"api/^orders\.(?P<format>[a-z0-9]+)/?$", "/api/orders.<format>/"),
        (r"^(?P<day>\d{4}-(?:0[1-9]|1[0-2])-[)\]]{2})/([a-z]+)/\w?x$", r"/<day>/<var>/<var>x"),
        (r"^list/(?P<query>(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==)?$)$", "/list/<query>"),
        (r"^(?:en/)?[^/]+/about/$", "/<var>/about/"),
        ("broken(/", "/broken<var>"),
    ],
)
def test_djangos_templates_begin_with_a_slash(route: str, template: str) -> None:
    assert route_template(route) == template
