from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from diffing.approvals import Decision
from diffing.gate import Outcome, Verdict
from diffing.standing import Standing
from replayer.cli.main import main
from replayer.errors import UsageError
from replayer.reports.html import to_html
from replayer.reports.json_report import to_json
from replayer.reports.junit import to_junit
from replayer.reports.markdown import to_markdown
from replayer.reports.model import AlertReport, RunReport
from replayer.reports.reading import report_of
from replayer.reports.terminal import to_text

from .report_schemas import report_problems
from .test_report import HOSTILE, REPORT, WANTED, hostile_report
from .test_selection_wording import REPORT as SELECTED
from .test_self_test_wording import REPORT as TESTED

NOTHING = RunReport("r1", "checkout", "next", Verdict(Outcome.PASS, (), 0))
SAID = replace(
    REPORT,
    standings={
        "75cf471c6b25a327": Standing(
            approvals=(WANTED,), rejections=(WANTED,), expired=(WANTED,), needed=2, uncovered=REPORT.findings[0].members
        )
    },
    unseen=(WANTED,),
    alerts=(AlertReport("slack", "#releases", "run", "waiting", 2, "Slack answered 500"),),
)
NOISE, BLAME = (replace(WANTED, decision=decision) for decision in (Decision.NOISE, Decision.ENVIRONMENT))
CALLED = replace(
    REPORT,
    standings={
        "75cf471c6b25a327": Standing(approvals=(WANTED,), environments=(BLAME,), aside=True, questioned=True),
        "bbbbbbbbbbbbbbbb": Standing(approved=True, approvals=(WANTED, NOISE)),
    },
)
REPORTS = [REPORT, SAID, CALLED, SELECTED, TESTED, NOTHING, hostile_report(HOSTILE), hostile_report("plain")]


def stored(report: RunReport) -> Any:
    """What a database gives back."""
    return json.loads(json.dumps(to_json(report)))


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_that_is_read_back_says_the_same(report: RunReport) -> None:
    again = report_of(stored(report))

    assert to_json(again) == to_json(report)


@pytest.mark.parametrize("report", [REPORT, SAID, CALLED, SELECTED, TESTED, NOTHING])
def test_every_other_report_can_be_made_of_it(report: RunReport) -> None:
    again = report_of(stored(report))

    for made in (to_html, to_junit, to_markdown, to_text):
        assert made(again) == made(report)


@pytest.mark.parametrize("report", REPORTS)
def test_every_report_is_valid_and_nothing_in_it_is_left_undescribed(report: RunReport) -> None:
    assert report_problems(to_json(report)) == []


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=30))
def test_no_text_makes_it_invalid_or_unreadable(text: str) -> None:
    data = stored(hostile_report(text))

    assert report_problems(data) == []
    assert to_json(report_of(data)) == data


def test_the_schema_refuses_what_is_wrong_and_bears_what_is_new() -> None:
    data = stored(REPORT)
    del data["findings"][0]["severity"]
    assert report_problems(data) == ["'severity' is a required property"]
    assert report_problems({**stored(REPORT), "new": 1})[0].startswith("Additional properties are not allowed")
    assert report_problems({**stored(REPORT), "new": 1}, closed=False) == []


def test_a_report_of_the_first_version_is_read_too() -> None:
    old = stored(REPORT)
    for finding in old["findings"]:
        del finding["said"], finding["affected"]
    for name in ("approvals_unseen", "rules", "self_test", "selection", "alerts"):
        del old[name]
    report = report_of(old)

    assert [each.fingerprint for each in report.approved] == ["bbbbbbbbbbbbbbbb"]
    assert "approved by ann until 2027-01-31: wanted" in to_text(report)
    assert to_html(report).startswith("<!doctype html>")


def test_what_people_call_a_finding_keeps_its_own_word() -> None:
    text = " ".join(to_text(report_of(stored(CALLED))).split())

    assert "approved by ann, called noise by ann until 2027-01-31: wanted" in text
    assert "put down to the environment by ann: wanted; another run has to tell" in text


def test_a_report_of_a_later_version_is_refused() -> None:
    with pytest.raises(UsageError, match="is of version 2"):
        report_of({**stored(REPORT), "version": 2})


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "schema"]) == 0

    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    assert not list(Draft202012Validator(schema).iter_errors(to_json(REPORT)))
