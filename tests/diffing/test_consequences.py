"""What seems to follow from an earlier difference, and is so frequent that it does not."""

from __future__ import annotations

from diffing.consequences import common_spots, with_common
from diffing.difference import Comparison, Difference, DifferenceKind, Location, Part, Reason, Status
from diffing.times import OTHER_TIME

LATER = Difference(Location(Part.BODY, "$.rows[3].updated_at"), DifferenceKind.VALUE, "a", "b", OTHER_TIME)


def answers(doubtful: int, of: int) -> list[Comparison]:
    """So many answers of a route with another time, of so many."""
    held = Comparison("x", "GET", "/cart", Status.NOT_COMPARED, Reason.DOWNSTREAM, leaves=9, doubtful=(LATER,))
    clear = Comparison("y", "GET", "/cart", Status.MATCHED, leaves=9)
    skipped = Comparison("z", "GET", "/cart", Status.SKIPPED, Reason.UNSAFE)
    return [held] * doubtful + [clear] * (of - doubtful) + [skipped] * 50


def test_one_of_many_follows_from_what_came_before() -> None:
    found = answers(1, 40)
    assert common_spots(found) == frozenset()
    assert [with_common(one, common_spots(found)) for one in found] == found


def test_what_most_answers_show_counts() -> None:
    found = answers(20, 40)
    common = common_spots(found)
    assert common == {("GET", "/cart", "$.rows[*].updated_at")}
    counted = with_common(found[0], common)
    assert (counted.status, counted.reason, counted.differences) == (Status.DIFFERED, None, (LATER,))
    assert with_common(found[-1], common) == found[-1]
