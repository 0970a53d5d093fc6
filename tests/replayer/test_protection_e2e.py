"""Whole rehearsals at real servers that go down, hang, shed load or refuse, and at releases that do so by themselves.

The first must end inconclusive with the reason; the second are regressions, and must be found.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.exchange import Exchange
from replayer.refusals import STORM
from replayer.rehearsal import Rehearsal

from .test_rehearsal import BASELINE, instance, run, template
from .tiny import record

pytestmark = pytest.mark.e2e

Exchanges = tuple[Exchange, ...]
AFTER = ("--after", "60")


@pytest.fixture(scope="module")
def exchanges() -> Exchanges:
    return tuple(replace(exchange, route=template(exchange)) for exchange in record(users=8, rounds=16).exchanges)


def inconclusive(done: Rehearsal, *words: str) -> str:
    """The first reason of a run that could not tell, which found nothing and accounts for everything."""
    report = done.report
    assert report.verdict.exit_code == 3, report.verdict.reasons
    assert report.findings == ()
    assert report.ledger.balanced
    assert report.ledger.total.recorded == len(done.plan.steps)
    for word in words:
        assert word in report.verdict.reasons[0]
    return report.verdict.reasons[0]


def regression(done: Rehearsal) -> set[tuple[str, str, str]]:
    """Where a run found what, as a person reads it."""
    assert done.report.verdict.exit_code == 1, done.report.verdict.reasons
    assert done.report.ledger.balanced
    return {(f"{f.method} {f.route}", f.kind, f.transition) for f in done.report.findings}


# -- what befalls a target -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["candidate", "baseline 1"])
def test_a_target_that_resets_every_connection_is_down(exchanges: Exchanges, side: str) -> None:
    down = instance("down", "--reset-after", "60")
    done = run(exchanges, *((down, BASELINE) if side == "candidate" else (instance("new"), down)), passes=2)
    reason = inconclusive(done, f"{side}: the target is down: ", "in a row got no answer (reset)")
    assert "nor does its ready path" in reason
    assert done.report.ledger.total.skipped["cancelled"] >= 20
    if side != "candidate":
        assert len(done.baselines) == 1
        assert done.report.ledger.total.compared == 0


def test_a_target_that_hangs_is_known_by_a_few_time_outs(exchanges: Exchanges) -> None:
    done = run(exchanges, instance("new", "--hang", "GET", "POST", "DELETE", *AFTER, timeout=1.0), BASELINE, passes=2)
    inconclusive(done, "candidate: the target hangs: ", "requests in a row timed out, and nor does its ready path")


def test_a_proxy_that_answers_for_an_application_that_is_gone(exchanges: Exchanges) -> None:
    gone = instance("new", "--fail", "GET", "POST", "DELETE", "--status", "502", *AFTER)
    inconclusive(run(exchanges, gone, BASELINE, passes=2), "candidate: the target is down behind a proxy: ", "502")


def test_a_target_that_sheds_load_to_writes(exchanges: Exchanges, tmp_path: Path) -> None:
    log = tmp_path / "requests"
    done = run(exchanges, instance("new", "--limit", "4", "--log", str(log)), BASELINE, passes=2)
    inconclusive(done, "candidate: the target sheds load: ", "a write is never sent twice", "--rate")
    arrived = Counter(line for line in log.read_text().splitlines() if line.startswith("POST /orders "))
    assert sum(arrived.values()) <= sum(e.request.target == "/orders" and e.request.method == "POST" for e in exchanges)


def test_the_same_target_passes_at_a_rate_that_it_takes(exchanges: Exchanges) -> None:
    limited = instance("new", "--limit", "15", rate=10.0)
    done = run(exchanges, limited, BASELINE, passes=2)
    assert (done.report.verdict.exit_code, done.report.findings) == (0, ()), done.report.verdict.reasons
    assert done.report.notes == ()


def test_a_moment_of_too_much_load_is_waited_out_and_told(exchanges: Exchanges, tmp_path: Path) -> None:
    log = tmp_path / "requests"
    busy = instance("new", "--busy", "2", *AFTER, "--log", str(log))
    done = run(exchanges, busy, BASELINE, passes=2)
    assert (done.report.verdict.exit_code, done.report.findings) == (0, ()), done.report.verdict.reasons
    (note,) = done.report.notes
    assert note.startswith("candidate: it answered requests with 429 or 503: GET ")
    writes = [line for line in log.read_text().splitlines() if not line.startswith("GET ")]
    assert len(writes) == sum(e.request.method != "GET" for e in exchanges)


def test_a_target_in_maintenance(exchanges: Exchanges) -> None:
    late = instance("new", "--fail", "GET", "POST", "DELETE", "--status", "503", "--after", "15")
    inconclusive(run(exchanges, late, BASELINE, passes=2), "candidate: the target sheds load: ")


def test_a_target_that_goes_down_while_findings_are_confirmed(exchanges: Exchanges, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "down"))
    down = ("--fail", "GET", "POST", "DELETE", "--status", "502", "--after", "10")
    baseline = instance("old", "--offset", "500", *down, *state)
    report = run(exchanges, instance("new", "--wrong", "--spoils", *state), baseline, passes=2).report
    (problem,) = report.problems
    assert problem.startswith("confirming: baseline 1: the target is down behind a proxy")
    assert report.confirmations["rounds"] == 1
    assert {finding.state for finding in report.findings} == {"unconfirmed"}
    assert f"Also: {problem}" in report.verdict.reasons


# -- who lets nobody in ----------------------------------------------------------------------------------------------


def test_a_baseline_that_lets_nobody_in_ends_the_run_at_once(exchanges: Exchanges) -> None:
    done = run(exchanges, instance("new"), instance("old", "--refuse", "401"), passes=3)
    inconclusive(done, f"baseline 1: {STORM}: ", "times 401", "the recorded credentials do not hold there")
    assert len(done.baselines) == 1
    assert {a.detail.partition(":")[0] for a in done.candidates[0].result.answers} == {"baseline 1 broke off"}


def test_credentials_that_expire_amid_the_baselines_pass(exchanges: Exchanges) -> None:
    done = run(exchanges, instance("new"), instance("old", "--refuse", "401", *AFTER), passes=2)
    inconclusive(done, f"baseline 1: {STORM}: ", "have expired")


def test_a_login_page_in_front_of_the_baseline(exchanges: Exchanges) -> None:
    done = run(exchanges, instance("new"), instance("old", "--refuse", "302", "--refuse-all", ready="/ready"), passes=2)
    inconclusive(done, f"baseline 1: {STORM}: ", "302 to /login", "something in front of it asks for a login")


def test_credentials_that_expire_between_baseline_and_candidate(exchanges: Exchanges, tmp_path: Path) -> None:
    options = ("--refuse", "401", "--state", str(tmp_path / "expired"))
    baseline = instance("old", "--offset", "500", *options)
    done = run(exchanges, instance("new", "--spoils", *options), baseline, passes=2)
    inconclusive(done, f"candidate: {STORM}: ", "The baseline, which let them in before, refuses them as well by now")


def test_without_a_baseline_refusals_tell_nothing(exchanges: Exchanges) -> None:
    done = run(exchanges, instance("new", "--refuse", "403"))
    inconclusive(done, f"candidate: {STORM}: ", "times 403")
    assert len(done.candidates) == 1


# -- what a release does ---------------------------------------------------------------------------------------------


def test_a_candidate_that_lets_nobody_in_is_a_regression(exchanges: Exchanges) -> None:
    done = run(exchanges, instance("new", "--refuse", "401"), BASELINE, passes=2)
    found = regression(done)
    assert {("POST /orders", "status", "201 -> 401"), ("GET /orders", "status", "200 -> 401")} <= found
    assert len(found) < 12
    assert {finding.state for finding in done.report.findings} == {"confirmed"}
    assert done.candidates[0].name == "candidate"
    assert done.report.problems == ()


def test_a_candidate_that_refuses_one_route_is_a_regression(exchanges: Exchanges) -> None:
    done = run(exchanges, instance("new", "--fail", "GET /orders/", "--status", "403"), BASELINE, passes=2)
    found = regression(done)
    assert ("GET /orders/<int:order_id>", "status", "200 -> 403") in found
    assert {route for route, _, _ in found} == {"GET /orders/<int:order_id>"}


def test_a_candidate_that_fails_every_write_is_a_regression(exchanges: Exchanges) -> None:
    done = run(exchanges, instance("new", "--fail", "POST /orders", "DELETE"), BASELINE, passes=2)
    assert ("POST /orders", "status", "201 -> 500") in regression(done)


def test_a_candidate_that_is_busy_on_one_route_is_a_regression(exchanges: Exchanges) -> None:
    done = run(exchanges, instance("new", "--fail", "GET /stats", "--status", "503"), BASELINE, passes=2)
    assert regression(done) == {("GET /stats", "status", "200 -> 503")}


def test_a_candidate_that_hangs_on_every_write_is_a_regression(exchanges: Exchanges) -> None:
    hanging = instance("new", "--hang", "POST /orders", "DELETE", timeout=0.5)
    done = run(exchanges, hanging, BASELINE, passes=2)
    assert ("POST /orders", "failure", "201 -> no response") in regression(done)
