"""The findings as annotations of GitHub Actions: workflow commands, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diffing.gate import Outcome
from diffing.grouping import FLAKY, Finding

from .model import RunReport
from .retrial_wording import outcome
from .wording import change, clipped, counted, route, visible

MAX_ANNOTATIONS = 10
"""Errors that GitHub shows of one step, and warnings too; what is above is dropped without a word."""

MAX_LINE = 1000  # characters of a message


def to_annotations(report: RunReport) -> str:
    """Errors for what fails the gate, warnings for what else is not approved. No recorded value is in them."""
    warnings = [each for each in report.open if each.fingerprint not in report.verdict.blocking and each.state != FLAKY]
    return "\n".join([*_verdict(report), *_lines("error", report.blocking), *_lines("warning", warnings)])


def _verdict(report: RunReport) -> Iterator[str]:
    """Where no finding says why the step ends as it does. A notice: of errors and warnings there may be ten already."""
    if report.verdict.outcome is not Outcome.PASS and not report.blocking:
        yield _command("notice", f"Understudy: {outcome(report)}", " ".join(report.verdict.reasons))


def _lines(kind: str, findings: Sequence[Finding]) -> Iterator[str]:
    room = MAX_ANNOTATIONS if len(findings) <= MAX_ANNOTATIONS else MAX_ANNOTATIONS - 1
    for finding in findings[:room]:
        tags = "".join(f" [{tag}]" for tag in finding.tags)
        title = f"{finding.severity.value}: {route(finding)}{tags}"
        told = f"{change(finding)} in {finding.count} of {counted(finding.out_of, 'exchange')}"
        yield _command(kind, title, f"{told} ({finding.fingerprint})")
    if len(findings) > room:
        yield _command(kind, "Understudy", f"and {len(findings) - room} more findings: see the report")


def _command(kind: str, title: str, message: str) -> str:
    return f"::{kind} title={_property(clipped(visible(title), 200))}::{_data(clipped(visible(message), MAX_LINE))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
