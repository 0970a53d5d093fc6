"""Batches that can be sent side by side: nothing waits for what another batch of its wave sends."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from replayer.plan import make_plan
from replayer.waves import Wave, waves

from .tiny import record, route_of


def check(depends: list[set[int]], chosen: list[int], found: list[Wave]) -> None:
    """Every step once, and whatever it waits for in an earlier wave or in its own batch."""
    sent = [step for wave in found for batch in wave for step in batch]
    assert sorted(sent) == sorted(chosen)
    before: set[int] = set()
    for wave in found:
        for batch in wave:
            assert list(batch) == sorted(batch)
            for step in batch:
                assert depends[step] & set(chosen) <= before | set(batch)
        before |= {step for batch in wave for step in batch}


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[set[int]], list[int]]:
    chance = random.Random(draw(st.integers(0, 10**6)))
    count, density = draw(st.integers(1, 60)), draw(st.floats(0, 0.2))
    depends = [{other for other in range(step) if chance.random() < density} for step in range(count)]
    chosen = [step for step in range(count) if chance.random() < draw(st.sampled_from([0.3, 1.0]))]
    return depends, chosen


@settings(max_examples=200, deadline=None)
@given(plans(), st.integers(1, 20), st.integers(1, 4))
def test_no_batch_waits_for_another_of_its_wave(
    plan: tuple[list[set[int]], list[int]], size: int, parallel: int
) -> None:
    depends, chosen = plan
    check(depends, chosen, waves(depends, chosen, size, parallel))


def test_what_hangs_together_by_nothing_is_one_wave_of_full_batches() -> None:
    found = waves([set() for _ in range(1000)], range(1000), 100, 4)
    assert len(found) == 1
    assert len(found[0]) == 10
    assert {len(batch) for batch in found[0]} == {100}


def test_one_chain_is_cut_into_large_batches_that_follow_one_another() -> None:
    depends = [{step - 1} if step else set() for step in range(950)]
    found = waves(depends, range(950), 100, 4)
    assert [[len(batch) for batch in wave] for wave in found] == [[400], [400], [150]]


def test_sessions_side_by_side_are_spread_over_the_workers() -> None:
    depends = [{step - 20} if step >= 20 else set() for step in range(2000)]  # 20 chains of 100
    found = waves(depends, range(2000), 500, 2)
    assert len(found) <= 3
    assert all(len(wave) == 2 for wave in found)
    assert all(abs(len(wave[0]) - len(wave[1])) <= len(wave[0]) // 5 for wave in found)


def test_a_read_of_everything_ends_a_wave_only_where_it_stands() -> None:
    depends = [{step - 10} if step >= 10 else set() for step in range(400)]
    depends[200] |= set(range(200))  # waits for all that was written before
    for step in range(201, 400):
        depends[step].add(200)
    found = waves(depends, range(400), 300, 2)
    check(depends, list(range(400)), found)
    halves = [batch for wave in found for batch in wave if len(batch) > 1]
    assert sum(len(wave) > 1 for wave in found) >= 2
    assert max(map(len, halves)) <= 300


def test_a_few_steps_beside_a_large_batch_are_sent_with_it() -> None:
    for few, expected in ((19, [1]), (20, [2])):  # BARRIER
        depends = [{step - 1} if step else set() for step in range(300)] + [set() for _ in range(few)]
        found = waves(depends, range(300 + few), 400, 2)
        check(depends, list(range(300 + few)), found)
        assert [len(wave) for wave in found] == expected


def test_only_the_chosen_steps_are_sent() -> None:
    depends: list[set[int]] = [set(), {0}, {1}, {2}]
    assert waves(depends, [1, 3], 2, 2) == [[(1, 3)]]
    assert waves(depends, [], 10, 2) == []


def test_a_recording_is_cut_into_batches_that_respect_its_plan() -> None:
    plan = make_plan(record(users=12, rounds=20).exchanges, route_of)
    depends = [set(waits) for waits in plan.depends]
    for parallel in (1, 2, 8):
        check(depends, list(range(len(depends))), waves(depends, range(len(depends)), 50, parallel))
