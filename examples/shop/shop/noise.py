"""Noise turned up: `SHOP_NOISE=2` makes the shop vary as one release does that runs on several nodes behind caches.

Nothing of it means anything to a client: two instances that vary so are still the same release.
"""

from __future__ import annotations

import random
import time
import uuid
from typing import Any

from flask import Flask, Response, current_app, request

CHANCE = random.SystemRandom()  # a forked worker would repeat its sibling's numbers with any other
NODES = ("web-1", "web-2", "web-3")
JITTER_SECONDS = 0.006  # mean of the waits before a request is answered
NULL_HINT = {"delivery_hint": 0.01, "stock_hint": 0.05, "gift_hint": 0.2}  # how often each is null
RARE = {"degraded": 0.002, "notice": 0.005}  # how often each key is there at all
STALE = 0.01  # share of answers that a cache calls stale


def init_app(app: Flask) -> None:
    app.before_request(_wait)
    app.after_request(_stir)


def _wait() -> None:
    time.sleep(min(0.1, CHANCE.expovariate(1 / JITTER_SECONDS)))


def _stir(response: Response) -> Response:
    response.headers["X-Served-By"] = CHANCE.choice(NODES)
    response.headers["X-Cache"] = "STALE" if CHANCE.random() < STALE else CHANCE.choice(("HIT", "MISS"))
    response.headers["Traceparent"] = f"00-{uuid.uuid4().hex}-{CHANCE.getrandbits(64):016x}-01"
    data = response.get_json(silent=True) if response.is_json else None
    if isinstance(data, dict):
        _add(data, response.status_code)
        response.set_data(_dumps(data))
    return response


def _add(data: dict[str, Any], status: int) -> None:
    if isinstance(data.get("error"), dict):
        data["error"]["trace_id"] = str(uuid.uuid4())
        return
    if request.method != "GET" or status != 200:
        return
    data["meta"] = {
        "node": CHANCE.choice(NODES),
        "load": round(CHANCE.uniform(0.2, 0.9), 3),
        "variant": CHANCE.choice("AB"),
        "flags": CHANCE.sample(["cart", "gifts", "points", "search"], 4),  # in no order
    }
    if request.path.startswith("/api/catalogue/"):
        for name, share in NULL_HINT.items():
            data[name] = None if CHANCE.random() < share else f"within {CHANCE.randrange(2, 5)} days"
    for name, share in RARE.items():
        if CHANCE.random() < share:
            data[name] = True if name == "degraded" else "Some figures may be late."


def _dumps(data: dict[str, Any]) -> str:
    return current_app.json.dumps(data) + "\n"
