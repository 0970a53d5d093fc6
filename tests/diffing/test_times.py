"""Which values are times, and when two passes mean the same moment by them."""

from __future__ import annotations

import pytest

from diffing.times import UNKNOWN, Moment, Window, moment, same_moment

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2023-11-14T22:13:20Z", Moment(NOW, 1.0)),
        ("2023-11-14 22:13:20+00:00", Moment(NOW, 1.0)),
        ("2023-11-14T23:13:20.5+0100", Moment(NOW + 0.5, 0.1)),
        ("2023-11-14T22:13:20.250000Z", Moment(NOW + 0.25, 0.000001)),
        ("2023-11-14", Moment(1_699_920_000.0, 86_400.0)),
        ("Tue, 14 Nov 2023 22:13:20 GMT", Moment(NOW, 1.0)),
        ("Tue, 14-Nov-2023 22:13:20 GMT", Moment(NOW, 1.0)),
        (1_700_000_000, Moment(NOW, 1.0)),
        (1_700_000_000_000, Moment(NOW, 0.001)),
        (1_700_000_000.25, Moment(NOW + 0.25, 0.001)),
        ("1700000000", Moment(NOW, 1.0)),
        (17, None),
        (True, None),
        ("2023-13-45", None),
        ("not a time", None),
        (float("nan"), None),
        (10**30, None),
    ],
)
def test_times_are_read_as_apis_write_them(value: object, expected: Moment | None) -> None:
    assert moment(value) == expected


A = Window(NOW, NOW + 100, NOW + 101)
B = Window(NOW + 5000, NOW + 5200, NOW + 5201)


def at(seconds: float, resolution: float = 1.0) -> Moment:
    return Moment(NOW + seconds, resolution)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (at(100), at(5200), True),  # now
        (at(20), at(5030), True),  # some earlier exchange of the pass
        (at(100 + 3600), at(5200 + 3600), True),  # now, in one time zone
        (at(100), at(5200 + 3600), False),  # now, and an hour off
        (at(100 + 86_400 * 30), at(5200 + 86_400 * 30), True),  # an expiry
        (at(100 + 86_400 * 30), at(5200 + 86_400 * 20), False),
        (at(100), at(-100_000), False),  # no longer updated
        (Moment(1_699_920_000.0, 86_400.0), Moment(1_699_920_000.0, 86_400.0), True),
        (Moment(1_699_920_000.0, 86_400.0), Moment(1_699_920_000.0 + 86_400 * 3, 86_400.0), False),
    ],
)
def test_two_passes_mean_the_same_moment(a: Moment, b: Moment, same: bool) -> None:
    assert same_moment(a, b, A, B) is same


def test_without_windows_nothing_is_the_same_moment() -> None:
    assert not same_moment(at(0), at(0), UNKNOWN, B)


def test_the_end_of_the_minute_of_the_answer_is_the_same_in_every_pass() -> None:
    """13:20 and 18:10 past the full hour: `X-RateLimit-Reset`, which is up to a minute ahead of its answer."""
    first, second = Window(NOW, NOW + 2, NOW + 3), Window(NOW + 270, NOW + 290, NOW + 291)
    end, later = Moment(NOW + 40, 1.0), Moment(NOW + 340, 1.0)
    assert same_moment(end, later, first, second)
    assert not same_moment(end, Moment(NOW + 280, 1.0), first, second)  # the beginning of it
    assert not same_moment(end, Moment(NOW + 400, 1.0), first, second)  # the end of the next
    assert not same_moment(end, Moment(NOW + 339, 1.0), first, second)
