"""Selection from a recording in a store, and what was selected replayed alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from diffing.routes import RouteTable
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.selection.recorded import Budget, Selected, selected
from replayer.selection.select import route_table, select
from replayer.store import Store

from .market import Crowd, replayed

CROWD = Crowd().live(60)


def recorded(store: Store, exchanges: list[Exchange]) -> int:
    info = store.create_recording("market", service="m", release="1", key_id="k", source="made up")
    store.add_exchanges(info.id, exchanges)
    return info.id


@pytest.fixture(scope="module")
def market() -> Iterator[tuple[Store, int]]:
    with Store.open("sqlite://") as store:
        yield store, recorded(store, CROWD)


def part_of(market: tuple[Store, int], budget: int, seed: int = 1, tags: tuple[str, ...] = ()) -> Selected:
    return selected(*market, Budget(budget, seed=seed), tags)


def test_what_was_selected_is_answered_as_recorded_without_the_rest(market: tuple[Store, int]) -> None:
    for seed in range(5):
        part = part_of(market, 120, seed)
        assert 100 <= len(part.exchanges) <= 120
        for exchange, status, body in replayed(part.exchanges):
            assert exchange.response is not None
            assert (exchange.response.status, exchange.response.body.data) == (status, body), exchange.request.target


def test_a_random_part_of_the_same_size_is_not(market: tuple[Store, int]) -> None:
    some = random.Random(1).sample(CROWD, 120)
    wrong = sum(one.response is not None and one.response.status != status for one, status, _ in replayed(some))
    assert wrong > 30


def test_each_kind_of_exchange_is_there_and_the_rest_is_accounted_for(market: tuple[Store, int]) -> None:
    part = part_of(market, 200)
    covered = set(part.stratum_of.values())
    often = {number for number, stratum in enumerate(part.strata) if stratum.count >= 3}
    assert often
    assert often <= covered
    assert sum(stratum.count for stratum in part.strata) == len(CROWD)
    assert sum(rest.count for rest in part.left_out) + len(part.exchanges) == len(CROWD)
    taken = Counter((one.request.method, one.route) for one in part.exchanges)
    left = Counter({(rest.method, rest.route): rest.count for rest in part.left_out})
    assert taken + left == Counter((one.request.method, one.route) for one in CROWD)


def test_a_seed_chooses_the_same_each_time_and_another_one_otherwise(market: tuple[Store, int]) -> None:
    first, again, other = (part_of(market, 120, seed) for seed in (1, 1, 2))
    assert [one.id for one in first.exchanges] == [one.id for one in again.exchanges]
    assert {one.id for one in first.exchanges} != {one.id for one in other.exchanges}


def test_tagged_routes_come_first(market: tuple[Store, int]) -> None:
    def returns(part: Selected) -> int:
        return sum(one.request.target.endswith("/return") for one in part.exchanges)

    plain, tagged = part_of(market, 150), part_of(market, 150, tags=("* /api/orders/*/return",))
    assert returns(tagged) > 1.5 * returns(plain)


def test_what_failed_comes_first(market: tuple[Store, int]) -> None:
    broken = [
        replace(one, response=RecordedResponse(500, "", (), Body())) if index % 40 == 0 else one
        for index, one in enumerate(CROWD)
        if not (index % 40 == 0 and one.request.method != "GET")
    ]
    with Store.open("sqlite://") as store:
        part = selected(store, recorded(store, broken), Budget(200), ())
    failed = sum(one.response is not None and one.response.status == 500 for one in broken)
    assert failed > 5
    assert sum(one.response is not None and one.response.status == 500 for one in part.exchanges) == failed


def test_a_closure_is_small_where_little_is_needed(market: tuple[Store, int]) -> None:
    part = part_of(market, 200)
    assert 1 <= sum(part.closures) / len(part.closures) < 10


def test_paths_without_a_template_get_the_route_that_the_whole_recording_shows(store: Store) -> None:
    unnamed = [replace(one, route="") if "products" in one.request.target else one for one in CROWD]
    number = recorded(store, unnamed)
    part = selected(store, number, Budget(100), ())
    assert {stratum.route for stratum in part.strata if "products" in stratum.route} == {"/api/products/{int}"}
    assert {rest.template for rest in part.left_out if "products" in rest.route} == {""}
    assert sum(rest.count for rest in part.left_out) + len(part.exchanges) == len(CROWD)


def test_hosts_of_the_whole_recording_are_known() -> None:
    exchanges = [
        replace(one, request=replace(one.request, headers=(("hOST", f"shop{index % 50}.example"),)))
        for index, one in enumerate(CROWD)
    ]
    with Store.open("sqlite://") as store:
        part = selected(store, recorded(store, exchanges), Budget(20), ())
    assert {host for host, _ in part.hosts} == {f"shop{number}.example" for number in range(50)}


def test_nothing_is_taken_that_does_not_fit_with_what_it_needs() -> None:
    lonely = [one for one in CROWD if one.request.target != "/api/health"]
    with Store.open("sqlite://") as store:
        number = recorded(store, lonely)
        table = route_table(store, number)
        part = select(store, number, table, 2)
        assert len(part.stratum_of) <= 2
    assert isinstance(table, RouteTable)


def test_bodies_that_are_equal_are_read_once() -> None:
    same = RecordedResponse(200, "", (("Content-Type", "application/json"),), Body.of(b'{"a": 1}'))
    exchanges = [
        Exchange(f"{n:032x}", RecordedRequest("GET", f"/{n}", ()), same, float(n), n + 0.1, route="/<int:id>")
        for n in range(500)
    ]
    read: list[int] = []
    with Store.open("sqlite://") as store:
        number = recorded(store, exchanges)
        seen: set[int] = set()

        def known(body: int) -> bool:
            return body in seen

        for glance in store.glances(number, known):
            if glance.response_data is not None:
                read.append(glance.number)
            seen.add(glance.response_body or 0)
    assert len(read) <= 100
