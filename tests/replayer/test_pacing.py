"""When the next request may start, by a clock that the test moves."""

from __future__ import annotations

import math

import pytest

from replayer.pacing import FIRST_SHARE, Pace, Pacer


def starts(pacer: Pacer, count: int, now: float = 0.0) -> list[float]:
    """When so many requests start that are sent one after the other, each as soon as it may be."""
    found = []
    for _ in range(count):
        now += pacer.reserve(now)
        found.append(now)
    return found


def test_without_a_rate_nothing_waits() -> None:
    assert starts(Pacer(Pace()), 5) == [0.0] * 5


def test_a_rate_is_kept_from_the_beginning() -> None:
    times = starts(Pacer(Pace(rate=20.0), began=7.0), 40, now=7.0)
    assert times == pytest.approx([7.0 + 0.05 * number for number in range(40)])


def test_a_rate_below_one_a_second_is_kept() -> None:
    assert starts(Pacer(Pace(rate=0.5)), 3) == pytest.approx([0.0, 2.0, 4.0])


def test_what_was_not_sent_in_a_long_silence_does_not_follow_at_once() -> None:
    pacer = Pacer(Pace(rate=10.0))
    starts(pacer, 3)
    assert starts(pacer, 3, now=100.0) == pytest.approx([100.0, 100.0, 100.1])


def test_a_ramp_begins_with_a_tenth_of_the_rate_and_ends_with_all_of_it() -> None:
    pacer = Pacer(Pace(rate=100.0, ramp_up=10.0))
    times = starts(pacer, 2000)

    def sent(begin: float, end: float) -> int:
        return sum(begin <= time < end for time in times)

    assert sent(0, 1) < 100 * FIRST_SHARE + 10
    assert sent(4, 5) in range(45, 56)
    assert sent(11, 12) in range(99, 102)


def test_concurrency_rises_one_by_one_during_a_ramp() -> None:
    pacer = Pacer(Pace(concurrency=4, ramp_up=8.0), began=100.0)
    assert [pacer.limit(100.0 + t) for t in (0.0, 1.9, 2.1, 4.1, 6.1, 8.0, 99.0)] == [1, 1, 2, 3, 4, 4, 4]
    assert pacer.rises_in(101.0) == 2.0
    assert pacer.rises_in(108.0) == math.inf


def test_concurrency_that_was_lowered_stays_low() -> None:
    pacer = Pacer(Pace(concurrency=8))
    assert pacer.limit(0.0) == 8
    pacer.most = 2
    assert pacer.limit(0.0) == 2


def test_the_gaps_of_the_recording_are_kept_and_divided_by_the_speed() -> None:
    pacer = Pacer(Pace(speed=10.0), began=50.0, first=1000.0)
    assert [pacer.due_in(recorded, 50.0) for recorded in (1000.0, 1001.0, 1030.0)] == pytest.approx([0.0, 0.1, 3.0])
    assert pacer.due_in(1030.0, 52.0) == pytest.approx(1.0)
    assert pacer.due_in(1030.0, 60.0) == 0.0


def test_without_a_speed_everything_is_due_at_once() -> None:
    pacer = Pacer(Pace(), began=50.0, first=1000.0)
    assert pacer.due_in(9000.0, 50.0) == 0.0
    pacer.started(9000.0, 99.0)
    assert pacer.notes() == ()


def test_a_target_that_can_not_keep_up_is_told_with_how_far_it_fell_behind() -> None:
    pacer = Pacer(Pace(speed=1.0), began=0.0, first=1000.0)
    pacer.started(1001.0, 1.2)
    assert pacer.notes() == ()
    pacer.started(1002.0, 6.5)
    pacer.started(1010.0, 11.5)
    (note,) = pacer.notes()
    assert "at 1 times its speed: by 4.5 s at most, by 1.5 s at its end" in note
    pacer.started(1020.0, 20.0)
    assert "by 4.5 s at most, caught up again" in pacer.notes()[0]


def test_the_parts_of_a_pass_share_its_pace() -> None:
    assert Pace(8, 100.0, 5.0, 2.0).share(2) == Pace(4, 50.0, 5.0, 2.0)
    assert Pace(1, 0.0).share(3) == Pace(1, 0.0)
