"""From a gate that fails to an approval to a gate that passes, as a person types it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from diffing.gate import Outcome, Verdict
from replayer.approvals_file import FILE_NAME
from replayer.cli.main import main
from replayer.reports.json_report import to_json
from replayer.reports.model import RunReport
from replayer.store import Store

from .test_approving import FINDING
from .tiny_home import home as home

TAGGED = """
[[tags]]
name = "orders"
routes = ["* /**"]

[policy.tags.orders]
reviewers = 2
"""


def gate(candidate: str = "new", *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the report."""
    words = ["gate", "tiny", "--candidate", candidate, "--baseline", "old", "--passes", "2", "--json", "report.json"]
    code = main([*words, *options])
    return code, json.loads(Path("report.json").read_text("utf-8"))


def judged(*tags: str) -> str:
    """A run with one finding, and its id."""
    with Store.open("sqlite:///.understudy/understudy.db") as store:
        run_id = store.create_run(store.recording("tiny").id, candidate="new")
        report = RunReport(run_id, "tiny", "new", Verdict(Outcome.FAIL, (), 1), findings=(replace(FINDING, tags=tags),))
        store.finish_run(run_id, "fail", 1, to_json(report))
    return run_id


def fingerprints(report: dict[str, Any]) -> list[str]:
    return [finding["fingerprint"] for finding in report["findings"]]


def test_what_is_approved_passes_from_the_file_alone_and_what_is_done_with_is_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = gate()
    assert code == 1
    for fingerprint in fingerprints(report):
        assert main(["findings", "approve", fingerprint[:8], "--reason", "texts now", "--author", "ann"]) == 0
    assert f"in {home / FILE_NAME} and in the database" in capsys.readouterr().out
    with Store.open("sqlite:///.understudy/understudy.db") as store, store._engine.begin() as connection:
        connection.execute(text("DELETE FROM approvals"))  # as on another machine

    code, report = gate()
    assert (code, report["verdict"]) == (0, "pass")
    approved = {"by": "ann", "reason": "texts now", "until": None}
    assert [finding["approved"] for finding in report["findings"]] == [approved] * len(report["findings"])
    assert report["approvals_unseen"] == []
    assert "approved by ann: texts now" in capsys.readouterr().out

    for fingerprint in fingerprints(report):  # kept in the database again, and altered there
        main(["findings", "approve", fingerprint, "--reason", "texts now", "--author", "ann"])
    with Store.open("sqlite:///.understudy/understudy.db") as store, store._engine.begin() as connection:
        connection.execute(text("UPDATE approvals SET reason = 'something else'"))

    code, report = gate("old")
    assert (code, report["findings"]) == (0, [])
    notes = [note for note in report["notes"] if "says something else in the file than in the store" in note]
    assert len(notes) == len(report["approvals_unseen"])
    assert {each["by"] for each in report["approvals_unseen"]} == {"ann"}
    assert "Approved, and no longer seen" in capsys.readouterr().out


def test_a_tag_with_reviewers_asks_for_as_many_people_in_the_store(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (home / "understudy.toml").open("a") as settings:
        settings.write(TAGGED)
    run_id = judged("orders")
    approve = ["findings", "approve", FINDING.fingerprint, "--reason", "seen", "--store-only", "--author"]
    said = []
    for author in ("ann", "bob"):
        assert main([*approve, author]) == 0
        capsys.readouterr()
        assert main(["findings", "list", run_id, "--json"]) == 0
        (finding,) = json.loads(capsys.readouterr().out)
        said.append((finding["approved"], finding["approval_note"]))
    assert said == [
        (None, "approved by ann; policy asks for 2 people, in the store"),
        ({"by": "ann, bob", "reason": "seen", "until": None}, ""),
    ]
    assert not (home / FILE_NAME).exists()


def test_a_decision_is_listed_rejected_and_withdrawn(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_id, fingerprint = judged(), FINDING.fingerprint
    assert main(["findings", "approve", fingerprint, "--reason", "r", "--author", "ann", "--scope", "run"]) == 0
    assert "It holds for this run alone" in capsys.readouterr().out
    assert main(["findings", "list", run_id, "--json"]) == 0
    listed = {each["fingerprint"]: each for each in json.loads(capsys.readouterr().out)}
    assert listed[fingerprint]["approved"] == {"by": "ann", "reason": "r", "until": None}
    assert main(["findings", "reject", fingerprint, "--reason", "not yet", "--author", "bob"]) == 0
    assert "by ann" in capsys.readouterr().out
    assert main(["findings", "list", run_id]) == 0
    assert "rejected by bob: not yet" in capsys.readouterr().out
    assert main(["findings", "approvals", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert {(each["by"], each["decision"], each["state"]) for each in entries} == {
        ("ann", "approve", "overruled"),
        ("bob", "reject", "holds"),
    }
    no = next(each["id"] for each in entries if each["by"] == "bob")
    assert main(["findings", "withdraw", no, "--author", "bob", "--reason", "fine"]) == 0
    assert f"withdrawn: the rejection {no}" in capsys.readouterr().out
    assert main(["findings", "approvals"]) == 0
    shown = capsys.readouterr().out
    assert "withdrawn" in shown
    assert "holds" in shown


def test_a_finding_is_called_noise_or_put_down_to_the_environment(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id, fingerprint = judged(), FINDING.fingerprint
    said = ("--reason", "r", "--author", "ann")
    assert main(["findings", "noise", fingerprint, *said, "--until", "2099-01-31"]) == 0
    assert "called noise: " in capsys.readouterr().out
    assert main(["findings", "list", run_id]) == 0
    assert "called noise by ann until 2099-01-31: r" in capsys.readouterr().out
    (home / FILE_NAME).unlink()
    assert main(["findings", "export"]) == 0
    assert '.decision = "noise"' in capsys.readouterr().out
    assert main(["findings", "environment", fingerprint, *said]) == 0
    told = capsys.readouterr().out
    assert "put down to the environment: " in told
    assert f"by ann, run {run_id}: r" in told
    assert main(["findings", "approve", fingerprint, *said]) == 2
    assert "put it down to the environment (r)" in capsys.readouterr().err


def test_the_author_is_gits_and_without_one_the_next_step_is_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged()
    words = ["findings", "approve", FINDING.fingerprint, "--reason", "r"]
    assert main(words) == 2
    assert "git config user.email" in capsys.readouterr().err
    subprocess.run(["git", "config", "--global", "user.email", "kim@example.com"], check=True)
    assert main(words) == 0
    assert "by kim@example.com" in capsys.readouterr().out


def test_a_file_that_is_not_understood_ends_the_gate_before_the_work(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / FILE_NAME).write_text("[[approval]]\nid = 'x'\n")
    assert main(["gate", "tiny", "--candidate", "new"]) == 2
    assert FILE_NAME in capsys.readouterr().err
    assert main(["runs", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
