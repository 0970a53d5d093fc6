"""An imagined application that charges, captures, looks up and tells, with a fault to be put into what it calls."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from diffing.difference import Answer, Case
from recorder.exchange import (
    Body,
    Exchange,
    Observed,
    OutboundCall,
    RecordedRequest,
    RecordedResponse,
)

PAY = "https://api.pay.example"
MAIL = "https://mail.example/v2/send"
Asked = dict[str, Any]  # one call: method, url, headers, body
Fault = Callable[[list[Asked], "Pass"], None]
"""Changes what one exchange calls, in place."""


class Pass:
    """One pass: its clock, and the numbers and ids that it makes up."""

    def __init__(self, number: int, host: str = PAY) -> None:
        self.chance = random.Random(f"pass {number}")
        self.started = 1_700_000_000.0 + 86_400 * number
        self.orders = 1000 + 500 * number
        self.host = host

    def token(self, prefix: str) -> str:
        return prefix + "".join(self.chance.choices("0123456789abcdef", k=20))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))


def payment(cents: int, pass_: Pass) -> tuple[dict[str, Any], list[Asked]]:
    """What is answered, and what is called."""
    pass_.orders += 1
    number = f"ORD-{pass_.orders:06d}"
    key, charge = pass_.uuid(), pass_.token("ch_")
    headers = {"Authorization": "Bearer sk", "Content-Type": "application/json", "Idempotency-Key": key}
    charged = {"amount": cents, "currency": "eur", "reference": number, "instrument": f"pm_{cents}"}
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic x", "User-Agent": "lib/1.0"}
    calls: list[Asked] = [
        {"method": "GET", "url": f"{pass_.host}/v1/rates?from=eur&to=usd", "headers": {"Authorization": "Bearer sk"}},
        {"method": "POST", "url": f"{pass_.host}/v1/charges", "headers": headers, "body": charged},
        {"method": "POST", "url": f"{pass_.host}/v1/charges/{charge}/capture", "headers": dict(headers), "body": {}},
        {
            "method": "POST",
            "url": MAIL,
            "headers": form,
            "form": {"to": f"c{cents}@shop.example", "order": number, "text": f"You paid {cents} for {number}."},
        },
    ]
    calls[2]["headers"]["Idempotency-Key"] = pass_.uuid()
    return {"order": number, "charge": charge, "total": cents}, calls


def answer(number: int, cents: int, pass_: Pass, fault: Fault | None) -> Answer:
    said, asked = payment(cents, pass_)
    if fault is not None:
        fault(asked, pass_)
    at = pass_.started + number
    body = Body.of(json.dumps(said).encode())
    response = RecordedResponse(201, "Created", (("Content-Type", "application/json"),), body)
    return Answer(response, "", at, at + 0.2, observed=Observed(outbound=tuple(call(one, at) for one in asked)))


def call(asked: Asked, at: float) -> OutboundCall:
    data = b""
    if asked.get("body") is not None:
        data = json.dumps(asked["body"]).encode()
    elif asked.get("form") is not None:
        data = urlencode(asked["form"]).encode()
    request = RecordedRequest(asked["method"], asked["url"], tuple(asked["headers"].items()), Body.of(data))
    return OutboundCall(request, RecordedResponse(200, "OK", ()), at, at + 0.1)


def cases(
    fault: Fault | None = None, *, baselines: int = 3, exchanges: int = 12, hosts: tuple[str, ...] = (PAY,) * 5
) -> list[Case]:
    """Recorded, replayed against so many baselines, and against a candidate with the fault."""
    sums = [1000 + 37 * n for n in range(exchanges)]
    passes = [Pass(n, hosts[n]) for n in range(baselines + 2)]
    made: list[Case] = []
    for n, cents in enumerate(sums):
        recorded = answer(n, cents, passes[0], None)
        reference = tuple(answer(n, cents, one, None) for one in passes[1:-1])
        candidate = answer(n, cents, passes[-1], fault)
        request = RecordedRequest("POST", "/pay", (), Body.of(json.dumps({"cents": cents}).encode()))
        assert recorded.observed is not None
        exchange = Exchange(
            f"{n:032x}",
            request,
            recorded.response,
            recorded.started,
            recorded.ended,
            outbound=recorded.observed.outbound,
        )
        made.append(Case(exchange, "/pay", reference, (candidate,)))
    return made
