from __future__ import annotations

from replayer.selection.choose import DAY, Chooser, Wanted, cheapest_first, quotas, rounds
from replayer.selection.strata import Stratum


def stratum(count: int, status: int = 200, route: str = "/a", first: float = 0.0) -> Stratum:
    return Stratum("GET", route, status, True, "", count, first, 1)


def test_quotas_go_by_the_rule_of_three() -> None:
    strata = [stratum(1000), stratum(1000, 302), stratum(1000, 404), stratum(7), stratum(1000, 503), stratum(9, 0)]
    assert [one.quota for one in quotas(strata, 0, 1, lambda _m, _r: False)] == [60, 60, 30, 7, 30, 9]


def test_failures_tagged_routes_and_new_strata_come_first() -> None:
    strata = [stratum(9), stratum(9, 500), stratum(9, route="/pay"), stratum(9, first=25 * DAY)]

    def tagged(_method: str, route: str) -> bool:
        return route == "/pay"

    assert [one.first for one in quotas(strata, 0, 28 * DAY, tagged)] == [False, True, True, True]
    assert [one.first for one in quotas(strata, 24 * DAY, 28 * DAY, tagged)] == [False, True, True, False]


def test_rounds_take_one_of_each_then_what_comes_first_then_double() -> None:
    strata = [stratum(100), stratum(2), stratum(5), stratum(50, 500)]
    wanted = [Wanted(60, False), Wanted(2, False), Wanted(5, False), Wanted(30, True)]
    routes, *found = rounds(strata, wanted)
    assert routes == [(0, 1)]
    assert found[:4] == [[(3, 1), (2, 1), (0, 1)], [(3, 30)], [(1, 1)], [(1, 2), (2, 2), (0, 2)]]
    assert found[4:] == [[(2, 4), (0, 4)], [(2, 8), (0, 8)], [(0, 16)], [(0, 32)], [(0, 64)]]


def test_the_cheapest_of_a_few_is_taken_and_what_can_not_be_taken_never() -> None:
    prices = {1: 5, 2: 2, 3: None, 4: 9}
    chooser = Chooser(lambda _: list(prices), [Wanted(4, False)], seed=1)
    taken: list[int] = []
    for index in chooser.fill(0, 9, taken.__contains__, prices.__getitem__):
        taken.append(index)
        chooser.have[0] += 1
    assert taken == [2, 1, 4]


def test_what_others_made_cheaper_comes_earlier() -> None:
    price = {0: 3, 1: 5, 2: 9}
    chooser = Chooser(lambda stratum: [stratum], [Wanted(1, False)] * 3, seed=1)
    order = []
    for stratum_, _ in cheapest_first([(0, 1), (1, 1), (2, 1)], chooser, price.__getitem__):
        order.append(stratum_)
        price[2] = 4  # shares what the first one needs
        price[1] = 5
    assert order == [0, 1, 2] or order == [0, 2, 1]


def test_each_route_comes_before_each_stratum() -> None:
    strata = [stratum(9, 404), stratum(70), stratum(2, route="/b"), stratum(1, 201, route="/b")]
    wanted = quotas(strata, 0, 1, lambda _method, _route: False)
    assert next(iter(rounds(strata, wanted))) == [(1, 1), (2, 1)]
