"""Times with a fault: shifted in their own notation, or written in another one."""

from __future__ import annotations

import pytest

from diffing.faulty_times import reformatted, shifted


@pytest.mark.parametrize(
    ("value", "later"),
    [
        ("2026-01-02T23:30:05Z", "2026-01-03T00:30:05Z"),
        ("2026-01-02T23:30:05.250+02:00", "2026-01-03T00:30:05.250+02:00"),
        ("2026-01-02 23:30", "2026-01-03 00:30"),
        ("Fri, 02 Jan 2026 23:30:05 GMT", "Sat, 03 Jan 2026 00:30:05 GMT"),
        (1767396605, 1767400205),
        (1767396605000, 1767400205000),
        (1767396605.25, 1767400205.25),
        ("1767396605", "1767400205"),
        ("2026-01-02", None),
        ("blue", None),
        (17, None),
        (True, None),
        (None, None),
    ],
)
def test_a_time_is_shifted_by_an_hour(value: object, later: object) -> None:
    assert shifted(value, 3600) == later
    assert type(shifted(value, 3600)) is type(later)


def test_a_date_is_shifted_by_days() -> None:
    assert shifted("2026-03-01", -86_400) == "2026-02-28"


@pytest.mark.parametrize(
    ("value", "variant", "other"),
    [
        ("2026-01-02T23:30:05Z", 0, "2026-01-02 23:30:05Z"),
        ("2026-01-02T23:30:05Z", 1, "2026-01-02T23:30:05"),
        ("2026-01-02T23:30:05.250+02:00", 1, "2026-01-02T23:30:05.250"),
        ("2026-01-02 23:30:05", 1, "2026-01-02 23:30:05Z"),
        ("2026-01-02", 0, "02.01.2026"),
        ("Fri, 02 Jan 2026 23:30:05 GMT", 0, "2026-01-02T23:30:05Z"),
        (1767396605, 0, 1767396605000),
        (1767396605000, 0, 1767396605),
        ("1767396605", 0, "2026-01-02T23:30:05Z"),
        ("blue", 0, None),
        (17, 0, None),
    ],
)
def test_a_time_is_written_in_another_notation(value: object, variant: int, other: object) -> None:
    assert reformatted(value, variant) == other
