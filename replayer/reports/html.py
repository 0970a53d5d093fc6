"""The report as one HTML file: no network, filters, light and dark, to be kept as an artifact of a build."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from jinja2 import Environment
from markupsafe import Markup

from diffing.difference import DifferenceKind
from diffing.grouping import Finding

from . import policy_wording, selection_wording, self_test_wording, wording
from .approval_wording import (
    EXPIRED_NEXT,
    EXPIRED_TITLE,
    UNSEEN_NEXT,
    UNSEEN_TITLE,
    approval_line,
)
from .model import RunReport
from .remarks import remarks
from .retrial_wording import outcome
from .sides import Row, rows_of
from .templating import environment_of, source_of

MAX_FINDINGS = 500  # a page with more is not read; the JSON report holds all
MAX_LINES = 200  # lines shown of one value


def to_html(report: RunReport) -> str:
    """The whole report. Every recorded or replayed value is escaped, control characters included."""
    template = _environment().get_template("report.html.j2")
    style, script = _asset("style.css"), _asset("filters.js")
    return template.render(
        report=report,
        outcome=outcome(report),
        style=Markup(style),
        script=Markup(script),
        security_policy=(
            f"default-src 'none'; style-src {source_of(style)}; script-src {source_of(script)};"
            " base-uri 'none'; form-action 'none'"
        ),
        tags=list(dict.fromkeys(tag for finding in report.findings for tag in finding.tags)),
        most_findings=MAX_FINDINGS,
        approval_lists=(
            (UNSEEN_TITLE, report.unseen, UNSEEN_NEXT),
            (EXPIRED_TITLE, report.expired, EXPIRED_NEXT),
        ),
        total=report.ledger.total,
    )


def side_by_side(finding: Finding) -> list[Row]:
    """The first exemplar's two values, line by line."""
    if _is_flat(finding.baseline) and _is_flat(finding.candidate):
        baseline, candidate = wording.sides(finding)
        return [Row("~", baseline, candidate)]
    before, after = _lines(finding, baseline=True), _lines(finding, baseline=False)
    return rows_of(before, after)


def _is_flat(value: object) -> bool:
    return not isinstance(value, (dict, list))


def _lines(finding: Finding, baseline: bool) -> list[str]:
    value = finding.baseline if baseline else finding.candidate
    alone = DifferenceKind.EXTRA if baseline else DifferenceKind.MISSING
    if value is None and finding.kind == alone.value:
        return [wording.ABSENT]
    lines = json.dumps(value, indent=2, ensure_ascii=False, default=str).splitlines()
    more = [f"… {len(lines) - MAX_LINES} more lines"] if len(lines) > MAX_LINES else []
    return [wording.visible(line) for line in lines[:MAX_LINES]] + more


def states_of(report: RunReport, finding: Finding) -> Iterator[str]:
    """The states that a finding is in, as the page's filter calls them."""
    if finding.fingerprint in report.verdict.blocking:
        yield "blocks"
    yield "approved" if report.standing(finding).approved else "not approved"
    yield finding.state


def states(report: RunReport) -> list[str]:
    """All states that any finding is in."""
    return list(dict.fromkeys(state for finding in report.findings for state in states_of(report, finding)))


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


@cache
def _environment() -> Environment:
    environment = environment_of(__package__)
    environment.globals.update(
        remarks=remarks,
        policy_wording=policy_wording,
        selection_wording=selection_wording,
        self_test_wording=self_test_wording,
        side_by_side=side_by_side,
        states=states,
        states_of=states_of,
    )
    environment.filters.update(approval_line=approval_line, uncovered_line=selection_wording.uncovered_line)
    return environment
