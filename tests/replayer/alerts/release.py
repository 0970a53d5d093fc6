"""A release with forty changes that fail the gate, three of them on payments: what `docs/alerts.md` tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from diffing.approvals import Approvals
from diffing.difference import Location, Part, Severity
from diffing.gate import Outcome, Policy, Verdict
from diffing.grouping import CONFIRMED, Finding, Member
from diffing.ledger import Ledger, RouteTally, Tally
from replayer.alert_settings import SlackSettings
from replayer.alerts.alerting import Alerting, facts
from replayer.alerts.ways import Ways, open_ways
from replayer.reports.model import RunReport
from replayer.settings import Settings
from replayer.store import Store

from ...services.slack import FakeSlack

SLACK = SlackSettings(
    "#releases", (("payments", "#payments-alerts"),), (("payments", "here"),), "https://ci.example/runs/{run}"
)
SECRET = "4111 1111 1111 1111"
"""Stands in findings as a recorded value, and must stand in no message."""


def finding(number: int, severity: Severity, method: str, route: str, path: str, transition: str) -> Finding:
    part = Part.BODY if path else Part.STATUS
    fingerprint = f"{number:016x}"
    return Finding(
        fingerprint=fingerprint,
        severity=severity,
        kind="type" if path else "status",
        method=method,
        route=route,
        location=Location(part, path),
        transition=transition,
        baseline=SECRET,
        candidate=f"not {SECRET}",
        count=12,
        out_of=40,
        state=CONFIRMED,
        members=(Member(fingerprint, method, route, Location(part, path), 12),),
        story=None,
        tags=("payments",) if "/payments" in route else (),
        exemplars=("e1",),
        exchanges=("e1",),
        detail=f"was {SECRET}",
    )


PAYMENTS = (
    finding(1, Severity.BREAKING, "POST", "/api/payments", "", "201 -> 500"),
    finding(2, Severity.BREAKING, "GET", "/api/payments/<int:id>", "$.amount", "int -> str"),
    finding(3, Severity.MAJOR, "GET", "/api/payments", "$.items[*].currency", "present -> missing"),
)
OTHERS = tuple(
    finding(number, Severity.BREAKING, "GET", f"/api/catalog/shelf-{number - 3}", "$.price", "int -> str")
    for number in range(4, 41)
)
FORTY = (*PAYMENTS[:2], *OTHERS, PAYMENTS[2])
"""The most important first, as a report has them."""


def started(store: Store, branch: str = "feature/prices") -> str:
    """A run of a recording of the shop, and its id."""
    known = {info.name: info for info in store.recordings()}
    info = known.get("shop-week-48") or store.create_recording(
        "shop-week-48", service="shop", release="1", key_id="k", source="a test"
    )
    return store.create_run(info.id, candidate="next", branch=branch, commit="9f8e7d6c5b4a39281706")


def report_of(
    run: str, findings: Sequence[Finding] = (), *, outcome: Outcome | None = None, approvals: Approvals | None = None
) -> RunReport:
    """What the gate says of these findings, all of which fail it."""
    outcome = outcome or (Outcome.FAIL if findings else Outcome.PASS)
    code = {Outcome.FAIL: 1, Outcome.PASS: 0, Outcome.INCONCLUSIVE: 3}[outcome]
    blocking = tuple(each.fingerprint for each in findings)
    tally = Tally(seen=40, recorded=40, matched=28, differed=12)
    routes = {(each.method, each.route) for each in FORTY}
    return RunReport(
        run_id=run,
        recording="shop-week-48",
        candidate="next",
        verdict=Verdict(outcome, ("a reason",), code, blocking),
        branch="feature/prices",
        ledger=Ledger(tally, tuple(RouteTally(method, route, tally) for method, route in sorted(routes))),
        findings=tuple(findings),
    )


def ways_to(slack: FakeSlack, **environ: str) -> Ways:
    """The bot of this server."""
    given = {"UNDERSTUDY_SLACK_TOKEN": slack.token, "UNDERSTUDY_SLACK_API": slack.api, **environ}
    return open_ways(Settings(slack=SLACK), given)


def alerting(store: Store, run: str, ways: Ways, branch: str = "feature/prices", patience: float = 5.0) -> Alerting:
    head = facts(run, "shop", "shop-week-48", "next", branch, "9f8e7d6c5b4a39281706")
    return Alerting(store, ways, head, Policy(), Approvals(), patience)


def sent_so_far(alerts: Alerting) -> None:
    """Waits for what is sent while the run is under way."""
    alerts._sender.submit(lambda: None).result()


def lighter(one: Finding) -> Finding:
    return replace(one, severity=Severity.MAJOR)
