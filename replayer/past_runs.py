"""A finished run's JSON report read back, as far as noise rules are judged by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from diffing.difference import Location, Part, Severity
from diffing.grouping import Finding, Member
from diffing.noise import HiddenPlace, NoiseRule, RuleUse
from diffing.rule_evidence import PastRun


def past_run(report: Mapping[str, Any]) -> PastRun:
    """What a report says. One of an earlier version, which does not name the rules, tells of no rule."""
    return PastRun(
        run=report["run"]["id"],
        recording=report["run"]["recording"],
        uses=tuple(use for use in map(_use, report.get("rules", ())) if use is not None),
        findings=tuple(map(_finding, report["findings"])),
        routes=frozenset((each["method"], each["route"]) for each in report["coverage"]["routes"] if each["replayed"]),
    )


def _use(data: Mapping[str, Any]) -> RuleUse | None:
    """None for a rule that this version would refuse."""
    try:
        rule = NoiseRule(
            route=data["route"],
            path=data["path"],
            part=Part(data["part"]) if data["part"] else None,
            kind=data["kind"],
            reason=data["reason"],
            until=date.fromisoformat(data["until"]) if data["until"] else None,
            author=data["author"],
        )
    except ValueError:
        return None
    places = (
        HiddenPlace(each["method"], each["route"], _location(each["location"]), each["kind"], each["count"])
        for each in data["places"]
    )
    return RuleUse(rule, data["hid"], tuple(places))


def _finding(data: Mapping[str, Any]) -> Finding:
    return Finding(
        fingerprint=data["fingerprint"],
        severity=Severity(data["severity"]),
        kind=data["kind"],
        method=data["method"],
        route=data["route"],
        location=_location(data["location"]),
        transition=data["transition"],
        baseline=data["baseline"],
        candidate=data["candidate"],
        count=data["count"],
        out_of=data["out_of"],
        state=data["state"],
        members=tuple(map(_member, data["members"])),
        story=data["story"],
        tags=tuple(data["tags"]),
        exemplars=tuple(data["exemplars"]),
        exchanges=(),  # the report names exemplars only
        detail=data["detail"],
    )


def _member(data: Mapping[str, Any]) -> Member:
    return Member(
        fingerprint=data["fingerprint"],
        method=data["method"],
        route=data["route"],
        location=_location(data["location"]),
        count=data["count"],
        kind=data.get("kind", ""),
        transition=data.get("transition", ""),
    )


def _location(data: Mapping[str, Any]) -> Location:
    return Location(Part(data["part"]), data["path"])
