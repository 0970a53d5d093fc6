from __future__ import annotations

import json
import re
from dataclasses import replace

from diffing.difference import Severity
from diffing.gate import Outcome, Verdict
from diffing.grouping import CONFIRMED, FLAKY
from replayer.reports.github import to_annotations
from replayer.reports.gitlab import to_gitlab

from .report_schemas import gitlab_problems
from .test_report import COLOUR, HOSTILE, PRICES, REPORT

COMMAND = re.compile(r"::(error|warning|notice) title=([^:,]*)::([^\n]*)")


def test_gitlab_is_told_what_is_not_approved_without_any_value() -> None:
    assert to_gitlab(REPORT) == [
        {
            "description": "$.items[*].price int -> str in 12 of 40 exchanges and on 1 more route [payments]",
            "check_name": "understudy/type",
            "fingerprint": "75cf471c6b25a327",
            "severity": "blocker",
            "location": {"path": "GET /api/orders/<int:id>", "lines": {"begin": 1}},
        }
    ]
    assert "1999" not in json.dumps(to_gitlab(REPORT))


def test_gitlab_is_told_how_grave_it_is() -> None:
    passed = replace(REPORT, verdict=Verdict(Outcome.PASS, (), 0), standings={})
    findings = [replace(PRICES, severity=each, fingerprint=each.value) for each in Severity]
    flaky = replace(PRICES, state=FLAKY, fingerprint="flaky")

    entries = to_gitlab(replace(passed, findings=(*findings, flaky)))

    assert [each["severity"] for each in entries] == ["critical", "major", "minor", "info", "info"]


def test_the_format_of_gitlab_holds_for_every_value() -> None:
    hostile = replace(PRICES, route=HOSTILE, kind=HOSTILE, transition=HOSTILE, tags=(HOSTILE,))

    assert gitlab_problems(to_gitlab(REPORT)) == []
    assert gitlab_problems(to_gitlab(replace(REPORT, findings=(hostile, COLOUR)))) == []
    assert gitlab_problems([{**to_gitlab(REPORT)[0], "severity": "bad"}])


def test_annotations_are_errors_for_what_blocks_and_warnings_for_what_else_is_open() -> None:
    minor = replace(COLOUR, state=CONFIRMED, severity=Severity.MINOR)

    assert to_annotations(replace(REPORT, findings=(PRICES, minor), standings={})).splitlines() == [
        "::error title=breaking%3A GET /api/orders/<int%3Aid> [payments]"
        "::$.items[*].price int -> str in 12 of 40 exchanges (75cf471c6b25a327)",
        "::warning title=minor%3A GET /api/products"
        "::$.colour missing -> present in 1 of 9 exchanges (bbbbbbbbbbbbbbbb)",
    ]
    assert "warning" not in to_annotations(REPORT)  # approved


def test_annotations_stay_within_what_github_shows() -> None:
    blocking = [replace(PRICES, fingerprint=f"b{n}") for n in range(25)]
    others = [replace(PRICES, fingerprint=f"o{n}") for n in range(10)]
    verdict = Verdict(Outcome.FAIL, (), 1, tuple(each.fingerprint for each in blocking))

    lines = to_annotations(replace(REPORT, findings=(*blocking, *others), verdict=verdict)).splitlines()

    assert [line.partition(" ")[0] for line in lines] == ["::error"] * 10 + ["::warning"] * 10
    assert lines[9] == "::error title=Understudy::and 16 more findings: see the report"


def test_an_inconclusive_run_says_so_without_taking_a_place() -> None:
    report = replace(REPORT, findings=(), verdict=Verdict(Outcome.INCONCLUSIVE, ("50 % of it.", "More."), 3))

    assert to_annotations(report) == "::notice title=Understudy%3A inconclusive::50 %25 of it. More."
    failed = replace(report, verdict=Verdict(Outcome.FAIL, ("Over budget.",), 1))
    assert to_annotations(failed) == "::notice title=Understudy%3A fail::Over budget."


def test_no_value_can_make_a_command_of_its_own() -> None:
    hostile = replace(PRICES, route=f"/a,b::error::{HOSTILE}\r\n::add-mask::x", transition="%0A::error::y\n::z")

    lines = to_annotations(replace(REPORT, findings=(hostile,))).splitlines()

    assert len(lines) == 1
    assert COMMAND.fullmatch(lines[0])
    assert "%250A" in lines[0]
