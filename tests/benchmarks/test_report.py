"""The table of all results."""

from __future__ import annotations

from typing import Any

from benchmarks.accuracy.report import cell, counted, fault_figures, markdown, soak_figures

ROW: dict[str, Any] = {
    "fault": "null at GET /a json $.n (number)", "kind": "null", "stratum": "number", "varies": False,
    "source": "answers", "changed": 3, "found": True, "flaky": False, "right": 2, "elsewhere": [],
    "policies": {"p": True},
}  # fmt: skip


def test_a_share_is_told_with_its_interval() -> None:
    assert counted(19, 20) == {"hits": 19, "n": 20, "low": 0.7639, "high": 0.9911}
    assert cell(counted(19, 20)) == "19/20 = 95% (76% to 99%)"
    assert cell(counted(0, 0)) == "-"


def test_recall_counts_faults_and_precision_findings() -> None:
    missed = ROW | {"found": False, "flaky": True, "right": 0, "elsewhere": ["GET /b"], "policies": {"p": False}}
    control = ROW | {"source": "control", "kind": "", "found": False, "right": 0}
    data = {
        "rows": [ROW, missed, control],
        "more": {"pairs": [{"joined": []}, {"joined": ["GET /a"]}], "repeated": [{"same": 3, "different": 1}]},
    }
    figures = fault_figures(data)
    assert figures["answers"] == {
        "recall": counted(1, 2),
        "precision": counted(2, 3),
        "flaky": 1,
        "policies": {"p": counted(1, 2)},
    }
    assert figures["controls with a finding"] == counted(0, 1)
    assert figures["pairs of faults that a finding joins"] == counted(1, 2)
    assert figures["fingerprints equal on another pass"] == counted(3, 4)
    assert [miss["flaky"] for miss in figures["misses"]] == [True]
    text = markdown({"faults-1": figures})
    assert "| null | 1/2 = 50% (9% to 91%) | 2/3 = 67% (21% to 94%) | 1/2 = 50% (9% to 91%) |" in text
    assert "3 answers changed; seen, not confirmed" in text


def test_a_soak_counts_runs_not_findings() -> None:
    clean = {"confirmed": [], "flaky": ["GET /a"], "verdict": "pass", "unchecked_share": 0.001}
    loud = clean | {"confirmed": ["GET /a", "GET /b"], "verdict": "fail"}
    figures = soak_figures({"rows": [clean, loud]})
    assert figures["runs with a confirmed finding"] == counted(1, 2)
    assert figures["false"] == ["GET /a", "GET /b"]
