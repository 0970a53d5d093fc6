"""Times as people read them: the same when each lies within its own pass."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from diffing.times import Window
from diffing.written_times import part_alike, written_alike

AT = datetime(2026, 11, 27, 4, 18, 40, tzinfo=UTC).timestamp()
EARLY = Window(AT, AT + 3, AT + 3.1)  # 4:18
LATE = Window(AT + 40, AT + 45, AT + 45.2)  # 4:19
NEXT_DAY = Window(AT + 86_400, AT + 86_403, AT + 86_403.1)


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("Nov. 27, 2026, 4:18 a.m. (now)", "Nov. 27, 2026, 4:19 a.m. (now)", True),
        ("Nov. 27, 2026, 4:18 a.m. (now)", "Nov. 27, 2026, 4:49 a.m. (now)", False),
        ("Nov. 27, 2026, 4:18 a.m. (now)", "Nov. 27, 2026, 4:19 a.m. (then)", False),
        ("Nov. 27, 2026, 4:18 a.m.", "Nov. 27, 2026, 5:19 a.m.", False),  # another time zone
        ("27.11.2026 10:18 – 3 rows", "27.11.2026 10:19 – 3 rows", True),  # six hours ahead, both
        ("27.11.2026 10:18 – 3 rows", "27.11.2026 10:19 – 4 rows", False),
        ("at 04:18:41", "at 04:19:22", True),
        ("ratio 4:18", "ratio 4:17", False),
        ("version 1.2.3", "version 1.2.4", False),
        ("3 rows", "4 rows", False),
        ("", "", False),
    ],
)
def test_texts_that_say_the_minute(a: str, b: str, alike: bool) -> None:
    assert written_alike(a, b, EARLY, LATE) is alike


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("27 November 2026", "28 November 2026", True),
        ("November 27th, 2026", "November 28th, 2026", True),
        ("11/27/2026", "11/28/2026", True),
        ("27/11/26", "28/11/26", True),
        ("27 November 2026", "29 December 2026", False),
        ("31/31/2026", "30/31/2026", False),
    ],
)
def test_texts_that_say_the_day(a: str, b: str, alike: bool) -> None:
    assert written_alike(a, b, EARLY, NEXT_DAY) is alike


def test_without_known_times_nothing_is_alike() -> None:
    nowhere = Window(0.0, 0.0, 0.0)
    assert not written_alike("at 04:18", "at 04:19", nowhere, LATE)
    assert not part_alike("$.minute", 18, 19, EARLY, nowhere)


@pytest.mark.parametrize(
    ("key", "a", "b", "alike"),
    [
        ("GET /a|2xx|$.events[*].start_date.minute", 18, 19, True),
        ("$.start_minute", 18, 19, True),
        ("$.minute", 18, 40, False),
        ("$.minutes_left", 18, 19, False),
        ("$.hour", 4, 4, True),
        ("$.hour", 4, 6, False),
        ("$.day", 27, 27, True),
        ("$.day", 27, 3, False),
        ("$.minute", 18, "19", False),
        ("$.count", 18, 19, False),
    ],
)
def test_a_number_that_is_a_part_of_a_time(key: str, a: object, b: object, alike: bool) -> None:
    assert part_alike(key, a, b, EARLY, LATE) is alike


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("27.11.2026 23:40", "28.11.2026 00:21", True),
        ("Nov. 27, 2026, 11:40 p.m.", "Nov. 28, 2026, 12:21 a.m.", True),
        ("27.11.2026 23:40", "29.11.2026 00:21", False),
    ],
)
def test_a_day_and_the_clock_behind_it_are_one_time(a: str, b: str, alike: bool) -> None:
    """An hour ahead, in a zone that is an hour ahead: midnight lies between the two, and not between the answers."""
    noon = datetime(2026, 11, 27, 21, 40, tzinfo=UTC).timestamp()
    first = Window(noon - 60, noon, noon + 1)
    second = Window(noon + 2400, noon + 2460, noon + 2461)
    assert written_alike(a, b, first, second) is alike
