"""How long the current request has taken, and what it is called."""

from __future__ import annotations

import time
import uuid

from flask import Flask, Response, g


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_sign)


def took_ms() -> float:
    began: float = g.began
    return round((time.perf_counter() - began) * 1000, 3)


def _begin() -> None:
    g.request_id = uuid.uuid4().hex
    g.began = time.perf_counter()


def _sign(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Response-Time"] = f"{took_ms()}ms"
    return response
