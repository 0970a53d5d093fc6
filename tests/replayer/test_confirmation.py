"""What a finding's trials say, and which exchanges are asked again."""

from __future__ import annotations

import pytest

from diffing.difference import Comparison, Difference, DifferenceKind, Location, Part, Status
from diffing.grouping import CONFIRMED, FLAKY, UNCONFIRMED
from replayer.confirmation import MAX_ROUNDS, ROUNDS, _Tally, spread


def tally(shown: int, trials: int, baseline_shown: int, baseline_trials: int) -> _Tally:
    return _Tally(frozenset(), (), shown, trials, baseline_shown, baseline_trials)


@pytest.mark.parametrize(
    ("rounds", "trials", "state"),
    [
        (1, (1, 1, 0, 2), UNCONFIRMED),  # once is no evidence
        (2, (2, 2, 0, 1), UNCONFIRMED),  # nor is twice, of one exchange
        (3, (3, 3, 0, 2), CONFIRMED),
        (2, (4, 4, 0, 2), CONFIRMED),
        (4, (2, 2, 0, 1), CONFIRMED),  # in the other rounds it could not be compared
        (2, (2, 2, 1, 3), UNCONFIRMED),  # the baseline did it as well: another round
        (2, (0, 0, 0, 0), UNCONFIRMED),  # nothing could be asked
        (2, (0, 2, 0, 3), UNCONFIRMED),  # not again so far
        (2, (0, 16, 0, 8), FLAKY),
        (2, (3, 16, 3, 8), FLAKY),  # both do it at a like rate
        (3, (12, 24, 0, 40), CONFIRMED),  # comes and goes, at the candidate only
        (ROUNDS, (1, 5, 0, 4), FLAKY),
        (ROUNDS, (3, 5, 1, 4), FLAKY),
        (ROUNDS, (7, 20, 0, 16), UNCONFIRMED),  # chance in one of a hundred: worth further rounds
        (8, (11, 32, 0, 28), CONFIRMED),
        (MAX_ROUNDS, (7, 40, 0, 36), FLAKY),
        (MAX_ROUNDS, (0, 0, 0, 9), UNCONFIRMED),
    ],
)
def test_what_the_trials_say(rounds: int, trials: tuple[int, int, int, int], state: str) -> None:
    assert tally(*trials).state(rounds) == state


def test_what_the_baseline_shows_as_often_when_it_is_asked_later_is_the_time_of_day() -> None:
    """A page that says the minute: the passes that taught were made within one, and all that follow are not."""
    assert tally(16, 16, 8, 8).state(2) == FLAKY
    assert tally(16, 16, 2, 8).state(2) == CONFIRMED


def test_exemplars_are_asked_first_and_others_are_spread_over_the_run() -> None:
    assert spread(list("abcde"), 2, 8) == list("abcde")
    assert spread(list("abcdefghij"), 2, 4) == ["a", "b", "c", "g"]
    assert spread([], 3, 8) == []


def comparison(exchange: str, candidate: int | None) -> Comparison:
    """A request that was granted, and what became of it: a status, or nothing that differs."""
    difference = Difference(Location(Part.STATUS), DifferenceKind.STATUS, 200, candidate, f"200 -> {candidate}")
    status = Status.MATCHED if candidate is None else Status.DIFFERED
    return Comparison(exchange, "GET", "/a", status, differences=() if candidate is None else (difference,))


def test_what_comes_and_goes_is_counted_over_the_whole_route() -> None:
    exchanges = tuple(f"{number:032x}" for number in range(30))
    changes = frozenset([("GET", "/a", Part.STATUS, "", DifferenceKind.STATUS, "5xx")])
    one = _Tally(changes, exchanges[:3], around=exchanges)
    itself = {each: comparison(each, None) for each in exchanges}
    for number in (1, 2, 3):
        # one in five fails, and hardly ever one that failed before
        seen = {each: comparison(each, 500 if i % 5 == 4 else None) for i, each in enumerate(exchanges)}
        one.count(seen, itself if number > 1 else {})
    assert (one.shown, one.trials, one.baseline_trials) == (0, 9, 6)
    assert one.wide == [18, 90, 0, 60]
    assert one.state(3) == CONFIRMED
