"""The findings as a code quality report of GitLab, which shows what is new against the target branch."""

from __future__ import annotations

from typing import Any

from diffing.difference import Severity
from diffing.grouping import FLAKY, Finding

from .model import RunReport
from .wording import change, counted, route, visible

_SEVERITIES = {
    Severity.BREAKING: "critical",
    Severity.MAJOR: "major",
    Severity.MINOR: "minor",
    Severity.INFO: "info",
}


def to_gitlab(report: RunReport) -> list[dict[str, Any]]:
    """One entry for each finding that is not approved. No recorded value is in it; a route stands for the file."""
    return [
        {
            "description": _description(finding),
            "check_name": f"understudy/{visible(finding.kind)}",
            "fingerprint": finding.fingerprint,
            "severity": _severity(report, finding),
            "location": {"path": route(finding), "lines": {"begin": 1}},
        }
        for finding in report.open
    ]


def _description(finding: Finding) -> str:
    tags = "".join(f" [{visible(tag)}]" for tag in finding.tags)
    places = len({(each.method, each.route) for each in finding.places})
    also = f" and on {counted(places - 1, 'more route')}" if places > 1 else ""
    return f"{change(finding)} in {finding.count} of {counted(finding.out_of, 'exchange')}{also}{tags}"


def _severity(report: RunReport, finding: Finding) -> str:
    if finding.fingerprint in report.verdict.blocking:
        return "blocker"
    return "info" if finding.state == FLAKY else _SEVERITIES[finding.severity]
