"""Who plays what, all at once."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..config import DEFAULT_PROVIDER_SECRET
from . import account, arrival, browsing, buying, staff
from .board import Board
from .knocking import knock
from .person import Person
from .tally import Tally

Journey = Callable[[Person], None]
WAIT_SECONDS = 30.0
TIMES = 3  # how many customers make each journey, at least

CUSTOMER: tuple[Journey, ...] = (
    browsing.page_through,
    buying.order,
    account.wishlists,
    browsing.inspect,
    account.addresses,
    account.browser,
    buying.complain,
    browsing.search,
    account.files,
    buying.history,
    browsing.bestsellers,
    account.profile,
    buying.reviews,
    account.webhooks,
    browsing.postage,
    buying.cart,
    account.notifications,
    browsing.coupons,
    arrival.sessions,
    account.exports,
    browsing.look_around,
    arrival.identity,
    browsing.mirror,
    buying.reorder,
    arrival.forgotten,
    browsing.compare,
    arrival.password,
)
SUPPORT: tuple[Journey, ...] = (
    staff.queue, staff.look_up, staff.figures, staff.stock_room, staff.returns, staff.void_an_order,
)  # fmt: skip
ADMIN: tuple[Journey, ...] = (
    staff.new_product,
    staff.new_product,
    staff.people,
    staff.campaign,
    staff.figures,
    staff.look_up,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    tally: Tally
    seconds: float
    failures: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Everybody got to the end, every endpoint was called, nothing broke."""
        return not (self.failures or self.tally.missed() or self.tally.problems)

    def lines(self) -> list[str]:
        statuses = ", ".join(f"{status}: {count}" for status, count in self.tally.by_status().items())
        lines = [f"{self.tally.total} requests in {self.seconds:.1f} s", f"statuses: {statuses}"]
        for title, names in (
            ("never called", self.tally.missed()),
            ("never succeeded", self.tally.never(200, 400)),
            ("never refused", self.tally.never(400, 500)),
            ("failed in the shop", self.tally.problems),
            ("people who gave up", list(self.failures)),
        ):
            lines.append(f"{title}: {len(names)}")
            lines += [f"  {name}" for name in names]
        return lines


def play(url: str, wallet: dict[str, Any], seed: int, users: int, requests: int) -> Outcome:
    """Runs until everybody is done."""
    tally, board = Tally(), Board()
    half = min(len(wallet["users"]), users // 2)
    accounts = wallet["users"][:half] + [newcomer(number, seed) for number in range(half, users)]
    cast = [
        Person(number, url, dict(entry), wallet["foreign"], board, tally, seed) for number, entry in enumerate(accounts)
    ]
    customers = [person for person in cast if person.account["role"] == "customer"]
    for turn, person in enumerate(customers):
        person.facts |= {"turn": turn, "friend": customers[(turn + 1) % len(customers)].number}
    budget = requests // users
    failures: list[str] = []
    began = time.perf_counter()
    threads = [threading.Thread(target=_live, args=(person, customers, budget, failures)) for person in cast]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Outcome(tally, time.perf_counter() - began, tuple(failures))


def newcomer(number: int, seed: int) -> dict[str, Any]:
    """Some have a plus in their address, some a name beyond ASCII."""
    mark = hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:6]
    plus = "+shop" if number % 4 == 1 else ""
    name = ("Zoë Nový", "Max Neu", "Ines Nuñez", "Bob New")[number % 4]
    return {
        "email": f"new{number}{plus}.{mark}@mail.example",
        "name": name,
        "role": "customer",
        "password": f"Start-{mark}9",
        "fresh": True,
    }


def _live(me: Person, customers: list[Person], budget: int, failures: list[str]) -> None:
    try:
        arrival.arrive(me)
        role = me.account["role"]
        if role == "customer":
            _shop(me, len(customers), budget)
        else:
            journeys = list(ADMIN if role == "admin" else SUPPORT)
            me.chance.shuffle(journeys)
            _work(me, journeys, sum(1 for person in customers if person.number % 2 == me.number % 2))
    except Exception as problem:  # one who stumbles must not keep the others waiting
        failures.append(f"user {me.number}: {type(problem).__name__}: {problem}")
    finally:
        if me.account["role"] == "customer":
            me.board.give(f"desk:{me.number % 2}", ("done", me.number, None))
        me.close()


def journeys_of(turn: int, customers: int) -> list[Journey]:
    """What one of the customers does whatever the budget: each journey falls to several of them, in order."""
    step = max(1, customers // TIMES)
    mine = {(turn + time * step) % customers for time in range(TIMES)}
    return [journey for number, journey in enumerate(CUSTOMER) if number % customers in mine]


def _shop(me: Person, of: int, budget: int) -> None:
    buying.presents(me)
    if "+" in me.account["email"]:
        account.browser(me)  # addresses like theirs are where forms go wrong
    if me.facts["turn"] % 2:
        buying.order(me)
        me.catch_up(WAIT_SECONDS)
    mine = journeys_of(me.facts["turn"], of)
    rest = [journey for journey in CUSTOMER if journey not in mine]
    me.chance.shuffle(rest)
    for number, journey in enumerate(mine + rest):
        if me.sent >= budget and number >= len(mine):
            break
        journey(me)
        me.catch_up(WAIT_SECONDS)
    account.notifications(me)
    knock(me, of)
    if me.facts["turn"] == 0:
        _provider_calls(me)
    arrival.leave(me)


def _work(me: Person, journeys: list[Journey], customers: int) -> None:
    """Support serves its customers between its own chores, until the last of them has gone."""
    if me.account["role"] != "support":
        for journey in journeys:
            journey(me)
        return
    gone = 0
    while gone < customers:
        task = me.board.take(f"desk:{me.number % 2}", 0.05 if journeys else WAIT_SECONDS)
        if task is None and not journeys:
            raise TimeoutError("no customer has come for too long")
        if task is None:
            journeys.pop()(me)
        elif task[0] == "done":
            gone += 1
        else:
            staff.desk(me, task)
    for journey in journeys:
        journey(me)


def _provider_calls(me: Person) -> None:
    """The payment provider's own notice, which is signed over its bytes."""
    notice = json.dumps({"event": "payout.settled", "amount": "1200.00"}).encode()
    secret = os.environ.get("SHOP_PROVIDER_SECRET", DEFAULT_PROVIDER_SECRET)
    signature = hmac.new(secret.encode(), notice, hashlib.sha256).hexdigest()
    for value in (signature, "forged"):
        headers = {"Content-Type": "application/json", "X-Provider-Signature": value}
        me.call("POST", "/api/webhooks/provider", data=notice, headers=headers, anonymous=True)
