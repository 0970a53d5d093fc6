"""What shows that passes began in the same state, and where no pass may begin."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from diffing.difference import Answer
from recorder.exchange import RecordedResponse
from replayer.engine import PassResult
from replayer.errors import UsageError
from replayer.guide import make_guide
from replayer.passes import (
    MAX_CANARIES,
    CanaryRead,
    Pass,
    PassRunner,
    choose_canaries,
    most_faithful_first,
    state_problems,
)
from replayer.plan import make_plan
from replayer.target_settings import TargetSettings

from .tiny import record, route_of

TARGET = TargetSettings(name="old", url="http://127.0.0.1:9")


def one(name: str, before: dict[str, str], after: dict[str, str], noisy: frozenset[str] = frozenset()) -> Pass:
    return Pass(name, TARGET, PassResult([]), CanaryRead(before, after, noisy))


def test_passes_that_begin_afresh_are_no_problem() -> None:
    fresh = {"/stats": "200 0", "/ping": "200 pong"}
    used = {"/stats": "200 7", "/ping": "200 pong"}
    assert (
        state_problems([one("baseline 1", fresh, used), one("baseline 2", fresh, used)], [one("c", fresh, used)]) == []
    )


def test_a_pass_that_begins_where_another_ended_is_a_problem() -> None:
    fresh, used, more = {"/stats": "200 0"}, {"/stats": "200 7"}, {"/stats": "200 14"}
    problems = state_problems([one("baseline 1", fresh, used)], [one("candidate", used, more)])
    assert len(problems) == 1
    assert problems[0].startswith("candidate began in the state that baseline 1 had ended in (GET /stats shows it)")


def test_what_differs_at_each_read_shows_nothing() -> None:
    fresh, used = {"/stats": "200 0"}, {"/stats": "200 7"}
    noisy = frozenset(["/stats"])
    assert state_problems([one("baseline 1", fresh, used)], [one("candidate", used, used, noisy)]) == []


def test_a_release_that_answers_otherwise_from_the_start_is_no_problem() -> None:
    old, new = {"/version": "200 1"}, {"/version": "200 2"}
    assert state_problems([one("baseline 1", old, old)], [one("candidate", new, new)]) == []


def test_passes_are_told_by_when_they_began_in_whatever_order_they_stand() -> None:
    fresh, used, more = {"/stats": "200 0"}, {"/stats": "200 7"}, {"/stats": "200 14"}
    first, second = replace(one("a", fresh, used), started=1.0), replace(one("b", used, more), started=2.0)
    assert state_problems([second, first], [])[0].startswith("b began in the state that a had ended in")


def test_the_pass_that_answered_as_recorded_most_often_is_what_others_are_compared_with() -> None:
    plan = make_plan(record(users=1, rounds=2).exchanges, route_of)
    right = [Answer(step.exchange.response) for step in plan.steps]
    refused = [
        replace(each, response=RecordedResponse(401, "", ())) if n == 1 else each for n, each in enumerate(right)
    ]
    passes = [
        replace(one(f"baseline {number}", {}, {}), result=PassResult(answers), seconds=float(number))
        for number, answers in enumerate((refused, right, [Answer(None), *right[1:]], right), 1)
    ]
    ordered = most_faithful_first(passes, plan)
    assert [each.name for each in ordered] == ["baseline 1", "baseline 2", "baseline 3", "baseline 4"]
    assert [each.seconds for each in ordered] == [2.0, 4.0, 1.0, 3.0]


def test_canaries_are_reads_that_anybody_may_do_and_those_that_changed_come_first() -> None:
    chosen = choose_canaries(make_plan(record().exchanges, route_of))
    assert chosen[0] == "/stats"
    assert len(chosen) <= MAX_CANARIES
    assert all("?" not in path and not path.startswith("/orders") for path in chosen)


@pytest.mark.parametrize("url", ["http://api.example", "http://api.example:80/base", "https://API.example"])
def test_where_the_recording_was_made_nothing_is_reset_or_sent(url: str, tmp_path: Path) -> None:
    mark = tmp_path / "was reset"
    reset = (sys.executable, "-c", f"open({str(mark)!r}, 'w')")
    plan = make_plan(record(users=1, rounds=2).exchanges, route_of)
    runner = PassRunner(
        plan=plan,
        guide=make_guide(plan),
        run_id="0123456789ab",
        key=None,
        recorded_hosts=frozenset([("api.example", 80)]),
    )
    with pytest.raises(UsageError, match=r"api\.example"):
        asyncio.run(runner.run("candidate", replace(TARGET, url=url, reset=reset)))
    assert not mark.exists()
