"""Ages in texts: what a quick pass calls `just now` is `7 seconds ago` in a slow one."""

from __future__ import annotations

import pytest

from diffing.ages import aged_alike
from diffing.times import DAY, UNKNOWN, Window

QUICK, SLOW = Window(1000.0, 1010.0, 1010.1), Window(5000.0, 5090.0, 5090.2)
"""Ten seconds into one pass, ninety into another one."""


@pytest.mark.parametrize(
    ("quick", "slow"),
    [
        ("just now", "7 seconds ago"),
        ("8 seconds ago", "a minute ago"),
        ("Bo paid, 9 seconds ago (acme)", "Bo paid, 1 minute, 20 seconds ago (acme)"),
        ("vor wenigen Sekunden", "vor einer Minute"),
        ("il y a 2 secondes", "il y a 40 secondes"),
        ("à l’instant", "il y a une minute"),
        ("5s ago", "1m ago"),
    ],
)
def test_ages_of_what_the_pass_did_are_alike(quick: str, slow: str) -> None:
    assert aged_alike(quick, slow, QUICK, SLOW)
    assert aged_alike(slow, quick, SLOW, QUICK)


@pytest.mark.parametrize(
    ("quick", "slow"),
    [
        ("just now", "3 hours ago"),  # before the pass began
        ("just now", "in 7 seconds"),
        ("7 seconds ago", "7"),
        ("paid 3 seconds ago", "sent 4 seconds ago"),
        ("2 days ago", "5 days ago"),
        ("a cargo of 3 months", "a cargo of 4 months"),
    ],
)
def test_other_ages_and_other_words_are_not(quick: str, slow: str) -> None:
    assert not aged_alike(quick, slow, QUICK, SLOW)


def test_an_age_of_old_goes_on_from_pass_to_pass() -> None:
    later = Window(QUICK.opened + DAY, QUICK.started + DAY, QUICK.ended + DAY)
    assert aged_alike("40 days ago", "41 days ago", QUICK, later)
    assert not aged_alike("40 days ago", "45 days ago", QUICK, later)
    assert not aged_alike("40 days ago", "41 days ago", QUICK, UNKNOWN)
