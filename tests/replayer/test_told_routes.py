from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import Client as WsgiClient

from recorder import RecorderConfig
from recorder.exchange import Body, RecordedRequest, RecordedResponse
from recorder.flask import Understudy
from recorder.keys import Key
from recorder.observe import HEADER, sign
from replayer.client import Client
from replayer.target_settings import TargetSettings
from replayer.targets import open_instance
from replayer.told_routes import asked_routes, routes_told

from .tiny import AppTransport

SECRET = b"k" * 32
SHOP = """
from flask import Flask
app = Flask("shop", static_folder=None)
app.add_url_rule("/a", "a", lambda: "a")

def plain(environ, start_response):
    start_response("200 OK", [])
    return []

class Odd:
    @property
    def url_map(self):
        raise RuntimeError("not today")
    def __call__(self, environ, start_response):
        start_response("200 OK", [])
        return []

odd = Odd()
"""


@pytest.mark.parametrize(("spec", "routes"), [("app", (("GET", "/a"),)), ("plain", None), ("odd", None)])
def test_the_process_of_a_wsgi_target_tells_its_routes(
    tmp_path: Path, spec: str, routes: tuple[tuple[str, str], ...] | None
) -> None:
    (tmp_path / "told_shop.py").write_text(SHOP)
    target = TargetSettings("shop", wsgi=f"told_shop:{spec}", cwd=str(tmp_path))

    async def told() -> object:
        async with open_instance(target, key=None, label="shop") as instance:
            return instance.routes

    assert asyncio.run(told()) == routes


def asked(answer: RecordedResponse | None = None) -> object:
    """What comes of the question to an observing Flask application, or to whatever answers so."""
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/a", "a", lambda: "a")
    Understudy(app, RecorderConfig(key=SECRET.decode(), observe=True))

    def handle(request: RecordedRequest) -> RecordedResponse:
        if answer is not None:
            return answer
        response = WsgiClient(app).open(request.target, method=request.method, headers=list(request.headers))
        return RecordedResponse(response.status_code, "", tuple(response.headers.items()), Body.of(response.data))

    async def ask() -> object:
        signed = ((HEADER, sign(Key(SECRET), "run", time.time())),)
        async with Client("http://shop", transport=AppTransport(handle), extra_headers=signed) as client:
            return await asked_routes(client)

    return asyncio.run(ask())


def test_an_observing_deploy_tells_them_when_it_is_asked() -> None:
    assert asked() == (("GET", "/a"),)


@pytest.mark.parametrize("body", [b"{}", b"no json", b"[" * 99_999, b'{"routes": [["GET"]]}', b'{"routes": null}'])
def test_an_answer_that_is_none_of_ours_tells_nothing(body: bytes) -> None:
    ours = (("Content-Type", "application/vnd.understudy.routes+json"),)

    assert asked(RecordedResponse(200, "", ours, Body.of(body))) is None


def test_only_a_success_of_our_media_type_is_read() -> None:
    body = Body.of(json.dumps({"routes": [["GET", "/a"]]}).encode())

    assert asked(RecordedResponse(200, "", (("Content-Type", "application/json"),), body)) is None
    assert asked(RecordedResponse(404, "", (), body)) is None
    assert routes_told({"routes": [["GET", "/a"]]}) == (("GET", "/a"),)
