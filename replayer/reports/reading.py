"""A stored JSON report, read back: every other report can be made of a run that was made earlier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from diffing.approvals import Approval, Decision, Scope, Subject
from diffing.difference import Part, Severity
from diffing.gate import Outcome, Verdict
from diffing.inventory import Knowledge
from diffing.ledger import Ledger, RouteTally, Tally
from diffing.mutations import Mutation
from diffing.noise import HiddenPlace, NoiseRule, RuleUse
from diffing.sensitivity import BlindSpot, Sensitivity, Share
from diffing.standing import Standing

from ..errors import UsageError
from ..first_seen import FirstSeen
from ..selection.account import Account, RouteAccount
from ..selection.strata import Stratum
from .json_findings import findings_of, location_of, member_of
from .json_report import VERSION
from .model import AlertReport, Coverage, CoverageRoute, RunReport
from .policy_wording import clauses_of
from .retrial_wording import retrial_of

Data = Mapping[str, Any]
Key = TypeVar("Key")

_LONG_AGO = datetime.fromtimestamp(0, UTC)


def report_of(data: Data) -> RunReport:
    """The report that `to_json` was given, without what JSON rounds. Raises UsageError for one of another version."""
    if data.get("version") != VERSION:
        raise UsageError(
            f"The report is of version {data.get('version')}; this version of understudy reads {VERSION}.",
            "Read it with the version that wrote it.",
        )
    run = data["run"]
    return RunReport(
        run_id=run["id"],
        recording=run["recording"],
        candidate=run["candidate"],
        baselines=tuple(run["baselines"]),
        started_at=datetime.fromisoformat(run["started_at"]).timestamp() if run["started_at"] else 0.0,
        seconds=run["seconds"],
        executor=run["executor"],
        branch=run["branch"],
        commit=run["commit"],
        verdict=_verdict(data),
        ledger=_ledger(data["ledger"]),
        fidelity=data["fidelity"],
        coverage=_coverage(data["coverage"]),
        findings=findings_of(data),
        standings={each["fingerprint"]: found for each in data["findings"] if (found := _standing(each)) is not None},
        first_seen={
            each["fingerprint"]: _first_seen(each["first_seen"]) for each in data["findings"] if each.get("first_seen")
        },
        unseen=tuple(_approval(each) for each in data.get("approvals_unseen", ())),
        unchecked_share=data["unchecked"]["share"],
        unchecked=tuple(data["unchecked"]["locations"]),
        suppressed=data["suppressed"],
        rules=tuple(_use(each) for each in data.get("rules", ())),
        noise=data["noise"],
        correlation=data["correlation"],
        confirmations=data["confirmations"],
        self_test=_self_test(data.get("self_test")),
        selection=_selection(data.get("selection"), data["findings"]),
        retrial=retrial_of(data.get("retrial")),
        alerts=tuple(_alert(each) for each in data.get("alerts", ())),
        notes=tuple(data["notes"]),
        limits=tuple(data["limits"]),
        problems=tuple(data["problems"]),
    )


def _first_seen(data: Data) -> FirstSeen:
    at = datetime.fromisoformat(data["at"]).timestamp()
    return FirstSeen(data["run"], at, data["candidate"], data["branch"], data["commit"])


def _alert(data: Data) -> AlertReport:
    names = ("way", "destination", "message", "state", "failed_attempts", "said")
    return AlertReport(*(data[name] for name in names))


def _verdict(data: Data) -> Verdict:
    blocking = tuple(each["fingerprint"] for each in data["findings"] if each["blocking"])
    clauses = clauses_of(data.get("policy", ()))
    return Verdict(Outcome(data["verdict"]), tuple(data["reasons"]), data["exit_code"], blocking, clauses)


def _ledger(data: Data) -> Ledger:
    routes = (RouteTally(each["method"], each["route"], _tally(each)) for each in data["routes"])
    return Ledger(_tally(data), tuple(routes), tuple(data["imbalance"]))


def _tally(data: Data) -> Tally:
    return Tally(
        **{
            name: data[name]
            for name in ("seen", "sampled_out", "dropped", "recorded", "matched", "differed", "errored")
        },
        not_compared=data["not_compared"],
        skipped=data["skipped"],
    )


def _coverage(data: Data) -> Coverage:
    routes = (
        CoverageRoute(each["method"], each["route"], each["replayed"], each["statuses"], each.get("known", True))
        for each in data["routes"]
    )
    source = data.get("routes_from", "recording")
    return Coverage(data["routes_known"], data["routes_replayed"], tuple(routes), source)


def _standing(finding: Data) -> Standing | None:
    said = finding.get("said")
    if said is None:
        return _standing_of_old(finding)
    return Standing(
        approved=finding["approved"] is not None,
        approvals=tuple(_approval(each) for each in said["approvals"]),
        rejections=tuple(_approval(each, Decision.REJECT) for each in said["rejections"]),
        environments=tuple(_approval(each) for each in said.get("environments", ())),
        aside=finding.get("set_aside") is not None,
        expired=tuple(_approval(each) for each in said["expired"]),
        needed=said["needed"],
        questioned=said.get("questioned", False),
        uncovered=tuple(member_of(each) for each in said["uncovered"]),
    )


def _standing_of_old(finding: Data) -> Standing | None:
    """What reports of version 0.1.0 say: several people's word as one."""
    approved, rejected = finding.get("approved"), finding.get("rejected")
    if not approved and not rejected:
        return None
    return Standing(
        approved=bool(approved),
        approvals=(_approval({**finding, **approved}),) if approved else (),
        rejections=(_approval({**finding, **rejected}, Decision.REJECT),) if rejected else (),
    )


def _approval(data: Data, decision: Decision = Decision.APPROVE) -> Approval:
    return Approval(
        id=data.get("id", ""),
        fingerprint=data["fingerprint"],
        scope=Scope(data.get("scope", "always")),
        author=data["by"],
        reason=data["reason"],
        created=datetime.fromisoformat(data["created"]) if "created" in data else _LONG_AGO,
        subject=Subject(
            data["method"],
            data["route"],
            location_of(data["location"]),
            data["kind"],
            data["transition"],
            Severity(data.get("severity", "info")),
        ),
        until=_day(data["until"]),
        decision=Decision(data["decision"]) if "decision" in data else decision,
    )


def _use(data: Data) -> RuleUse:
    rule = NoiseRule(
        route=data["route"],
        path=data["path"],
        part=Part(data["part"]) if data["part"] else None,
        kind=data["kind"] or "",
        reason=data["reason"],
        until=_day(data["until"]),
        author=data["author"],
    )
    places = (
        HiddenPlace(each["method"], each["route"], location_of(each["location"]), each["kind"], each["count"])
        for each in data["places"]
    )
    return RuleUse(rule, data["hid"], tuple(places))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _self_test(data: Data | None) -> Sensitivity | None:
    if data is None:
        return None
    return Sensitivity(
        source=data["source"],
        total=_share(data),
        equivalent=data["equivalent"],
        by_mutation=_shares(data["by_mutation"], lambda each: Mutation(each["mutation"])),
        by_knowledge=_shares(data["by_knowledge"], lambda each: Knowledge(each["knowledge"])),
        by_reach=_shares(data["by_reach"], lambda each: str(each["reach"])),
        by_route=_shares(data["by_route"], _route),
        blind_spots=tuple(_blind_spot(each) for each in data["blind_spots"]),
        untested=tuple(_route(each) for each in data["untested"]),
    )


def _share(data: Data) -> Share:
    return Share(data["planted"], data["caught"])


def _shares(rows: Iterable[Data], key: Callable[[Data], Key]) -> tuple[tuple[Key, Share], ...]:
    return tuple((key(each), _share(each)) for each in rows)


def _route(data: Data) -> tuple[str, str]:
    return data["method"], data["route"]


def _blind_spot(data: Data) -> BlindSpot:
    return BlindSpot(
        method=data["method"],
        route=data["route"],
        part=Part(data["location"]["part"]),
        path=data["location"]["path"],
        knowledge=Knowledge(data["knowledge"]),
        why=data["why"],
        explained=data["explained"],
        mutations=tuple(Mutation(each) for each in data["mutations"]),
        survived=data["survived"],
        planted=data["planted"],
        exemplar=data["exemplar"],
    )


def _selection(data: Data | None, findings: Sequence[Data]) -> Account | None:
    if data is None:
        return None
    return Account(
        budget=data["budget"],
        seed=data["seed"],
        recorded=data["recorded"],
        selected=data["selected"],
        strata=data["strata"],
        covered=data["strata_compared"],
        routes=tuple(_route_account(each) for each in data["routes"]),
        uncovered=tuple(_stratum(each) for each in data["uncovered"]),
        closure=data["mean_closure"],
        cut=data["closures_cut"],
        affected={each["fingerprint"]: each["affected"] for each in findings if each.get("affected") is not None},
    )


def _route_account(data: Data) -> RouteAccount:
    return RouteAccount(
        method=data["method"],
        route=data["route"],
        recorded=data["recorded"],
        compared=data["compared"],
        strata=data["strata"],
        covered=data["strata_compared"],
        may_miss=data["may_miss"],
    )


def _stratum(data: Data) -> Stratum:
    return Stratum(
        method=data["method"],
        route=data["route"],
        status=data["status"],
        known=data["principal"],
        rows=data["rows"],
        count=data["recorded"],
        first=0.0,
        variant=data["variant"],
    )
