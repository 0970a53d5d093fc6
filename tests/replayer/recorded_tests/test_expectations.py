from __future__ import annotations

import time

import pytest

from replayer.recorded_tests.expectations import Known, Variation, expected
from replayer.recorded_tests.literals import Made


def stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + seconds))


@pytest.mark.parametrize("now", [(0, 0, 0), (0, 0, 1)])
@pytest.mark.parametrize("seen_to_move", [False, True])
def test_the_time_of_day_is_the_same_matcher_whether_or_not_a_second_was_over(
    now: tuple[float, ...], seen_to_move: bool
) -> None:
    variation = Variation()
    if seen_to_move:  # rows of one place: one of long ago, and one that was just made
        variation.note("$.added", ["2020-02-03T04:05:06Z", stamp(0), stamp(1)])
    known = Known(variation=variation)

    found = expected("$.added", [stamp(seconds) for seconds in now], known)
    assert isinstance(found, Made)
    assert repr(found) == repr(expected("$.added", [stamp(-60)], Known()))


def test_an_array_that_has_no_order_in_one_test_has_none_in_the_others() -> None:
    variation = Variation()
    variation.note("$", [{"tags": ["a", "b", "c"]}, {"tags": ["c", "a", "b"]}])
    found = expected("$", [{"tags": ["d", "e"]}] * 3, Known(variation=variation))
    assert repr(found) == repr({"tags": Made("AnyOrder", (["d", "e"],))})
    assert expected("$", [{"tags": ["d"]}] * 3, Known(variation=variation)) == {"tags": ["d"]}
    assert expected("$", [{"sizes": ["d", "e"]}] * 3, Known(variation=variation)) == {"sizes": ["d", "e"]}


def test_what_does_not_tell_the_time_stays_beside_what_does() -> None:
    variation = Variation()
    variation.note("$.added", [stamp(0), stamp(1)])
    assert expected("$.added", ["2020-02-03T04:05:06Z"] * 3, Known(variation=variation)) == "2020-02-03T04:05:06Z"
