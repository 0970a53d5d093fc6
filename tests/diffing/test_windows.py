"""Which request a time belongs to: read against the windows of the pass that it was seen in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate

import pytest

from diffing.difference import Answer, Case, Comparison, Status
from diffing.judge import judge
from diffing.profile import learn
from diffing.windows import Drawing, Timeline
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse

STEP = 0.030
"""Seconds from one request to the next: a whole pass takes less than four."""


def answer(body: object, started: float, skew: float = 0.0, date: bool = True) -> Answer:
    headers = [("Content-Type", "application/json")]
    if date:
        headers.append(("Date", formatdate(int(started + 0.001 + skew), usegmt=True)))
    response = RecordedResponse(200, "OK", tuple(headers), Body.of(json.dumps(body).encode()))
    return Answer(response, "", started, started + 0.002)


def written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def cases(stale: bool, skews: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0), date: bool = True) -> list[Case]:
    """60 pairs of requests: one creates, a later one updates and shows when. The last pass is the candidate's."""
    made = []
    opened = [1_700_000_000.0 + 100 * number + 0.3 * number for number in range(4)]
    for number in range(120):
        created = number % 2 == 0
        starts = [at + number * STEP for at in opened]
        bodies = []
        for i, start in enumerate(starts):
            meant = start - STEP if stale and i == 3 and not created else start
            bodies.append({"at": written(meant + 0.001 + skews[i])})
        answers = [
            answer(*each, skew, date) for each, skew in zip(zip(bodies, starts, strict=True), skews, strict=True)
        ]
        request = RecordedRequest("POST" if created else "PUT", f"/things/{number // 2}", ())
        exchange = Exchange(f"{number:032x}", request, answers[0].response, starts[0], starts[0] + 0.002)
        made.append(Case(exchange, "/things/<int:n>", tuple(answers[:3]), (answers[3],)))
    return made


def judged(made: list[Case]) -> list[Comparison]:
    return list(judge(made, learn(made, {})))


def test_the_same_release_has_the_same_times() -> None:
    assert {one.status for one in judged(cases(stale=False))} == {Status.MATCHED}


@pytest.mark.parametrize("skews", [(0.0,) * 4, (0.0, 3600.4, 7.3, -12.8)])
def test_a_time_of_the_request_before_is_found(skews: tuple[float, ...]) -> None:
    assert {one.status for one in judged(cases(stale=False, skews=skews))} == {Status.MATCHED}
    found = judged(cases(stale=True, skews=skews))
    differed = [one for one in found if one.status is Status.DIFFERED]
    assert {(one.method, one.status) for one in found} == {("POST", Status.MATCHED), ("PUT", Status.DIFFERED)}
    assert {(d.location.path, d.transition) for one in differed for d in one.differences} == {
        ("$.at", "time -> other time")
    }


def test_without_a_known_clock_nothing_is_claimed() -> None:
    assert {one.status for one in judged(cases(stale=True, date=False))} == {Status.MATCHED}


def timeline(answers: Iterable[tuple[int, Answer]]) -> Timeline:
    drawing = Drawing()
    for number, each in answers:
        drawing.add(number, each)
    return drawing.timeline()


def test_the_date_fields_show_how_far_a_clock_is_ahead() -> None:
    answers = [(number, answer({}, 1000.0 + number * 0.037, skew=5.25)) for number in range(200)]
    ahead = timeline(answers).ahead
    assert ahead is not None
    assert ahead[0] <= 5.25 <= ahead[1]
    assert ahead[1] - ahead[0] < 0.1
    assert timeline(answers[:5]).ahead is None


def test_a_clock_that_jumps_is_not_known() -> None:
    answers = [(number, answer({}, 1000.0 + number * 0.037, skew=100.0 * (number > 90))) for number in range(200)]
    assert timeline(answers).ahead is None


def test_the_exchanges_under_way_at_a_moment() -> None:
    answers = [(number, answer({}, 1000.0 + number * 0.137)) for number in range(200)]
    line = timeline(answers)
    assert line.under_way(1013.701, 0.000001) == {100}
    assert line.under_way(1013.75, 0.000001) == frozenset()
    assert line.under_way(1013.0, 1.0) == frozenset(range(95, 103))  # written to the second: anywhere in it


def test_places_of_one_name_vouch_for_one_another() -> None:
    """One route is asked once, others often: what `at` means there is what it means elsewhere."""
    made = cases(stale=True)
    alone = made[-1]
    lone = replace(alone, route="/other", exchange=replace(alone.exchange, id="f" * 32))
    found = judged([*made[:-1], lone])
    assert found[-1].status is Status.DIFFERED
    assert [d.transition for d in found[-1].differences] == ["time -> other time"]


def test_what_is_null_now_and_then_and_never_a_time_is_no_time() -> None:
    made = cases(stale=False)
    none = replace(made[0].baseline[1], response=answer({"at": None}, 1.0).response)
    only = [replace(each, baseline=(each.baseline[0], none, each.baseline[2])) for each in made[:1]]
    (place,) = [place for key, place in learn(only, {}).places.items() if key.endswith("$.at")]
    assert (place.null_varies, place.timed) == (True, 1)  # the third pass said a time


def test_a_time_at_which_credentials_were_minted_is_no_request_s() -> None:
    """Whose session began when depends on who asked first, and that on the order of the pass."""

    def logged_in(made: list[Case]) -> list[Case]:
        """With credentials minted right before each creation of the candidate's, which is the time that it says."""
        return [
            replace(each, candidate=(replace(each.candidate[0], minting=each.candidate[0].started - STEP),))
            if each.method == "POST"
            else each
            for each in made
        ]

    assert {one.status for one in judged(cases(stale=True))} == {Status.MATCHED, Status.DIFFERED}
    assert {one.status for one in judged(logged_in(cases(stale=True)))} == {Status.MATCHED}
