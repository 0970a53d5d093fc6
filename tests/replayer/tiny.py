"""A small stateful API in one object, a recording of its traffic, and a transport that replays at another instance.

Integer ids from 1, a listing with pages, opaque tokens, CSRF, numbers such as ORD-000007, a share code that another
user opens, totals over everything: what correlation and ordering have to get right.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from recorder.exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse, header

JSON: Headers = (("Content-Type", "application/json"),)


def hexadecimal(rng: random.Random, digits: int) -> str:
    return "".join(rng.choice("0123456789abcdef") for _ in range(digits))


@dataclass
class TinyApp:
    """`offset` is added to every id that is given out; `seed` makes the tokens."""

    offset: int = 0
    seed: int = 1
    users: int = 12
    orders: dict[int, dict[str, object]] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    csrf: dict[int, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.next_id = 1 + self.offset

    def handle(self, request: RecordedRequest) -> RecordedResponse:
        status, body, headers = self.answer(request)
        data = b"" if body is None else json.dumps(body).encode()
        return RecordedResponse(status, "", (*JSON, *headers), Body.of(data))

    def answer(self, request: RecordedRequest) -> tuple[int, object, Headers]:
        method, path = request.method, request.path.strip("/").split("/")
        body = json.loads(request.body.data) if request.body.data else {}
        if path == ["login"]:
            if not 1 <= body["user"] <= self.users:
                return 401, {"error": "who?"}, ()
            token, csrf = hexadecimal(self.random, 32), hexadecimal(self.random, 16)
            self.tokens[token], self.csrf[body["user"]] = body["user"], csrf
            return 200, {"token": token, "csrf": csrf, "user": {"id": body["user"]}}, ()
        if path == ["products"]:
            page = int(request.query.removeprefix("page=") or 1)
            return 200, {"page": page, "items": [{"id": 3 * (page - 1) + i, "name": f"P{i}"} for i in (1, 2, 3)]}, ()
        if path[0] == "shared":
            order = self.orders.get(self.codes.get(path[1], -1))
            return (200, {"order": order}, ()) if order else (404, {"error": "no such code"}, ())
        if path == ["stats"]:
            return (
                200,
                {"count": len(self.orders), "sum": sum(int(str(o["quantity"])) for o in self.orders.values())},
                (),
            )
        user = self.tokens.get(header(request.headers, "authorization").removeprefix("Bearer "))
        if user is None:
            return 401, {"error": "log in"}, ()
        if path == ["orders"] and method == "GET":
            return 200, {"items": [o for o in self.orders.values() if o["user_id"] == user]}, ()
        if path == ["orders"]:
            number = self.next_id
            self.next_id += 1
            order = {"id": number, "number": f"ORD-{number:06d}", "user_id": user, "state": "new", **body}
            self.orders[number] = order
            return 201, order, (("Location", f"/orders/{number}"),)
        order = self.orders.get(int(path[1]))
        if order is None or order["user_id"] != user:
            return 404, {"error": "no such order"}, ()
        if path[2:] == ["pay"]:
            if header(request.headers, "x-csrf") != self.csrf[user]:
                return 403, {"error": "csrf"}, ()
            order["state"] = "paid"
            return 200, order, ()
        if path[2:] == ["share"]:
            code = hexadecimal(self.random, 12)
            self.codes[code] = int(path[1])
            return 201, {"code": code}, ()
        if method == "DELETE":
            del self.orders[int(path[1])]
            return 204, None, ()
        return 200, order, ()


def route_of(exchange: Exchange) -> str:
    segments = exchange.request.path.strip("/").split("/")
    if segments[0] == "orders" and len(segments) > 1:
        segments[1] = "<int:order_id>"
    if segments[0] == "shared":
        segments[1] = "<code>"
    return "/" + "/".join(segments)


@dataclass
class Recording:
    """Drives an app as interleaved users would, and keeps the exchanges."""

    app: TinyApp
    exchanges: list[Exchange] = field(default_factory=list)
    clock: float = 1_750_000_000.0

    def send(self, user: int, method: str, target: str, headers: Headers = (), body: object = None) -> RecordedResponse:
        data = b"" if body is None else json.dumps(body).encode()
        fields: Headers = (("Host", "api.example"), *headers, *(JSON if data else ()))
        request = RecordedRequest(method, target, fields, Body.of(data))
        response = self.app.handle(request)
        self.clock += 0.05
        number = len(self.exchanges)
        self.exchanges.append(
            Exchange(
                id=f"{number:032x}",
                request=request,
                response=response,
                started=self.clock,
                ended=self.clock + 0.01,
                client=f"client-{user}",
                principal=f"principal-{user}" if "Bearer" in str(headers) else "",
                producer="p",
                sequence=number,
            )
        )
        return response


def record(users: int = 12, rounds: int = 14, seed: int = 3) -> Recording:
    """Interleaved journeys; about `users * rounds` exchanges."""
    rng = random.Random(seed)
    recording = Recording(TinyApp(users=users))
    shared: list[str] = []
    journeys = [_journey(recording, user, rng, shared, rounds) for user in range(1, users + 1)]
    while journeys:
        journey = rng.choice(journeys)
        if next(journey, None) is None:
            journeys.remove(journey)
    return recording


def _journey(recording: Recording, user: int, rng: random.Random, shared: list[str], rounds: int):  # type: ignore[no-untyped-def]
    login = json.loads(recording.send(user, "POST", "/login", (), {"user": user}).body.data)
    bearer: Headers = (("Authorization", f"Bearer {login['token']}"),)
    mine: list[int] = []
    yield 1
    for _ in range(rounds):
        choice = rng.random()
        if choice < 0.3 or not mine:
            body = {"product_id": rng.randint(1, 9), "quantity": rng.randint(1, 5)}
            mine.append(json.loads(recording.send(user, "POST", "/orders", bearer, body).body.data)["id"])
        elif choice < 0.4:
            recording.send(user, "GET", f"/products?page={rng.randint(1, 3)}")
        elif choice < 0.5:
            recording.send(user, "GET", "/orders", bearer)
        elif choice < 0.6:
            recording.send(user, "GET", f"/orders/{rng.choice(mine)}", bearer)
        elif choice < 0.68:
            recording.send(user, "POST", f"/orders/{rng.choice(mine)}/pay", (*bearer, ("X-Csrf", login["csrf"])), {})
        elif choice < 0.76:
            response = recording.send(user, "POST", f"/orders/{rng.choice(mine)}/share", bearer, {})
            shared.append(json.loads(response.body.data)["code"])
        elif choice < 0.84 and shared:
            recording.send(user, "GET", f"/shared/{rng.choice(shared)}")
        elif choice < 0.9:
            recording.send(user, "GET", "/stats")
        elif choice < 0.95:
            recording.send(user, "GET", f"/orders/{rng.randint(1, recording.app.next_id)}", bearer)
        else:
            recording.send(user, "DELETE", f"/orders/{mine.pop(rng.randrange(len(mine)))}", bearer)
        yield 1


class AppTransport(httpx.AsyncBaseTransport):
    """Gives each request to an app in this process."""

    def __init__(self, handle: Callable[[RecordedRequest], RecordedResponse]) -> None:
        self._handle = handle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        target = request.extensions.get("target", request.url.raw_path).decode("latin-1")
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        response = self._handle(RecordedRequest(request.method, target, fields, Body.of(body)))
        return httpx.Response(response.status, headers=list(response.headers), content=response.body.data)
