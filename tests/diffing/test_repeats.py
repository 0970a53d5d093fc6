"""Reads that a recording repeats."""

from __future__ import annotations

import json

from diffing.difference import Answer, Case, Comparison, Status
from diffing.judge import judge
from diffing.profile import learn
from diffing.repeats import Repeats
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse


def response(body: object) -> RecordedResponse:
    return RecordedResponse(200, "OK", (("Content-Type", "application/json"),), Body.of(json.dumps(body).encode()))


def case(number: int, said: object, now: object, method: str = "GET", target: str = "/jobs/7", who: str = "u") -> Case:
    exchange = Exchange(
        f"{number:032x}", RecordedRequest(method, target, ()), response(said), float(number), number + 0.5, client=who
    )
    answers = tuple(Answer(response(now), "", 900.0 + number, 900.5 + number) for _ in range(2))
    return Case(exchange, "/jobs/<int:n>", (), answers)


def judged(cases: list[Case]) -> list[Comparison]:
    return list(judge(cases, learn(cases, {})))


def job(state: str, rows: int = 3) -> dict[str, object]:
    return {"state": state, "rows": rows}


def test_what_moved_between_two_reads_of_the_recording_may_move_in_a_replay() -> None:
    polled = [case(1, job("queued"), job("queued")), case(2, job("done"), job("queued"))]
    assert [one.status for one in judged(polled)] == [Status.MATCHED] * 2


def test_what_never_moved_by_itself_is_still_told() -> None:
    polled = [case(1, job("queued"), job("queued", 4)), case(2, job("done"), job("queued", 4))]
    found = judged(polled)
    assert {d.location.path for one in found for d in one.differences} == {"$.rows"}


def test_what_moved_because_the_client_wrote_does_not_move_by_itself() -> None:
    written = [
        case(1, job("open"), job("open")),
        case(2, job("x"), job("x"), "POST", "/jobs/7/close"),
        case(3, job("closed"), job("open")),
    ]
    assert {d.location.path for one in judged(written) for d in one.differences} == {"$.state"}


def test_each_client_has_reads_of_its_own() -> None:
    repeats = Repeats()
    first, others, again = case(1, 1, 1), case(2, 1, 1, who="v"), case(3, 1, 1)
    found = [repeats.before(each.exchange) for each in (first, others, again)]
    assert found == [None, None, first.exchange]
    assert repeats.before(case(4, 1, 1, who="").exchange) is None
