"""The parts of the benchmark on other people's applications that need no application."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from benchmarks.applications.outcome import Fault, control_row, fault_row, is_at, mixture_rows, read_report
from benchmarks.applications.settings_file import settings_file
from benchmarks.applications.table import line, markdown


def finding(path: str, state: str = "confirmed", **more: Any) -> dict[str, Any]:
    location = {"part": "body", "path": path}
    place = {"method": "GET", "route": "/bills/<int:id>", "location": location}
    values = {"kind": "missing", "severity": "breaking", "transition": "present -> missing", "baseline": "1"}
    return {**place, **values, "candidate": "", "count": 3, "out_of": 4, "state": state, "members": [place], **more}


def report(*findings: dict[str, Any], **ledger: Any) -> dict[str, Any]:
    counts = {"recorded": 100, "matched": 90, "differed": 5, "errored": 1, "skipped": {"over budget": 0}}
    reasons = {"not_compared": {"downstream of a difference": 2, "unfaithful baseline": 2}}
    return {"verdict": "fail", "ledger": {**counts, **reasons, **ledger}, "findings": list(findings), "problems": []}


FAULT = Fault("lost", "a field is lost", ("GET /bills/* body *.link",), ("GET /bills/* body *.total",))


@pytest.mark.parametrize(
    ("place", "pattern", "expected"),
    [
        ("GET /bills body $[*].date", "GET /bills body *[*].date", True),
        ("GET /bills body $.date", "GET /bills body *[*].date", False),
        ("GET /bills status", "* /bills status", True),
        ("GET /bills/7 status", "* /bills status", False),
    ],
)
def test_a_pattern_of_places(place: str, pattern: str, expected: bool) -> None:
    assert is_at(place, (pattern,)) is expected


def test_findings_count_where_they_are_and_only_confirmed_ones_find() -> None:
    told = report(finding("$.link"), finding("$.link", "flaky"), finding("$.total"), finding("$.date"))
    row = fault_row(FAULT, read_report(told, 1, "", 2.0))
    assert row.found == ("GET /bills/<int:id> body $.link: missing 1 ->  (breaking, 3/4)",)
    assert row.consequences == (
        "GET /bills/<int:id> body $.link: missing 1 ->  (breaking, 3/4, flaky)",
        "GET /bills/<int:id> body $.total: missing 1 ->  (breaking, 3/4)",
    )
    assert row.elsewhere == ("GET /bills/<int:id> body $.date: missing 1 ->  (breaking, 3/4)",)
    assert (row.share, row.not_compared) == (0.98, {"unfaithful baseline": 2})


def test_faults_that_a_candidate_had_together_share_its_findings() -> None:
    late = Fault("late", "a day late", ("GET /bills/* body *.date",))
    told = report(finding("$.link"), finding("$.date"), finding("$.total"), finding("$.other"))
    first, second = mixture_rows([FAULT, late], read_report(told, 1, "", 2.0))
    assert first.found == ("GET /bills/<int:id> body $.link: missing 1 ->  (breaking, 3/4)",)
    assert first.consequences == ("GET /bills/<int:id> body $.total: missing 1 ->  (breaking, 3/4)",)
    assert first.elsewhere == ("GET /bills/<int:id> body $.other: missing 1 ->  (breaking, 3/4)",)
    assert second.found == ("GET /bills/<int:id> body $.date: missing 1 ->  (breaking, 3/4)",)
    assert (second.consequences, second.elsewhere) == ((), ())


def test_a_control_is_clean_without_findings_and_with_nearly_everything_compared() -> None:
    clean = report(matched=98, differed=0, errored=0, not_compared={"unfaithful baseline": 2})
    assert control_row(7, 4, read_report(clean, 0, "", 2.0)).clean
    assert not control_row(7, 4, read_report(clean, 3, "", 2.0)).clean
    assert not control_row(7, 4, read_report(report(finding("$.link")), 0, "", 2.0)).clean
    assert not control_row(7, 4, read_report({**clean, "ledger": {**clean["ledger"], "matched": 97}}, 0, "", 2.0)).clean


def test_a_gate_without_a_report_says_why() -> None:
    row = control_row(7, 4, read_report(None, 2, "There is no target 'same'.\n", 0.5))
    assert (row.clean, row.share, row.problem) == (False, 0.0, "There is no target 'same'.")


def test_the_settings_hold_a_target_for_each_fault() -> None:
    text = settings_file(
        start=("python", "-m", "serve", "{port}"),
        wsgi="app:application",
        cwd=Path("/somewhere"),
        env={"A": 'with "quotes"'},
        ready="/health",
        mint="",
        python="python",
        faults=["lost"],
        mixtures=[("lost", "late")],
        fault_variable="FAULT",
        build="1.2",
    )
    targets = tomllib.loads(text)["targets"]
    assert {name: target["env"] for name, target in targets.items()} == {
        "baseline": {"A": 'with "quotes"'},
        "same": {"A": 'with "quotes"'},
        "kept": {"A": 'with "quotes"'},
        "fault-lost": {"A": 'with "quotes"', "FAULT": "lost"},
        "mixed-0": {"A": 'with "quotes"', "FAULT": "lost+late"},
    }
    assert targets["kept"]["build"] == "1.2"
    assert targets["baseline"]["start"] == ["python", "-m", "serve", "{port}", "app:application"]


def test_the_table_counts_what_was_found_and_lists_what_is_false() -> None:
    control = control_row(7, 4, read_report(report(finding("$.date")), 1, "", 2.0))
    row = fault_row(FAULT, read_report(report(finding("$.link")), 1, "", 2.0))
    text = markdown({"command": "run", "controls": [control.as_json()], "faults": [row.as_json()]})
    assert "| seed 7, concurrency 4 | 1 | 100 | 98.0% | 1 |" in text
    assert "| a field is lost | 1 | yes | `GET /bills/<int:id> body $.link` | 0 | 0 |" in text
    assert "1 of 1 faults found." in text
    assert "- GET /bills/<int:id> body $.date: missing 1 ->  (breaking, 3/4)" in text
    assert line(row).splitlines()[0] == "lost: found, exit 1, 98.0% compared, 2 s"
