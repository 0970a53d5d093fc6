"""A run in a few figures, so that lists of many need not unpack their reports; and what one has found by now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diffing.difference import Severity
from diffing.grouping import CONFIRMED, FLAKY, Finding

from .reports.json_findings import findings_of
from .store.dialect import storable

MOST_FOUND = 200
"""Findings that a run under way tells; the report will have all."""


def summary_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a JSON report that lists and trends show. `planted` and `caught` are null without a self-test."""
    retrial = report.get("retrial")
    test, routes = report.get("self_test") or {}, report["coverage"]
    severities = Counter(each["severity"] for each in report["findings"])
    return {
        "findings": {each.value: severities[each.value] for each in Severity},
        "planted": test.get("planted"),
        "caught": test.get("caught"),
        "routes_known": routes["routes_known"],
        "routes_replayed": routes["routes_replayed"],
        "seconds": report["run"]["seconds"],
        **({"retrial": {key: retrial[key] for key in ("came", "seen", "replays")}} if retrial else {}),
    }


def found_by_now(findings: Sequence[Finding]) -> dict[str, Any]:
    """What a run under way tells of its findings: where something is another, the gravest first, and no value."""
    gravest = sorted(findings, key=lambda each: (not each.tags, each.severity.rank))
    return {
        "count": len(findings),
        "confirmed": sum(1 for each in findings if each.state == CONFIRMED),
        "flaky": sum(1 for each in findings if each.state == FLAKY),
        "findings": [sketch(each) for each in gravest[:MOST_FOUND]],
    }


@dataclass(frozen=True, slots=True)
class FoundByNow:
    """What a run under way has found: how many findings, and the gravest of them, without values."""

    count: int = 0
    confirmed: int = 0
    flaky: int = 0
    findings: tuple[Finding, ...] = ()


def read_found(data: Mapping[str, Any]) -> FoundByNow:
    """What `found_by_now` wrote; of nothing, nothing."""
    if not data:
        return FoundByNow()
    return FoundByNow(data["count"], data["confirmed"], data["flaky"], findings_of(data))


def sketch(finding: Finding) -> dict[str, Any]:
    """A finding as `found_by_now` tells it."""
    return {
        "fingerprint": finding.fingerprint,
        "severity": finding.severity.value,
        "kind": storable(finding.kind),
        "method": storable(finding.method),
        "route": storable(finding.route),
        "location": {"part": finding.location.part.value, "path": storable(finding.location.path)},
        "transition": storable(finding.transition),
        "baseline": None,
        "candidate": None,
        "count": finding.count,
        "out_of": finding.out_of,
        "tags": [storable(each) for each in finding.tags],
        "state": finding.state,
        "members": [],
        "story": None,
        "exemplars": [],
        "detail": "",
    }
