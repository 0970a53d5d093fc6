"""A small market that answers requests, and its traffic. What it makes is called after the time at which it is made.

So a request that is replayed at its recorded time makes the thing with the recorded name, and any part of a recording
can be replayed without correlation: its answers are the recorded ones if it holds all that they depend on.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from hashlib import sha256

from recorder.exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse

JSON: Headers = (("Content-Type", "application/json"),)
START = 1_700_000_000
TEMPLATES = {2: "/api/{}/<int:id>", 3: "/api/{}/<int:id>/{}"}


class Market:
    """Accounts, carts, orders that staff ships, and a few products that were there before."""

    def __init__(self) -> None:
        self._passwords: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._carts: dict[str, list[int]] = {}
        self._orders: dict[int, dict[str, object]] = {}

    def answer(self, method: str, path: str, token: str, sent: dict[str, object], clock: int) -> tuple[int, object]:
        """Status and JSON."""
        who = self._tokens.get(token, "")
        name = str(sent.get("email", ""))
        match [method, *path.strip("/").split("/")[1:]]:
            case ["GET", "health"]:
                return 200, {"ok": True}
            case ["GET", "products", number]:
                return (200, {"id": int(number), "price": 5}) if int(number) < 10 else (404, {"error": "none"})
            case ["POST", "register"]:
                self._passwords[name] = str(sent["password"])
                return 201, {"email": name}
            case ["POST", "login"]:
                if self._passwords.get(name) != sent["password"]:
                    return 401, {"error": "password"}
                made = token_of(name, clock)
                self._tokens[made] = name
                return 200, {"token": made}
            case _ if not who:
                return 401, {"error": "login"}
            case ["POST", "cart"]:
                self._carts.setdefault(who, []).append(int(str(sent["product_id"])))
                return 201, {"items": len(self._carts[who])}
            case ["DELETE", "cart"]:
                self._carts[who] = []
                return 204, None
            case ["POST", "orders"]:
                if not self._carts.get(who):
                    return 409, {"error": "empty"}
                self._orders[clock] = {"id": clock, "rows": self._carts.pop(who), "of": who, "shipped": False}
                return 201, self._shown(clock)
            case ["GET", "orders"]:
                return 200, {"orders": [self._shown(one) for one, order in self._orders.items() if order["of"] == who]}
            case ["GET", "orders", number]:
                found = int(number) in self._orders
                return (200, self._shown(int(number))) if found else (404, {"error": "none"})
            case ["POST", "orders", number, "ship"]:
                if int(number) not in self._orders:
                    return 404, {"error": "none"}
                self._orders[int(number)]["shipped"] = True
                return 200, self._shown(int(number))
            case ["POST", "orders", number, "return"]:
                shipped = self._orders.get(int(number), {}).get("shipped")
                return (200, {"returned": True}) if shipped else (409, {"error": "not shipped"})
        return 404, {"error": "route"}

    def _shown(self, number: int) -> dict[str, object]:
        order = self._orders[number]
        tracking = {"tracking": None} if order["shipped"] else {}
        return {"id": number, "rows": [{"product_id": one} for one in order["rows"]], **tracking}  # type: ignore[attr-defined]


def token_of(name: str, clock: int) -> str:
    return sha256(f"{name} {clock}".encode()).hexdigest()[:24]


class Crowd:
    """Customers and one who ships, taking turns."""

    def __init__(self, seed: int = 1) -> None:
        self.exchanges: list[Exchange] = []
        self._dice = random.Random(seed)
        self._market = Market()

    def live(self, customers: int) -> list[Exchange]:
        """All of them live their lives, interleaved."""
        lives = [self._life(f"user{number}@mail.example") for number in range(customers)]
        while lives:
            life = self._dice.choice(lives)
            if next(life, None) is None:
                lives.remove(life)
        return self.exchanges

    def _life(self, name: str) -> Iterable[bool]:  # type: ignore[misc]
        secret = {"email": name, "password": sha256(name.encode()).hexdigest()[:12]}
        self.call(name, "POST", "/api/register", sent=secret)
        yield True
        if self._dice.random() < 0.2:
            self.call(name, "POST", "/api/login", sent={**secret, "password": "wrong-Pass1234"})
            yield True
        token = str(self.call(name, "POST", "/api/login", sent=secret)["token"])
        yield True
        for _ in range(self._dice.randrange(1, 4)):
            self.call(name, "GET", "/api/health")
            self.call(name, "GET", f"/api/products/{self._dice.randrange(12)}")
            yield True
            for _ in range(self._dice.randrange(3)):
                self.call(name, "POST", "/api/cart", token, {"product_id": self._dice.randrange(10)})
                yield True
            if self._dice.random() < 0.2:
                self.call(name, "DELETE", "/api/cart", token)
            order = self.call(name, "POST", "/api/orders", token)
            yield True
            self.call(name, "GET", "/api/orders", token)
            if number := order.get("id"):
                self.call(name, "GET", f"/api/orders/{number}", token)
                yield True
                if self._dice.random() < 0.7:
                    self.call("staff", "POST", f"/api/orders/{number}/ship", self.staff())
                self.call(name, "GET", f"/api/orders/{number}", token)
                self.call(name, "POST", f"/api/orders/{number}/return", token)
                yield True

    def staff(self) -> str:
        """The token of the one who ships."""
        if not hasattr(self, "_staff"):
            secret = {"email": "staff@mail.example", "password": "Staff-Pass1234"}
            self.call("staff", "POST", "/api/register", sent=secret)
            self._staff = str(self.call("staff", "POST", "/api/login", sent=secret)["token"])
        return self._staff

    def call(
        self, name: str, method: str, path: str, token: str = "", sent: dict[str, object] | None = None
    ) -> dict[str, object]:
        """Has the market answer, and keeps the exchange."""
        clock = START + len(self.exchanges)
        status, answer = self._market.answer(method, path, token, sent or {}, clock)
        data = json.dumps(sent).encode() if sent else b""
        headers = (("Host", "market.example"), *JSON, *([("Authorization", f"Bearer {token}")] if token else []))
        body = b"" if answer is None else json.dumps(answer).encode()
        made = answer.get("token") if isinstance(answer, dict) else None
        links = tuple(str(one) for one in (token, made) if one)
        self.exchanges.append(
            Exchange(
                sha256(str(clock).encode()).hexdigest()[:32],
                RecordedRequest(method, path, headers, Body.of(data)),
                RecordedResponse(status, "", JSON, Body.of(body)),
                started=float(clock),
                ended=clock + 0.5,
                route=route_of(path),
                client=f"client of {name}",
                links=links,
                principal=name if token else "",
                producer="one",
                sequence=len(self.exchanges),
            )
        )
        return answer if isinstance(answer, dict) else {}


def route_of(path: str) -> str:
    """The template of a path."""
    segments = path.strip("/").split("/")[1:]
    return TEMPLATES.get(len(segments), "/api/{}").format(segments[0], segments[-1])


def replayed(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, int, bytes]]:
    """Each exchange with the status and body that a fresh market answers, given nothing but these."""
    market = Market()
    found = []
    for exchange in sorted(exchanges, key=lambda one: one.started):
        request = exchange.request
        token = dict(request.headers).get("Authorization", "").removeprefix("Bearer ")
        sent = json.loads(request.body.data) if request.body.data else {}
        status, answer = market.answer(request.method, request.target, token, sent, int(exchange.started))
        found.append((exchange, status, b"" if answer is None else json.dumps(answer).encode()))
    return found
