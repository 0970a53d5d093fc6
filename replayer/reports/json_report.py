"""The JSON report, version 1. Scripts read it: fields are added, never renamed or removed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from diffing.approvals import Approval
from diffing.difference import Location
from diffing.grouping import Finding, Member
from diffing.ledger import Tally
from diffing.noise import HiddenPlace, NoiseRule, RuleUse
from diffing.standing import SILENT, Standing

from .approval_wording import authors, reasons, standing_note
from .model import AlertReport, RunReport
from .policy_wording import policy_document
from .retrial_wording import retrial_document
from .selection_wording import selection_document
from .self_test_wording import self_test_document

VERSION = 1
MAX_PLACES = 100
"""Places that the report names of what one noise rule hid; `hid` counts the rest too."""


def to_json(report: RunReport) -> dict[str, Any]:
    """The report as JSON-able data with string keys."""
    return {str(key): _clean(value) for key, value in _content(report).items()}


def finding_json(report: RunReport, finding: Finding) -> dict[str, Any]:
    """One finding of the report, as `to_json` has it."""
    return {key: _clean(value) for key, value in _finding(report, finding).items()}


def _content(report: RunReport) -> dict[str, Any]:
    return {
        "version": VERSION,
        "verdict": report.verdict.outcome.value,
        "reasons": list(report.verdict.reasons),
        "exit_code": report.verdict.exit_code,
        "run": {
            "id": report.run_id,
            "recording": report.recording,
            "candidate": report.candidate,
            "baselines": list(report.baselines),
            "started_at": report.started,
            "seconds": round(report.seconds, 3),
            "executor": report.executor,
            "branch": report.branch,
            "commit": report.commit,
            "mode": report.mode,
        },
        "policy": policy_document(report.verdict.clauses),
        "ledger": {
            **_tally(report.ledger.total),
            "balanced": report.ledger.balanced,
            "imbalance": list(report.ledger.imbalance),
            "routes": [
                {"method": each.method, "route": each.route, **_tally(each.tally)} for each in report.ledger.routes
            ],
        },
        "fidelity": report.fidelity,
        "coverage": {
            "routes_known": report.coverage.routes_known,
            "routes_replayed": report.coverage.routes_replayed,
            "routes_from": report.coverage.routes_from,
            "routes": [
                {
                    "method": each.method,
                    "route": each.route,
                    "replayed": each.replayed,
                    "known": each.known,
                    "statuses": dict(sorted(each.statuses.items())),
                }
                for each in report.coverage.routes
            ],
        },
        "findings": [_finding(report, finding) for finding in report.findings],
        "approvals_unseen": [approval_json(each) for each in report.unseen],
        "approvals_expired": [approval_json(each) for each in report.expired],
        "unchecked": {"share": report.unchecked_share, "locations": list(report.unchecked)},
        "suppressed": _sorted(report.suppressed),
        "rules": [_use(use) for use in report.rules],
        "noise": dict(report.noise),
        "correlation": dict(report.correlation),
        "confirmations": dict(report.confirmations),
        "self_test": self_test_document(report.self_test),
        "selection": selection_document(report.selection),
        "retrial": retrial_document(report.retrial),
        "alerts": [alert_json(alert) for alert in report.alerts],
        "notes": list(report.notes),
        "problems": list(report.problems),
        "limits": list(report.limits),
    }


def _clean(value: Any) -> Any:
    """The value without what JSON in UTF-8 can not hold: lone surrogates, NaN and infinities become text."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, Mapping):
        return {_clean(str(key)): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, (list, tuple)) else value


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "seen": tally.seen,
        "sampled_out": tally.sampled_out,
        "dropped": tally.dropped,
        "recorded": tally.recorded,
        "matched": tally.matched,
        "differed": tally.differed,
        "errored": tally.errored,
        "not_compared": _sorted(tally.not_compared),
        "skipped": _sorted(tally.skipped),
    }


def _finding(report: RunReport, finding: Finding) -> dict[str, Any]:
    return {
        "fingerprint": finding.fingerprint,
        "severity": finding.severity.value,
        "kind": finding.kind,
        "method": finding.method,
        "route": finding.route,
        "location": _location(finding.location),
        "baseline": finding.baseline,
        "candidate": finding.candidate,
        "transition": finding.transition,
        "count": finding.count,
        "out_of": finding.out_of,
        "state": finding.state,
        "blocking": finding.fingerprint in report.verdict.blocking,
        "members": [_member(member) for member in finding.members],
        "story": finding.story,
        "tags": list(finding.tags),
        **standing_json(report.standing(finding)),
        "exemplars": list(finding.exemplars),
        "affected": report.selection.affected.get(finding.fingerprint) if report.selection else None,
        "detail": finding.detail,
        "first_seen": _first_seen(report, finding),
    }


def _first_seen(report: RunReport, finding: Finding) -> dict[str, Any] | None:
    """The run in which it was seen first; null where that is not known."""
    seen = report.first_seen.get(finding.fingerprint)
    if seen is None:
        return None
    at = datetime.fromtimestamp(seen.at, UTC).isoformat(timespec="seconds")
    facts = {"candidate": seen.candidate, "branch": seen.branch, "commit": seen.commit}
    return {"run": seen.run, "at": at, **facts, "new": report.is_new(finding)}


def _member(member: Member) -> dict[str, Any]:
    return {
        "fingerprint": member.fingerprint,
        "method": member.method,
        "route": member.route,
        "location": _location(member.location),
        "count": member.count,
        "kind": member.kind,
        "transition": member.transition,
        "severity": member.severity.value,
    }


def standing_json(standing: Standing) -> dict[str, Any]:
    """The part of a finding's JSON that says what people have said of it."""
    return {
        "approved": _decided(standing.approvals) if standing.approved else None,
        "rejected": _decided(standing.rejections) if standing.rejections else None,
        "set_aside": _decided(standing.environments) if standing.aside else None,
        "approval_note": standing_note(standing),
        "said": None if standing == SILENT else _said(standing),
    }


def _said(standing: Standing) -> dict[str, Any]:
    """Everything that people said of a finding."""
    return {
        "needed": standing.needed,
        "approvals": [_opinion(each) for each in standing.approvals],
        "rejections": [_opinion(each) for each in standing.rejections],
        "environments": [_opinion(each) for each in standing.environments],
        "expired": [_opinion(each) for each in standing.expired],
        "questioned": standing.questioned,
        "uncovered": [_member(each) for each in standing.uncovered],
    }


def _opinion(approval: Approval) -> dict[str, Any]:
    return {
        **approval_json(approval),
        "decision": approval.decision.value,
        "severity": approval.subject.severity.value,
        "created": approval.created.isoformat(),
    }


def _decided(approvals: Sequence[Approval]) -> dict[str, Any]:
    """Several people's word as one: it ends when the first of them ends."""
    days = [each.until for each in approvals if each.until]
    return {
        "by": authors(approvals),
        "reason": reasons(approvals),
        "until": min(days).isoformat() if days else None,
    }


def approval_json(approval: Approval) -> dict[str, Any]:
    """One approval, and what it was given for."""
    subject = approval.subject
    return {
        "id": approval.id,
        "fingerprint": approval.fingerprint,
        "by": approval.author,
        "reason": approval.reason,
        "scope": approval.scope.value,
        "until": approval.until.isoformat() if approval.until else None,
        "method": subject.method,
        "route": subject.route,
        "location": _location(subject.location),
        "kind": subject.kind,
        "transition": subject.transition,
    }


def _use(use: RuleUse) -> dict[str, Any]:
    return {**rule_json(use.rule), "hid": use.hid, "places": [place_json(place) for place in use.places[:MAX_PLACES]]}


def rule_json(rule: NoiseRule) -> dict[str, Any]:
    """A noise rule with its name."""
    return {
        "name": rule.name,
        "route": rule.route,
        "path": rule.path,
        "part": rule.part.value if rule.part is not None else None,
        "kind": rule.kind,
        "reason": rule.reason,
        "author": rule.author,
        "until": rule.until.isoformat() if rule.until else None,
    }


def place_json(place: HiddenPlace) -> dict[str, Any]:
    """What a rule hid at one place."""
    return {
        "method": place.method,
        "route": place.route,
        "location": _location(place.location),
        "kind": place.kind,
        "count": place.count,
    }


def alert_json(alert: AlertReport) -> dict[str, Any]:
    """What became of one message."""
    return {
        "way": alert.way,
        "destination": alert.destination,
        "message": alert.slot,
        "state": alert.state,
        "failed_attempts": alert.attempts,
        "said": alert.said,
    }


def _location(location: Location) -> dict[str, str]:
    return {"part": location.part.value, "path": location.path}


def _sorted(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(values.items()))
