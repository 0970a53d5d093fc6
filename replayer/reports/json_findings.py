"""The findings of a stored JSON report, read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffing.difference import Location, Part, Severity
from diffing.grouping import Finding, Member


def findings_of(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings as they were reported; which exchanges they are of is not kept in a report."""
    return tuple(_finding(each) for each in report["findings"])


def _finding(data: Mapping[str, Any]) -> Finding:
    return Finding(
        fingerprint=data["fingerprint"],
        severity=Severity(data["severity"]),
        kind=data["kind"],
        method=data["method"],
        route=data["route"],
        location=location_of(data["location"]),
        transition=data["transition"],
        baseline=data["baseline"],
        candidate=data["candidate"],
        count=data["count"],
        out_of=data["out_of"],
        state=data["state"],
        members=tuple(member_of(each, data["severity"]) for each in data["members"]),
        story=data["story"],
        tags=tuple(data["tags"]),
        exemplars=tuple(data["exemplars"]),
        exchanges=(),
        detail=data["detail"],
    )


def member_of(data: Mapping[str, Any], otherwise: str = "breaking") -> Member:
    """A place of a finding as reports write it; `otherwise` is the severity where none is written."""
    return Member(
        fingerprint=data["fingerprint"],
        method=data["method"],
        route=data["route"],
        location=location_of(data["location"]),
        count=data["count"],
        kind=data.get("kind", ""),
        transition=data.get("transition", ""),
        severity=Severity(data.get("severity", otherwise)),  # reports of 0.1.0 had none
    )


def location_of(data: Mapping[str, str]) -> Location:
    """A location as reports write it."""
    return Location(Part(data["part"]), data["path"])
