from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from replayer.sequences import MAXIMUM_INTERVALS, Sequences


@given(st.lists(st.integers(0, 60), min_size=1))
def test_what_is_missing_is_what_was_never_added(numbers: list[int]) -> None:
    sequences = Sequences()
    for number in numbers:
        sequences.add("p", number)
    assert sequences.missing() == {"p": max(numbers) + 1 - len(set(numbers))}


def test_producers_are_apart_and_one_that_lost_nothing_misses_nothing() -> None:
    sequences = Sequences()
    for number in range(5):
        sequences.add("a", number)
    sequences.add("b", 2)
    assert sequences.missing() == {"a": 0, "b": 2}


def test_memory_is_bounded() -> None:
    sequences = Sequences()
    for number in range(0, 4 * MAXIMUM_INTERVALS, 2):
        sequences.add("p", number)
    assert len(sequences._intervals["p"]) == MAXIMUM_INTERVALS
