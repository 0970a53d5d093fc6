"""Runs in which no exchange differs, and all of them together do."""

from __future__ import annotations

from dataclasses import replace

from diffing.difference import Case, Status
from diffing.judge import judge
from diffing.noise import NoiseRule
from diffing.over_all import OverAll
from diffing.profile import learn
from diffing.self_test import right_answers

from .orders_app import SORTS, cases, response, traffic

MADE = cases(traffic(8))
PROFILE = learn(MADE, SORTS)
RIGHT, _ = right_answers(MADE, ["baseline 1", "baseline 2", "baseline 3"])
COMPARED = list(judge(RIGHT, PROFILE))
LISTS = {case.exchange.id for case in MADE if (case.method, case.route) == ("GET", "/orders")}


def slower(case: Case, factor: int) -> Case:
    """The case with another number at a place that varies, if it has it."""
    if case.exchange.id not in LISTS:
        return case
    answer = case.candidate[0]
    assert answer.response is not None
    data = answer.response.body.data.replace(b'"took_ms": ', b'"took_ms": ' + b"9" * factor)
    changed = replace(answer.response, body=replace(response(200, {}, None).body, data=data, size=len(data)))
    return replace(case, candidate=(replace(answer, response=changed),))


def test_what_no_exchange_shows_is_shown_by_all() -> None:
    run = [slower(case, 3) for case in RIGHT]
    assert {comparison.status for comparison in judge(run, PROFILE)} == {Status.MATCHED}
    showing = list(OverAll(RIGHT, COMPARED, PROFILE, ()).showing(run))
    assert {comparison.exchange_id for comparison in showing} == LISTS
    assert {(c.status, d.location.path) for c in showing for d in c.differences} == {(Status.DIFFERED, "$.took_ms")}


def test_a_run_without_faults_shows_nothing() -> None:
    assert list(OverAll(RIGHT, COMPARED, PROFILE, ()).showing(RIGHT)) == []


def test_what_the_run_shows_without_the_fault_is_nothing_new() -> None:
    run = [slower(case, 3) for case in RIGHT]
    assert list(OverAll(run, COMPARED, PROFILE, ()).showing(run)) == []


def test_a_rule_hides_it_here_too() -> None:
    rule = NoiseRule("GET /orders", "$.took_ms", kind="number")
    showing = OverAll(RIGHT, COMPARED, PROFILE, (rule,)).showing([slower(case, 3) for case in RIGHT])
    assert {comparison.status for comparison in showing} == {Status.MATCHED}


def test_routes_without_a_spread_can_tell_nothing() -> None:
    over_all = OverAll(RIGHT, COMPARED, PROFILE, ())
    assert over_all.could_tell("GET /orders|2xx|")
    assert not over_all.could_tell("POST /orders|2xx|")
