"""The places of a recording's answers: what is known of each, and which faults can be planted there."""

from __future__ import annotations

import pytest

from diffing.difference import Part
from diffing.inventory import Inventory, Knowledge, Site, knowledge_of, take_inventory
from diffing.mutations import Mutation
from diffing.profile import Place, learn

from .orders_app import SORTS, cases, traffic

MADE = cases(traffic(8))
FOUND: Inventory = take_inventory(MADE, range(len(MADE)), learn(MADE, SORTS))


def sites(route: str, shape: str, method: str = "GET", status: int = 200) -> list[Site]:
    return [s for s in FOUND.sites if (s.method, s.route, s.status, s.shape) == (method, route, status, shape)]


@pytest.mark.parametrize(
    ("route", "shape", "knowledge"),
    [
        ("/orders", "$.items[*].title", Knowledge.FIXED),
        ("/orders", "$.items[*].id", Knowledge.IDENTIFIER),
        ("/orders", "$.items[*].self", Knowledge.IDENTIFIER),
        ("/orders", "$.items[*].created_at", Knowledge.TIME),
        ("/orders", "$.took_ms", Knowledge.VARIES),
        ("/tags", "$.tags", Knowledge.UNSTEADY),
        ("/tags", "$.hint", Knowledge.VARIES),
        ("/report", "$.by_day.*", Knowledge.FIXED),
    ],
)
def test_what_is_known_of_a_place(route: str, shape: str, knowledge: Knowledge) -> None:
    assert {site.knowledge for site in sites(route, shape)} == {knowledge}


@pytest.mark.parametrize(
    ("shape", "mutations"),
    [
        ("$.total", {"drop", "null", "type", "negate", "scale", "step"}),
        ("$.id", {"drop", "null", "type", "negate", "scale", "step", "other identifier", "swap identifiers"}),
        ("$.created_at", {"drop", "null", "type", "empty text", "truncate", "time format", "time zone", "stale time"}),
        ("$.lines", {"drop", "null", "type", "drop element", "duplicate element", "add element"}),
        ("$", {"null", "type", "html", "empty body"}),
        ("header:x-request-id", {"drop header", "header"}),
        ("", {"status"}),
    ],
)
def test_what_can_be_wrong_at_a_place(shape: str, mutations: set[str]) -> None:
    assert {site.mutation.value for site in sites("/orders/<int:id>", shape)} == mutations


def test_headers_and_bodies_are_told_apart_and_what_is_not_compared_is_left_out() -> None:
    assert {site.part for site in sites("/tags", "header:x-request-id")} == {Part.HEADER}
    assert sites("/tags", "header:server") == []
    assert sites("/tags", "header:content-length") == []


def test_a_site_knows_the_exchanges_that_show_it() -> None:
    logins = tuple(i for i, case in enumerate(MADE) if case.route == "/login")
    assert {site.cases for site in sites("/login", "$.token", "POST")} == {logins}


def test_words_of_a_closed_set_and_identifiers_are_known() -> None:
    assert {key for key, _ in FOUND.names.words.items()} >= {"GET /tags|2xx|$.sizes[*]", "GET /tags|2xx|$.tags[*]"}
    assert set(FOUND.names.identifiers["order"]) >= {1, 2, 3, 100, 101}
    assert Mutation.UNSEEN in {site.mutation for site in sites("/tags", "$.sizes[*]")}


@pytest.mark.parametrize(
    ("places", "knowledge"),
    [
        ([Place()], Knowledge.FIXED),
        ([Place(varies=True), Place(sort="a")], Knowledge.IDENTIFIER),
        ([Place(varies=True, timely=True), Place()], Knowledge.TIME),
        ([Place(varies=True, timely=True), Place(varies=True)], Knowledge.VARIES),
        ([Place(), Place(presence_varies=True)], Knowledge.UNSTEADY),
        ([Place(order_varies=True, varies=True)], Knowledge.VARIES),
    ],
)
def test_the_strongest_check_that_is_left_is_named(places: list[Place], knowledge: Knowledge) -> None:
    assert knowledge_of(places) is knowledge
