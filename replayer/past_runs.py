"""A finished run's JSON report read back, as far as noise rules are judged by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from diffing.difference import Part
from diffing.noise import HiddenPlace, NoiseRule, RuleUse
from diffing.rule_evidence import PastRun

from .reports.json_findings import findings_of, location_of


def past_run(report: Mapping[str, Any]) -> PastRun:
    """What a report says. One of an earlier version, which does not name the rules, tells of no rule."""
    return PastRun(
        run=report["run"]["id"],
        recording=report["run"]["recording"],
        uses=tuple(use for use in map(_use, report.get("rules", ())) if use is not None),
        findings=findings_of(report),
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
        HiddenPlace(each["method"], each["route"], location_of(each["location"]), each["kind"], each["count"])
        for each in data["places"]
    )
    return RuleUse(rule, data["hid"], tuple(places))
