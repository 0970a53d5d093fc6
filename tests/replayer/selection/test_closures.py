from __future__ import annotations

from array import array

import pytest

from recorder.exchange import Exchange
from replayer.plan import steps_and_flow
from replayer.selection.closures import WINDOW, Closures, needs
from replayer.selection.lives import Lives, lives

from .market import Crowd
from .test_lives import surveyed


class Told:
    """What the exchanges of a crowd need, by their targets."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        self.exchanges = exchanges
        survey = surveyed(exchanges).survey
        self.lives = lives(survey)
        steps, flow = steps_and_flow(exchanges, lambda exchange: exchange.route)
        numbers = {exchange.id: number for number, exchange in enumerate(exchanges)}
        order = [numbers[step.exchange.id] for step in steps]
        self.closures = Closures(needs(steps, flow, order, survey, self.lives), self.lives)

    def closure(self, number: int) -> list[str]:
        found = self.closures.of(number, 1000) or set()
        requests = (self.exchanges[other].request for other in sorted(found))
        return [f"{request.method} {request.target.removeprefix('/api')}" for request in requests]


def people(crowd: Crowd, *names: str) -> dict[str, str]:
    """Registers and logs in, with others in between so that values are no chance."""
    tokens = {}
    for name in names:
        secret = {"email": f"{name}@mail.example", "password": f"Pass-of-{name}-123"}
        crowd.call(name, "POST", "/api/register", sent=secret)
        tokens[name] = str(crowd.call(name, "POST", "/api/login", sent=secret)["token"])
    return tokens


@pytest.fixture
def shop() -> tuple[Told, dict[str, int]]:
    crowd, marks = Crowd(), {}

    def call(mark: str, *arguments: object) -> dict[str, object]:
        marks[mark] = len(crowd.exchanges)
        return crowd.call(*arguments)  # type: ignore[arg-type]

    tokens = people(crowd, "ann", "bob", "staff")
    call("health", "ann", "GET", "/api/health")
    call("product", "ann", "GET", "/api/products/3")
    for name in ("ann", "bob"):
        call(f"{name} empty", name, "POST", "/api/orders", tokens[name])
        crowd.call(name, "POST", "/api/cart", tokens[name], {"product_id": 3})
        order = call(f"{name} order", name, "POST", "/api/orders", tokens[name])["id"]
        call(f"{name} shows", name, "GET", f"/api/orders/{order}", tokens[name])
        call(f"{name} ships", "staff", "POST", f"/api/orders/{order}/ship", tokens["staff"])
        call(f"{name} returns", name, "POST", f"/api/orders/{order}/return", tokens[name])
        call(f"{name} lists", name, "GET", "/api/orders", tokens[name])
        call(f"{name} misses", name, "GET", "/api/orders/999", tokens[name])
    return Told(crowd.exchanges), marks


LOGIN = ["POST /register", "POST /login"]


def test_what_needs_nothing_is_alone(shop: tuple[Told, dict[str, int]]) -> None:
    told, at = shop
    assert told.closure(at["health"]) == ["GET /health"]
    assert told.closure(at["product"]) == ["GET /products/3"]


def test_a_thing_needs_who_made_it_with_all_that_went_into_it(shop: tuple[Told, dict[str, int]]) -> None:
    told, at = shop
    number = told.exchanges[at["bob shows"]].request.target.removeprefix("/api")
    assert told.closure(at["bob shows"]) == [*LOGIN, "POST /cart", "POST /orders", f"GET {number}"]


def test_what_others_did_to_it_is_needed_with_their_login(shop: tuple[Told, dict[str, int]]) -> None:
    told, at = shop
    order = told.exchanges[at["ann shows"]].request.target.removeprefix("/api")
    assert told.closure(at["ann returns"]) == [
        *LOGIN, *LOGIN, "POST /cart", "POST /orders", f"POST {order}/ship", f"POST {order}/return",
    ]  # fmt: skip


def test_a_list_needs_what_its_own_people_did_and_nobody_else(shop: tuple[Told, dict[str, int]]) -> None:
    told, at = shop
    order = told.exchanges[at["bob shows"]].request.target.removeprefix("/api")
    assert told.closure(at["bob lists"]) == [
        *LOGIN, *LOGIN, "POST /cart", "POST /orders", f"POST {order}/ship", f"POST {order}/return", "GET /orders",
    ]  # fmt: skip


def test_what_is_not_there_needs_a_login_only(shop: tuple[Told, dict[str, int]]) -> None:
    told, at = shop
    assert told.closure(at["ann misses"]) == [*LOGIN, "GET /orders/999"]


def test_what_was_refused_is_needed_by_nobody(shop: tuple[Told, dict[str, int]]) -> None:
    told, at = shop
    empty = at["ann empty"]
    assert all(empty not in (told.closures.of(number, 1000) or ()) for number in at.values() if number != empty)


def chain(length: int) -> Closures:
    """One life in which every exchange needs the one before it."""
    numbers = array("I", range(length))
    zeros = array("I", bytes(4 * length))
    found = {number: array("I", [number - 1] if number else []) for number in range(length)}
    return Closures(found, Lives(zeros, numbers, numbers, array("I", [0, length])))


def test_a_life_is_followed_back_as_far_as_the_window() -> None:
    assert chain(1000).of(900, 1000) == set(range(900 - WINDOW, 901))


def test_a_closure_that_is_too_large_is_cut_at_its_far_end() -> None:
    closures = chain(1000)
    assert closures.of(900, 150) == set(range(800, 901))
    assert closures.cut == {900}
    assert closures.of(30, 150) == set(range(31))
    assert closures.cut == {900}


def test_one_that_nothing_makes_small_enough_is_none() -> None:
    lots = {0: array("I", range(1, 100)), **{number: array("I") for number in range(1, 100)}}
    numbers = array("I", range(100))
    alone = Lives(numbers, numbers, numbers, array("I", range(101)))
    assert Closures(lots, alone).of(0, 50) is None


def test_what_nobody_planned_is_counted() -> None:
    assert chain(10).unplanned(range(12)) == 2


def test_an_order_needs_that_the_cart_had_been_emptied() -> None:
    crowd = Crowd()
    token = people(crowd, "ann")["ann"]
    crowd.call("ann", "POST", "/api/cart", token, {"product_id": 4})
    crowd.call("ann", "DELETE", "/api/cart", token)
    crowd.call("ann", "POST", "/api/cart", token, {"product_id": 3})
    crowd.call("ann", "POST", "/api/orders", token)
    crowd.call("ann", "GET", "/api/orders", token)
    told = Told(crowd.exchanges)
    assert told.closure(len(crowd.exchanges) - 2) == [
        *LOGIN, "POST /cart", "DELETE /cart", "POST /cart", "POST /orders",
    ]  # fmt: skip
