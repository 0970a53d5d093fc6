from __future__ import annotations

import pytest

from diffing.difference import Comparison, Location, Part, Severity, Status
from diffing.grouping import CONFIRMED, Finding
from replayer.selection.account import account, may_miss
from replayer.selection.strata import Stratum


def stratum(count: int, status: int = 200, route: str = "/a") -> Stratum:
    return Stratum("GET", route, status, True, "", count, 0.0, 1)


def finding(*exchanges: str) -> Finding:
    return Finding(
        "f", Severity.MAJOR, "value", "GET", "/a", Location(Part.BODY, "$.x"), "1 -> 2", 1, 2,
        len(exchanges), len(exchanges), CONFIRMED, (), None, (), (), exchanges,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("strata", "share"),
    [
        ([(1000, 60)], 0.05),  # the rule of three
        ([(1000, 1000)], 0.0),
        ([(3, 3), (4, 4)], 0.0),
        ([(1000, 2)], 1.0),
        ([(100, 0), (900, 900)], 0.1),
        ([(100, 0), (900, 60)], 0.145),  # all of the one, 5 % of the other
        ([(500, 50), (500, 10)], 0.15),  # it hides where an exchange stands for more: 30 % of the second half
        ([(500, 2), (500, 10)], 0.55),  # all of the first half costs two of the three, 10 % of the second one
        ([], 0.0),
    ],
)
def test_what_may_be_missed(strata: list[tuple[int, int]], share: float) -> None:
    assert may_miss(strata) == pytest.approx(share)


def test_an_account_names_what_was_not_compared_and_weighs_what_was_found() -> None:
    strata = [stratum(900), stratum(100, 404), stratum(7, 500), stratum(5, 200, "/b")]
    of = {f"x{n}": 0 for n in range(10)} | {f"y{n}": 1 for n in range(10)} | {"z": 3}
    comparisons = [Comparison(name, "GET", "/a", Status.NOT_COMPARED if name == "z" else Status.MATCHED) for name in of]
    found = account(
        strata, of, comparisons, [finding("x0", "y0", "y1", "y2", "y3", "y4")], budget=30, seed=7, closures=(1, 4)
    )
    assert (found.recorded, found.selected, found.strata, found.covered) == (1012, 21, 4, 2)
    assert found.uncovered == (strata[2], strata[3])
    assert (found.budget, found.seed, found.closure) == (30, 7, 2.5)
    first, second = found.routes
    assert (first.recorded, first.compared, first.strata, first.covered) == (1007, 20, 3, 2)
    assert first.may_miss == pytest.approx((7 + 270) / 1007)
    assert (second.compared, second.may_miss) == (0, 1.0)
    # a tenth of what succeeds and half of what is not found; of what failed nothing is known
    assert found.affected == {"f": pytest.approx((90 + 50) / 1000)}


def test_no_share_of_a_route_of_which_nothing_was_compared() -> None:
    assert account([stratum(5)], {}, [], [finding("x")], budget=1, seed=1).affected == {}
