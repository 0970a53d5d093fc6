"""Whole rehearsals of a small recording at real instances, each a process of its own."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from diffing.difference import DifferenceKind, Reason, Status
from diffing.gate import Policy
from diffing.grouping import Finding
from diffing.noise import NoiseRule
from recorder.exchange import Exchange
from replayer.answers import PackedAnswers
from replayer.errors import InconclusiveError, UsageError
from replayer.known import Known
from replayer.rehearsal import Rehearsal, Request, Watcher, rehearse
from replayer.run_report import NO_KEY
from replayer.target_settings import TargetSettings

from .tiny import record

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def exchanges() -> tuple[Exchange, ...]:
    return tuple(
        replace(exchange, route=template(exchange)) for exchange in record(users=6, rounds=10).exchanges
    )  # fmt: skip


def template(exchange: Exchange) -> str:
    segments = exchange.request.path.strip("/").split("/")
    if segments[0] == "orders" and len(segments) > 1:
        segments[1] = "<int:order_id>"
    if segments[0] == "shared":
        segments[1] = "<code>"
    return "/" + "/".join(segments)


def instance(name: str, *options: str, **settings: object) -> TargetSettings:
    """A target whose instances have other ids than the recording, and what the options say."""
    target = TargetSettings(
        name=name,
        start=(sys.executable, "-m", "tests.replayer.tiny_server", "{port}", *options),
        cwd=str(ROOT),
        ready="/products",
        disposable=True,
        timeout=10.0,
    )
    return replace(target, **settings)  # type: ignore[arg-type]


class Told(Watcher):
    """Keeps what it was told last of each thing that goes on."""

    def __init__(self) -> None:
        self.last: dict[str, tuple[int, int]] = {}
        self.found: list[dict[str, str]] = []

    def seen(self, findings: Sequence[Finding]) -> None:
        self.found.append({each.fingerprint: each.state for each in findings})

    def confirmed(self, findings: Sequence[Finding]) -> None:
        self.seen(findings)

    def progress(self, name: str, done: int, total: int) -> None:
        self.last[name] = (done, total)


def run(
    exchanges: tuple[Exchange, ...],
    candidate: TargetSettings,
    *baselines: TargetSettings,
    watcher: Watcher | None = None,
    **more: object,
) -> Rehearsal:
    request = Request("tiny", exchanges, candidate, baselines, policy=Policy(), **more)  # type: ignore[arg-type]
    return asyncio.run(rehearse(request, watcher))


BASELINE = instance("old", "--offset", "500")


def test_the_same_release_passes_with_every_exchange_accounted_for(exchanges: tuple[Exchange, ...]) -> None:
    done = run(exchanges, instance("new"), BASELINE, passes=2)
    report = done.report
    assert report.findings == ()
    assert (report.verdict.exit_code, report.problems) == (0, ())
    assert report.ledger.balanced
    assert report.ledger.total.matched == report.ledger.total.recorded == len(exchanges)
    assert report.fidelity == 1.0
    assert [one.name for one in done.baselines] == ["baseline 1", "baseline 2"]


def test_a_regression_is_found_where_it_is_and_confirmed(exchanges: tuple[Exchange, ...]) -> None:
    told = Told()
    report = run(exchanges, instance("new", "--wrong"), BASELINE, passes=2, watcher=told).report
    assert report.verdict.exit_code == 1
    assert {finding.state for finding in report.findings} == {"confirmed"}
    (finding,) = report.findings
    states = [
        {},
        {finding.fingerprint: "confirmed"},
        {finding.fingerprint: "confirmed"},
    ]  # after each round, at the end
    assert told.found == [{finding.fingerprint: "unconfirmed"}, *states]
    assert {(finding.location.path, finding.kind, finding.transition) for finding in report.findings} == {
        ("$.quantity", "type", "int -> str")
    }
    assert report.ledger.balanced


def test_answers_that_memory_has_no_room_for_are_compared_all_the_same(
    exchanges: tuple[Exchange, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a run does with answers (it learns, compares, confirms, tests itself), packed ones will do."""
    plain = run(exchanges, instance("new", "--wrong"), BASELINE, passes=2, self_test=True)
    monkeypatch.setattr("replayer.answers.ROOM", 0)
    monkeypatch.setattr("replayer.answers.WAITING", 10_000)
    packed = run(exchanges, instance("new", "--wrong"), BASELINE, passes=2, self_test=True)
    assert all(isinstance(one.result.answers, PackedAnswers) for one in (*packed.baselines, *packed.candidates))
    one, other = plain.report, packed.report
    assert [each.fingerprint for each in other.findings] == [each.fingerprint for each in one.findings] != []
    assert [each.state for each in other.findings] == ["confirmed"]
    assert other.ledger == one.ledger
    assert other.coverage == one.coverage
    assert other.fidelity == 1.0
    assert other.self_test is not None
    assert other.self_test.total.planted > 100
    assert packed.profile.places.keys() == plain.profile.places.keys()


def test_a_rule_that_hides_a_regression_does_not_do_so_in_silence(exchanges: tuple[Exchange, ...]) -> None:
    wide = NoiseRule("* /**", "$.**", kind="any")
    exact = NoiseRule("GET /orders/<int:order_id>", "$.quantity", kind="str")
    report = run(exchanges, instance("new", "--wrong"), BASELINE, passes=2, rules=(exact, wide)).report
    assert (report.findings, report.verdict.exit_code) == ((), 0)
    assert [use.rule for use in report.rules] == [exact, wide]
    hid = report.rules[1].hid
    assert report.suppressed[f"rule {wide.name}"] == hid == sum(place.count for place in report.rules[1].places)
    (note,) = report.notes
    assert f"The noise rule {wide.name} hid {hid} changes at places that it does not name exactly" in note


def test_what_the_candidate_does_once_is_flaky_and_does_not_fail(
    exchanges: tuple[Exchange, ...], tmp_path: Path
) -> None:
    candidate = instance("new", "--wrong", "--once", str(tmp_path / "was here"))
    report = run(exchanges, candidate, BASELINE, passes=2).report
    assert report.findings
    assert {finding.state for finding in report.findings} == {"flaky"}
    assert report.verdict.exit_code != 1


def test_what_varies_between_two_baselines_is_no_finding(exchanges: tuple[Exchange, ...]) -> None:
    baseline = instance("old", "--vary", "--offset", "500")
    done = run(exchanges, instance("new", "--vary"), baseline, baseline)
    assert done.report.findings == ()
    assert done.report.verdict.exit_code == 0
    assert done.report.baselines == ("old", "old")


def test_a_candidate_that_no_longer_varies_at_all_is_still_checked_for_presence(
    exchanges: tuple[Exchange, ...],
) -> None:
    baseline = instance("old", "--vary", "--offset", "500")
    report = run(exchanges, instance("new"), baseline, baseline).report
    assert {(f.location.path, f.kind) for f in report.findings} == {("$.nonce", "missing")}


def test_a_self_test_says_how_much_this_comparison_would_see(exchanges: tuple[Exchange, ...]) -> None:
    told = Told()
    request = Request("tiny", exchanges, instance("new"), (BASELINE,), passes=2, self_test=True)
    report = asyncio.run(rehearse(request, told)).report
    found = report.self_test
    assert found is not None
    assert (found.source, found.total.planted + found.equivalent) == ("baseline 2", 500)
    assert found.total.value >= 0.97
    assert found.unexplained == 0
    assert report.verdict.exit_code == 0
    assert told.last["self-test"] == (len(exchanges), len(exchanges))
    assert run(exchanges, instance("new"), BASELINE, passes=2).report.self_test is None


def test_too_little_sensitivity_is_inconclusive(exchanges: tuple[Exchange, ...]) -> None:
    rule = NoiseRule("* /**", "$.**", kind="any")
    request = Request(
        "tiny", exchanges, instance("new"), (BASELINE,), passes=2, self_test=True, rules=(rule,),
        policy=Policy(min_sensitivity=0.9),
    )  # fmt: skip
    report = asyncio.run(rehearse(request)).report
    assert report.self_test is not None
    assert report.self_test.total.value < 0.9
    assert {spot.why for spot in report.self_test.blind_spots} >= {f"rule {rule.name}"}
    assert report.verdict.exit_code == 3
    assert "faults that were planted to test it" in report.verdict.reasons[0]


def test_without_a_baseline_faults_are_planted_into_the_recording(exchanges: tuple[Exchange, ...]) -> None:
    request = Request("tiny", exchanges, instance("new"), self_test=True)
    found = asyncio.run(rehearse(request)).report.self_test
    assert found is not None
    assert found.source == "recording"
    assert found.total.value >= 0.95


def test_without_a_baseline_the_same_release_does_not_fail(exchanges: tuple[Exchange, ...]) -> None:
    done = run(exchanges, instance("new"))
    assert [line for line in done.report.findings if line.severity.value in ("breaking", "major")] == []
    assert done.report.verdict.exit_code in (0, 3)
    assert done.report.limits != ()
    assert len(done.candidates) == 2  # what differs between its own two passes is chance


def test_without_a_baseline_a_change_of_type_is_found(exchanges: tuple[Exchange, ...]) -> None:
    report = run(exchanges, instance("new", "--wrong")).report
    assert report.verdict.exit_code == 1
    assert ("$.quantity", "type") in {(f.location.path, f.kind) for f in report.findings}


@pytest.mark.parametrize("side", ["candidate", "baseline"])
def test_an_instance_that_is_killed_once_is_inconclusive_within_seconds(
    exchanges: tuple[Exchange, ...], tmp_path: Path, side: str
) -> None:
    mortal = instance("mortal", "--die-after", "30", "--once", str(tmp_path / "was here"))
    began = time.monotonic()
    sides = (mortal, BASELINE) if side == "candidate" else (instance("new"), mortal)
    report = run(exchanges, *sides, passes=1).report
    assert time.monotonic() - began < 20
    assert report.verdict.exit_code == 3, report.verdict.reasons
    assert any(side in problem for problem in report.problems)
    assert report.ledger.balanced
    assert report.ledger.total.recorded == len(exchanges)


def test_an_instance_that_does_not_start_is_said_with_its_last_words(exchanges: tuple[Exchange, ...]) -> None:
    broken = instance("new", start=(sys.executable, "-c", "raise SystemExit('no such port: {port}')"))
    with pytest.raises(InconclusiveError, match="no such port"):
        run(exchanges, broken, BASELINE, passes=1)


def test_an_instance_that_is_never_ready_is_given_up(exchanges: tuple[Exchange, ...]) -> None:
    hanging = instance("new", "--hang", "GET /", ready_timeout=1.0)
    began = time.monotonic()
    with pytest.raises(InconclusiveError, match="not ready within 1 s"):
        run(exchanges, hanging)
    assert time.monotonic() - began < 10


def test_time_outs_of_one_route_are_data(exchanges: tuple[Exchange, ...]) -> None:
    done = run(exchanges, instance("new", "--hang", "GET /stats", timeout=0.3), BASELINE, passes=1)
    stats = [c for c in done.comparisons if c.route == "/stats"]
    assert stats
    assert {c.status for c in stats} == {Status.ERRORED}
    assert {d.kind for c in stats for d in c.differences} == {DifferenceKind.FAILURE}
    assert {c.status for c in done.comparisons if c.route != "/stats"} == {Status.MATCHED}
    assert done.report.verdict.exit_code == 1
    assert {(f.route, f.kind) for f in done.report.findings} == {("/stats", "failure")}


@pytest.mark.parametrize(
    ("candidate", "kind", "said"),
    [
        (TargetSettings("new", url="http://127.0.0.1:9", ready_timeout=0.2), InconclusiveError, "not ready within 0.2"),
        (TargetSettings("new", start=("no-such-command", "{port}")), UsageError, "no-such-command"),
        (TargetSettings("new", url="https://api.example"), UsageError, "is where the recording was made"),
    ],
)
def test_a_candidate_that_can_not_be_had_is_known_before_the_first_pass(
    exchanges: tuple[Exchange, ...], candidate: TargetSettings, kind: type[Exception], said: str
) -> None:
    told = Told()
    with pytest.raises(kind, match=said):
        asyncio.run(rehearse(Request("tiny", exchanges, candidate, (BASELINE,)), told))
    assert told.last == {}


def test_a_candidate_that_its_reset_brings_up_is_waited_for(exchanges: tuple[Exchange, ...]) -> None:
    down = TargetSettings("new", url="http://127.0.0.1:9", ready_timeout=0.2, reset=("true",))
    told = Told()
    with pytest.raises(InconclusiveError, match="candidate was not ready"):
        asyncio.run(rehearse(Request("tiny", exchanges, down, (BASELINE,), passes=1), told))
    assert set(told.last) == {"baseline"}


def test_only_reads_reach_a_target_that_is_not_disposable(exchanges: tuple[Exchange, ...]) -> None:
    done = run(exchanges, instance("new", disposable=False), replace(BASELINE, disposable=False), passes=1)
    writes = [e.id for e in exchanges if e.request.method != "GET"]
    skipped = {c.exchange_id for c in done.comparisons if c.reason is Reason.UNSAFE}
    assert skipped == set(writes)
    assert done.report.ledger.total.skipped == {"unsafe method": len(writes)}
    assert done.report.ledger.balanced
    assert done.report.verdict.exit_code in (0, 3)


def test_where_production_answered_is_refused(exchanges: tuple[Exchange, ...]) -> None:
    production = TargetSettings(name="https://api.example", url="https://api.example", disposable=True)
    with pytest.raises(UsageError, match=r"api\.example"):
        run(exchanges, production)


def test_a_recording_without_exchanges_is_refused() -> None:
    with pytest.raises(UsageError, match="holds no exchanges"):
        run((), BASELINE)


def test_stages_and_progress_are_told(exchanges: tuple[Exchange, ...]) -> None:
    class Noting(Watcher):
        def __init__(self) -> None:
            self.stages: list[str] = []
            self.last: dict[str, tuple[int, int]] = {}

        def stage(self, text: str) -> None:
            self.stages.append(text)

        def progress(self, name: str, done: int, total: int) -> None:
            assert done >= self.last.get(name, (0, 0))[0]
            self.last[name] = (done, total)

    watcher = Noting()
    asyncio.run(rehearse(Request("tiny", exchanges, instance("new"), (BASELINE,), passes=1), watcher))
    total = len(exchanges)
    assert watcher.stages == [
        "planning",
        "replaying: baseline",
        "replaying: candidate",
        "replaying: candidate again",
        "comparing",
        "judging",
    ]
    assert watcher.last == dict.fromkeys(("baseline", "candidate", "candidate again"), (total, total))


def test_an_instance_that_is_killed_amid_a_pass_is_inconclusive_within_seconds(exchanges: tuple[Exchange, ...]) -> None:
    began = time.monotonic()
    report = run(exchanges, instance("new", "--die-after", "30"), BASELINE, passes=1).report
    assert time.monotonic() - began < 20
    assert report.verdict.exit_code == 3, report.verdict.reasons
    assert any("new" in problem or "candidate" in problem for problem in report.problems)
    assert report.ledger.balanced
    assert report.ledger.total.recorded == len(exchanges)


def test_what_an_earlier_run_learned_saves_the_baseline_its_further_passes(exchanges: tuple[Exchange, ...]) -> None:
    varying = instance("old", "--vary", "--offset", "500")
    learned = run(exchanges, instance("new", "--vary"), varying, passes=2)
    assert learned.learned
    answers = {
        step.exchange.id: answer
        for step, answer in zip(learned.plan.steps, learned.baselines[0].result.answers, strict=True)
    }
    known = Known("run1", learned.profile, answers)
    again = run(exchanges, instance("new", "--vary", "--wrong"), varying, passes=3, known=known)
    assert len(again.baselines) == len(again.candidates) == 1
    assert not again.learned
    assert {(f.location.path, f.kind, f.state) for f in again.report.findings} == {("$.quantity", "type", "confirmed")}
    assert again.report.noise["learned in run"] == "run1"
    assert again.report.limits == (NO_KEY,)


def test_what_contradicts_a_profile_in_few_answers_is_left_to_confirmation(
    exchanges: tuple[Exchange, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = run(exchanges, instance("new"), BASELINE, passes=2)
    answers = {
        step.exchange.id: answer
        for step, answer in zip(learned.plan.steps, learned.baselines[0].result.answers, strict=True)
    }
    name, flickering = next((name, answer) for name, answer in answers.items() if answer.response)
    assert flickering.response is not None
    headers = (*flickering.response.headers, ("X-Cache", "HIT"))
    answers[name] = replace(flickering, response=replace(flickering.response, headers=headers))
    monkeypatch.setattr("replayer.known.FEW", 1.5 / len(exchanges))
    done = run(exchanges, instance("new"), BASELINE, passes=2, known=Known("run1", learned.profile, answers))
    assert len(done.baselines) == 1
    assert done.report.findings == ()
    assert done.report.noise["learned in run"] == "run1"
    assert "x-cache" in str(done.report.noise["kept, though the baseline now and then differs at"])


def test_a_baseline_that_is_not_what_was_learned_is_learned_anew(exchanges: tuple[Exchange, ...]) -> None:
    learned = run(exchanges, instance("new"), BASELINE, passes=2)
    answers = {
        step.exchange.id: answer
        for step, answer in zip(learned.plan.steps, learned.baselines[0].result.answers, strict=True)
    }
    known = Known("run1", learned.profile, answers)
    other = instance("old", "--wrong", "--offset", "500")
    done = run(exchanges, instance("new", "--wrong"), other, passes=2, known=known)
    assert [one.name for one in done.baselines] == ["baseline 1", "baseline 2"]
    assert done.learned
    assert done.report.findings == ()
    assert "$.quantity" in str(done.report.noise["learned anew, since the baseline changed at"])
