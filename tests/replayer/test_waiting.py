"""Approvals that come while a gate waits: the verdict turns without another replay."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from diffing.approvals import Approval, Approvals, Decision, Scope, Subject
from diffing.gate import Evidence, Outcome, Policy, TagRule, judge_run
from diffing.grouping import Finding
from diffing.ledger import Ledger, Tally
from replayer.approvals_file import FILE_NAME
from replayer.cli.main import main
from replayer.errors import UsageError
from replayer.rehearsal import Watcher
from replayer.reports.model import RunReport
from replayer.waiting import POLL_SECONDS, Waiting

from .test_report import PRICES
from .tiny_home import home as home

UNDERSTUDY = Path(sys.executable).with_name("understudy")
GATE = ("gate", "tiny", "--candidate", "new", "--baseline", "old", "--passes", "2")
ONE = replace(PRICES, fingerprint="1" * 16, members=(), tags=())
TWO = replace(PRICES, fingerprint="2" * 16, members=(), tags=("payments",))


def said(finding: Finding, author: str, decision: Decision = Decision.APPROVE) -> Approval:
    subject = Subject(
        finding.method, finding.route, finding.location, finding.kind, finding.transition, finding.severity
    )
    now = datetime(2026, 11, 27, tzinfo=UTC)
    return Approval(
        f"{author} {finding.fingerprint}", finding.fingerprint, Scope.ALWAYS, author, "wanted", now, subject,
        decision=decision, stored=True,
    )  # fmt: skip


@dataclass
class People(Watcher):
    """A clock that only waiting moves, and what people do at each look."""

    script: dict[int, Callable[[], list[Approval]]]
    policy: Policy = field(default_factory=Policy)
    problems: tuple[str, ...] = ()
    now: float = 0.0
    looks: int = 0
    entries: list[Approval] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)

    def stage(self, text: str) -> None:
        self.stages.append(text)

    def look(self) -> Approvals:
        self.looks += 1
        self.entries += self.script.get(self.looks, list)()
        return Approvals(tuple(self.entries), today=date(2026, 11, 27))

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, seconds: float = 60.0) -> RunReport:
        evidence = Evidence(Ledger(Tally(9, recorded=9, matched=9)), (ONE, TWO), 1.0, 1, 1, problems=self.problems)
        report = RunReport("r", "shop", "next", judge_run(evidence, self.policy), findings=(ONE, TWO))
        assert report.verdict.exit_code
        waiting = Waiting(evidence, self.policy, self.look, clock=lambda: self.now, sleep=self.sleep)
        return waiting.wait(report, seconds, self)


def test_the_verdict_turns_when_the_last_one_is_approved() -> None:
    people = People({2: lambda: [said(ONE, "ann")], 4: lambda: [said(TWO, "bob")]})
    report = people.wait()

    assert (report.verdict.outcome, report.verdict.exit_code) == (Outcome.PASS, 0)
    assert people.looks == 4
    assert [each.author for each in report.standing(TWO).approvals] == ["bob"]
    assert people.stages == [
        "waiting for approval of 2 findings",
        "waiting for approval of 1 finding; 1 approved, by ann",
    ]


def test_when_time_is_over_the_verdict_stands() -> None:
    people = People({1: lambda: [said(ONE, "ann")]})
    report = people.wait(5.0)

    assert (report.verdict.outcome, report.verdict.exit_code) == (Outcome.FAIL, 1)
    assert report.verdict.blocking == (TWO.fingerprint,)
    assert people.now == 5.0
    assert people.looks == 3  # the last one at the very end


def test_a_rejection_ends_it_at_once() -> None:
    people = People({2: lambda: [said(TWO, "bob", Decision.REJECT)]})
    report = people.wait()

    assert report.verdict.exit_code == 1
    assert people.looks == 2
    assert [each.author for each in report.standing(TWO).rejections] == ["bob"]


def test_what_is_put_down_to_the_environment_ends_it_at_once_as_inconclusive() -> None:
    people = People(
        {1: lambda: [said(ONE, "ann", Decision.NOISE)], 2: lambda: [said(TWO, "bob", Decision.ENVIRONMENT)]}
    )
    report = people.wait()

    assert (report.verdict.outcome, report.verdict.exit_code) == (Outcome.INCONCLUSIVE, 3)
    assert people.looks == 2
    assert report.aside == {TWO.fingerprint}


def test_two_people_are_waited_for_where_policy_asks_for_two() -> None:
    policy = Policy(tags={"payments": TagRule(reviewers=2)})
    people = People({1: lambda: [said(ONE, "ann"), said(TWO, "ann")], 2: lambda: [said(TWO, "bob")]}, policy=policy)
    report = people.wait()

    assert report.verdict.exit_code == 0
    assert people.looks == 2


def test_what_approvals_can_not_turn_is_not_waited_for() -> None:
    people = People({}, problems=("A pass broke off.",))

    assert people.wait().verdict.exit_code == 1
    assert people.looks == 0


def test_what_can_not_be_looked_up_for_a_while_ends_nothing_and_is_said_once() -> None:
    def away() -> list[Approval]:
        raise UsageError("The database can not be reached.")

    people = People({1: away, 2: away, 3: lambda: [said(ONE, "ann"), said(TWO, "ann")]})

    assert people.wait().verdict.exit_code == 0
    assert people.now == 3 * POLL_SECONDS
    assert people.stages.count("can not look for approvals: The database can not be reached.") == 1


def heeds_interrupts() -> None:
    """Shells let what they start in the background ignore them, and that is inherited: tests may run there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def waiting_gate(*options: str) -> Iterator[subprocess.Popen[str]]:
    """A gate that has judged, and waits."""
    with subprocess.Popen(
        [UNDERSTUDY, *GATE, "--wait", "120", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_interrupts,
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "waiting for approval of" in line:
                    break
            else:
                raise AssertionError("the gate ended without waiting")
            yield process
        finally:
            process.kill()


def test_an_approval_turns_a_gate_green_without_another_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with waiting_gate("--json", "r.json", "--junit", "r.xml") as process:
        before = json.loads(Path("r.json").read_text("utf-8"))
        assert before["exit_code"] == 1
        for finding in before["findings"]:
            words = ["findings", "approve", finding["fingerprint"], "--reason", "as agreed", "--author", "ann"]
            assert main(words) == 0
        out, _ = process.communicate(timeout=150)

    assert process.returncode == 0
    after = json.loads(Path("r.json").read_text("utf-8"))
    assert (after["verdict"], after["run"]["id"]) == ("pass", before["run"]["id"])
    assert "approved by ann: as agreed" in out
    assert out.rstrip().splitlines()[-1].startswith("PASS  Nothing that policy fails on")
    assert "<failure" not in Path("r.xml").read_text("utf-8")
    capsys.readouterr()
    assert main(["runs", "show", after["run"]["id"]]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "pass"
    assert main(["runs", "list", "--json"]) == 0
    assert [run["exit_code"] for run in json.loads(capsys.readouterr().out)] == [0]


def test_an_interrupt_keeps_the_verdict_and_the_reports(home: Path) -> None:
    with waiting_gate("--json", "-", "--html", "r.html") as process:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=150)

    assert process.returncode == 1
    assert "understudy: waits no longer; the verdict stands." in errors
    assert json.loads(out)["verdict"] == "fail"
    assert Path("r.html").stat().st_size > 1000
    assert not Path(FILE_NAME).exists()
