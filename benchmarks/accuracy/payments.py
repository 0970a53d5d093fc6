"""A small application that takes money through other systems, with faults in what it tells them.

    python -m benchmarks.accuracy.payments --port P --first-order N [--fault NAME]

POST /orders, POST /orders/<id>/pay, POST /orders/<id>/refund, GET /orders/<id>. A payment asks for the rate (httpx),
charges and captures (requests, with idempotency keys), books in a thread (urllib) and tells the customer by mail (a
form). Orders live in memory and get ids from `--first-order` on, so that every instance calls them otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import threading
import urllib.request
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import requests
from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from recorder.flask import Understudy

ONE_KEY = "0b1c6f0e-5d61-4a86-9d5a-2b9f1a7f3c11"


@dataclass
class Calls:
    """What one payment tells others, as it should be; a fault changes it before it is sent."""

    order: dict[str, Any]
    pay: str
    currency: str = "eur"
    amount: int = 0
    key: str | None = None
    capture_key: str | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": "Bearer sk_live_abcdefghijklmnop"})
    charges: int = 1
    mail_to: str = ""
    steps: tuple[str, ...] = ("charge", "capture", "book", "mail")
    capture: str = "capture"
    refund: int = 0


def _twice(calls: Calls) -> None:
    calls.charges = 2


def _same_key(calls: Calls) -> None:
    calls.capture_key = calls.key


FAULTS: dict[str, Callable[[Calls], object]] = {
    "a hundred times the amount": lambda calls: setattr(calls, "amount", calls.amount * 100),
    "one cent less": lambda calls: setattr(calls, "amount", calls.amount - 1),
    "another currency": lambda calls: setattr(calls, "currency", "usd"),
    "charged twice": _twice,
    "idempotency key lost": lambda calls: setattr(calls, "key", None),
    "one idempotency key for all": lambda calls: setattr(calls, "key", ONE_KEY),
    "one idempotency key for two operations": _same_key,
    "wrong host": lambda calls: setattr(calls, "pay", calls.pay.replace("127.0.0.1", "test.pay.example")),
    "not captured": lambda calls: setattr(calls, "steps", ("charge", "book", "mail")),
    "mail before the money": lambda calls: setattr(calls, "steps", ("mail", "charge", "capture", "book")),
    "voided instead of captured": lambda calls: setattr(calls, "capture", "void"),
    "authorization dropped": lambda calls: calls.headers.clear(),
    "wrong recipient": lambda calls: setattr(calls, "mail_to", "owner@shop.example"),
    "refunded at once": lambda calls: setattr(calls, "refund", 1),
}


def make_app(pay: str, first_order: int, fault: str = "") -> Flask:
    """The application; `pay` is the base URL of the other systems."""
    app = Flask("payments")
    orders: dict[int, dict[str, Any]] = {}
    lock = threading.Lock()
    pool = ThreadPoolExecutor(4)
    session, rates = requests.Session(), httpx.Client()

    @app.post("/orders")
    def order() -> ResponseReturnValue:
        given = request.get_json()
        with lock:
            number = first_order + len(orders) + 1
            orders[number] = {"id": number, "cents": int(given["cents"]), "email": given["email"], "status": "new"}
        return orders[number], 201

    @app.get("/orders/<int:number>")
    def show(number: int) -> ResponseReturnValue:
        return orders.get(number) or ({"error": "not found"}, 404)

    @app.post("/orders/<int:number>/pay")
    def pay_for(number: int) -> ResponseReturnValue:
        one = orders[number]
        calls = Calls(one, pay, amount=one["cents"], key=str(uuid.uuid4()), capture_key=str(uuid.uuid4()))
        calls.mail_to = one["email"]
        if fault:
            FAULTS[fault](calls)
        rate = rates.get(f"{calls.pay}/v1/rates", params={"from": "eur", "to": "usd"}).json()["rate"]
        charge = ""
        for step in calls.steps:
            if step == "charge":
                for _ in range(calls.charges):
                    charge = _charge(calls, session)
            elif step == "capture":
                _capture(calls, session, charge)
            elif step == "book":
                pool.submit(_book, calls, number).result()
            else:
                session.post(f"{calls.pay}/v1/mails", data={"to": calls.mail_to, "order": number}, timeout=5)
        if calls.refund:
            session.post(f"{calls.pay}/v1/refunds", json={"amount": calls.refund, "charge": charge}, timeout=5)
        one["status"] = "paid"
        one["charge"] = charge
        return {"order": number, "status": "paid", "in_dollars": round(one["cents"] * rate)}

    @app.post("/orders/<int:number>/refund")
    def refund(number: int) -> ResponseReturnValue:
        one = orders[number]
        sent = {"amount": one["cents"], "charge": one.get("charge", "")}
        answer = session.post(f"{pay}/v1/refunds", json=sent, timeout=5)
        one["status"] = "refunded"
        return {"order": number, "status": "refunded", "refund": answer.json()["id"]}

    Understudy(app)
    return app


def _charge(calls: Calls, session: requests.Session) -> str:
    sent = {"amount": calls.amount, "currency": calls.currency, "reference": f"ORD-{calls.order['id']:06d}"}
    headers = calls.headers | ({"Idempotency-Key": calls.key} if calls.key else {})
    return str(session.post(f"{calls.pay}/v1/charges", json=sent, headers=headers, timeout=5).json()["id"])


def _capture(calls: Calls, session: requests.Session, charge: str) -> None:
    headers = calls.headers | {"Idempotency-Key": calls.capture_key or ""}
    session.post(f"{calls.pay}/v1/charges/{charge}/{calls.capture}", json={}, headers=headers, timeout=5)


def _book(calls: Calls, number: int) -> None:
    data = json.dumps({"order": number, "debit": calls.order["cents"]}).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{calls.pay}/v1/bookings", data, headers), timeout=5).close()


class Others(ThreadingHTTPServer):
    """The other systems, all in one. `connections` counts those that were made to it."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.connections = 0
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.connections += 1
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer({"id": f"ch_{secrets.token_hex(10)}", "status": "done"})

    def do_GET(self) -> None:
        self._answer({"rate": 1.1})

    def _answer(self, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--first-order", type=int, default=0)
    parser.add_argument("--fault", choices=["", *FAULTS], default="")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    app = make_app(os.environ["PAYMENTS_URL"], options.first_order, options.fault)
    make_server("127.0.0.1", options.port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
