"""Shares, their intervals, and blind spots by place."""

from __future__ import annotations

import pytest

from diffing.difference import Comparison, Part, Status
from diffing.faulty_answers import Fault
from diffing.inventory import Knowledge, Site
from diffing.mutants import Mutant
from diffing.mutations import Mutation
from diffing.sensitivity import BlindSpot, Fate, Share, sum_up


def fate(
    route: str, place: str, mutation: Mutation, *, caught: bool, why: str = "", explained: bool = False,
    equivalent: bool = False, case: int | None = 0, exchange: str = "e1",
) -> Fate:  # fmt: skip
    site = Site("GET", route, 200, Part.BODY, place, mutation, Knowledge.VARIES, (0, 1))
    mutant = Mutant(0, site, Fault(mutation, Part.BODY, place, 0), case, place, Knowledge.VARIES)
    return Fate(mutant, caught, exchange, why, explained, equivalent)


FATES = [
    fate("/a", "$.x", Mutation.NULL, caught=True),
    fate("/a", "$.x", Mutation.TEXT, caught=False, why="noise profile", explained=True, exchange="e2"),
    fate("/a", "$.x", Mutation.STEP, caught=False, why="noise profile", explained=True, case=None),
    fate("/b", "$.y", Mutation.TEXT, caught=False, exchange="e3"),
    fate("/b", "$.z", Mutation.TEXT, caught=False, why="binding", explained=True, equivalent=True),
]
RIGHT = [
    Comparison("e1", "GET", "/a", Status.MATCHED),
    Comparison("e2", "GET", "/c", Status.NOT_COMPARED),
    Comparison("e3", "GET", "/b", Status.MATCHED),
    Comparison("e4", "GET", "/b", Status.DIFFERED),
]


def test_survivors_are_told_by_place_the_unexplained_first() -> None:
    found = sum_up(FATES, RIGHT, "baseline 2")
    assert found.blind_spots == (
        BlindSpot("GET", "/b", Part.BODY, "$.y", Knowledge.VARIES, "", False, (Mutation.TEXT,), 1, 1, "e3"),
        BlindSpot(
            "GET", "/a", Part.BODY, "$.x", Knowledge.VARIES, "noise profile", True, (Mutation.TEXT, Mutation.STEP),
            2, 3, "e2",
        ),
    )  # fmt: skip
    assert found.unexplained == 1


def test_shares_leave_out_what_was_no_fault() -> None:
    found = sum_up(FATES, RIGHT, "baseline 2")
    assert (found.total, found.equivalent, found.source) == (Share(4, 1), 1, "baseline 2")
    assert found.by_route == ((("GET", "/a"), Share(3, 1)), (("GET", "/b"), Share(1, 0)))
    assert found.by_mutation == (
        (Mutation.NULL, Share(1, 1)), (Mutation.STEP, Share(1, 0)), (Mutation.TEXT, Share(2, 0)),
    )  # fmt: skip
    assert found.by_reach == (("exchange", Share(3, 1)), ("route", Share(1, 0)))
    assert found.by_knowledge == ((Knowledge.VARIES, Share(4, 1)),)


def test_routes_without_a_match_are_untested() -> None:
    assert sum_up(FATES, RIGHT, "").untested == (("GET", "/c"),)


@pytest.mark.parametrize(
    ("planted", "caught", "low", "high"),
    [(500, 490, 0.9636, 0.9891), (10, 10, 0.7225, 1.0), (10, 0, 0.0, 0.2775), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_wilsons(planted: int, caught: int, low: float, high: float) -> None:
    assert Share(planted, caught).interval == pytest.approx((low, high), abs=1e-4)
