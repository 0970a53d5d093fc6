"""A small stateful application in process: counters, clocks, tokens and shuffles, and faults that can be switched on.

Every `Instance` starts from the same seed data with its identifier sequences somewhere else, and its own clock.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from diffing.difference import Answer, Case
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse

Fault = Callable[[str, int, dict[str, str], Any], tuple[int, dict[str, str], Any]]
Call = tuple[str, str, str, dict[str, Any]]  # method, route, concrete path with {names}, body

SORTS = {
    "POST /orders|2xx|$.id": "order",
    "GET /orders/<int:id>|2xx|$.id": "order",
    "GET /orders|2xx|$.items[*].id": "order",
    "POST /orders|2xx|header:location~url[1]": "order",
    "POST /login|2xx|$.token": "token",
}


@dataclass
class Instance:
    """One deployment: `first_id` is where its sequences go on, `opened` its clock, `port` where it listens."""

    seed: int
    first_id: int
    opened: float
    port: int
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.now = self.opened
        self.next_id = self.first_id
        for number in (1, 2, 3):
            self._add(number, f"seed-{number}", f"2024-01-{number:02d}T08:00:00Z", number)

    def _add(self, number: int, title: str, created: str, line: int) -> dict[str, Any]:
        order = {
            "id": number,
            "number": f"ORD-{number:06d}",
            "title": title,
            "status": "open",
            "total": 10.5 * len(title),
            "created_at": created,
            "self": f"http://127.0.0.1:{self.port}/orders/{number}",
            "lines": [{"id": line * 7, "sku": f"SKU-{title}", "qty": 2}],
            "coupon": None,
        }
        self.orders[number] = order
        return order

    def clock(self) -> str:
        return datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def token(self) -> str:
        return f"{self.random.getrandbits(96):024x}"

    def call(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        self.now += self.random.uniform(0.5, 2.5)
        headers = {"X-Request-Id": self.token(), "Server": "orders/1"}
        parts = path.strip("/").split("/")
        if path == "/login":
            headers["Set-Cookie"] = f"sid={self.token()}; Path=/; HttpOnly; SameSite=Lax"
            return 200, headers, {"token": self.token(), "user": {"id": 7, "name": body["name"]}, "expires_in": 3600}
        if method == "POST" and path == "/orders":
            number = self.next_id
            self.next_id += 1
            order = self._add(number, body["title"], self.clock(), number)
            headers["Location"] = f"http://127.0.0.1:{self.port}/orders/{number}"
            return 201, headers, order
        if path == "/orders":
            items = [dict(order) for order in self.orders.values()]
            return 200, headers, {"items": items, "total": len(items), "took_ms": self.random.randint(1, 40)}
        if parts[0] == "orders" and parts[1].isdigit():
            order = self.orders.get(int(parts[1]))
            if order is None:
                return 404, headers, {"error": {"code": "not_found", "message": "no such order"}}
            if method == "DELETE":
                del self.orders[int(parts[1])]
                return 204, headers, None
            return 200, headers, dict(order)
        if path == "/tags":
            tags = ["blue", "green", "red", "white"]
            self.random.shuffle(tags)
            return 200, headers, {"tags": tags, "sizes": ["s", "m", "l"], "hint": self.random.choice([None, "sale"])}
        if path == "/report":
            return 200, headers, {"by_day": {"2024-01-01": 3, "2024-01-02": 4}, "generated_at": self.now}
        return 404, headers, {"error": {"code": "not_found", "message": "no such page"}}


def traffic(count: int = 6) -> list[Call]:
    """What the users do: log in, order, look, list, delete, and ask for what is not there."""
    calls: list[Call] = []
    for n in range(count):
        calls += [
            ("POST", "/login", "/login", {"name": f"user{n}"}),
            ("POST", "/orders", "/orders", {"title": f"thing-{n}"}),
            ("GET", "/orders/<int:id>", f"/orders/{{{n}}}", {}),
            ("GET", "/orders/<int:id>", "/orders/2", {}),
            ("GET", "/orders/<int:id>", "/orders/999", {}),
            ("GET", "/orders", "/orders", {}),
            ("GET", "/tags", "/tags", {}),
            ("GET", "/report", "/report", {}),
        ]
        if n % 4 == 3:
            calls.append(("DELETE", "/orders/<int:id>", f"/orders/{{{n}}}", {}))
    return calls


def play(instance: Instance, calls: Iterable[Call], fault: Fault | None = None) -> list[Answer]:
    """One pass: every call in order, each with the identifiers that this instance produced."""
    made: list[int] = []
    answers = []
    for method, route, path, body in calls:
        concrete = path.format(*made) if "{" in path else path
        status, headers, value = instance.call(method, concrete, body)
        if method == "POST" and route == "/orders":
            made.append(value["id"])
        started = instance.now
        if fault is not None:
            status, headers, value = fault(f"{method} {route}", status, headers, json.loads(json.dumps(value)))
        answers.append(Answer(response(status, headers, value), "", started, started + 0.05))
    return answers


def response(status: int, headers: dict[str, str], value: Any) -> RecordedResponse:
    """A JSON response, or an HTML one where `value` is a text; None for no body."""
    media = "text/html; charset=utf-8" if isinstance(value, str) else "application/json"
    data = b"" if value is None else value.encode() if isinstance(value, str) else json.dumps(value).encode()
    typed = (*headers.items(), ("Content-Type", media), ("Content-Length", str(len(data))))
    return RecordedResponse(status, "", tuple((k, v) for k, v in typed), Body.of(data))


def cases(
    calls: list[Call],
    fault: Fault | None = None,
    *,
    baselines: int = 3,
    candidates: int = 1,
    first_ids: tuple[int, ...] = (500, 100, 100, 100, 100, 100),
) -> list[Case]:
    """Recording, baseline passes and candidate passes as cases; `first_ids` says where each one's sequences begin."""
    recorded = play(Instance(1, first_ids[0], 1_700_000_000.0, 8000), calls)
    passes = [
        play(
            Instance(10 + i, first_ids[1 + i], 1_700_100_000.0 + 5000 * i, 9000 + i),
            calls,
            fault if i >= baselines else None,
        )
        for i in range(baselines + candidates)
    ]
    made = []
    for n, (method, route, path, body) in enumerate(calls):
        request = RecordedRequest(method, path, (("Host", "127.0.0.1:8000"),), Body.of(json.dumps(body).encode()))
        exchange = Exchange(f"{n:032x}", request, recorded[n].response, recorded[n].started, recorded[n].ended, route)
        answers = [answers[n] for answers in passes]
        made.append(Case(exchange, route, tuple(answers[:baselines]), tuple(answers[baselines:])))
    return made
