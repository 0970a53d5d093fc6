"""The alerts of one run, from the first confirmed finding to the verdict.

Whatever goes wrong in here is logged and told in the report, and changes nothing else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from diffing.approvals import Approvals
from diffing.gate import Outcome, Policy
from diffing.grouping import FLAKY as IS_FLAKY
from diffing.grouping import Finding
from diffing.standing import approved_fingerprints, aside_fingerprints, marks, standings

from ..rehearsal import Watcher
from ..reports.model import AlertReport, RunReport
from ..reports.wording import counted
from ..store import Store
from ..store.alerts import DELIVERED, PlannedAlert, StoredAlert
from ..store.told import Ended, Subject
from .message import APPROVED, FLAKY, KNOWN, NONE, RESOLVED, Message, item_from, item_of, to_data
from .outbox import send_waiting
from .planning import Told, planned
from .public import public_target
from .ways import Ways

PATIENCE = 10.0
"""Seconds that the end of a run waits for messages to be taken."""
AT_ONCE = 5.0
"""Seconds for messages that go out while the run is under way; nothing waits for them."""
MAX_NAMED = 3

INCONCLUSIVE = "inconclusive"
OVERRUN = "overrun"
"""These stand for fingerprints: that a branch can not be judged, or fails without a finding, is told once, too."""

logger = logging.getLogger("understudy.alerts")


@dataclass(slots=True)
class Alerting:
    """What a run tells. A context manager: leaving it without a verdict says so where something was told before."""

    store: Store
    ways: Ways
    head: Message  # the facts of the run
    policy: Policy
    approvals: Approvals
    patience: float = PATIENCE
    clock: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep
    _sender: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "understudy-alerts"))
    _told: dict[str, Finding] = field(
        default_factory=dict
    )  # confirmed ones on tagged routes, while the run is under way
    _failures: list[str] = field(default_factory=list)
    _over: bool = False

    def __enter__(self) -> Alerting:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._over and self._told:
            with self._failing_open():
                self._plan(replace(self.head, verdict=NONE), list(self._told.values()), lambda *_: "")
                self._sender.submit(self._send, self.patience).result()
        self._sender.shutdown()
        self.ways.close()

    def confirmed(self, findings: Sequence[Finding]) -> None:
        """Tells confirmed findings on tagged routes at once, without waiting until that is done."""
        with self._failing_open():
            fresh = [each for each in self._grave(findings) if each.fingerprint not in self._told]
            if not fresh or not self.ways.ways:
                return
            self._told.update({each.fingerprint: each for each in fresh})
            self._plan(self.head, list(self._told.values()), lambda *_: "")
            self._sender.submit(self._send, AT_ONCE)

    def finished(self, report: RunReport) -> RunReport:
        """Tells the verdict, sends what waits, and gives back the report with what became of the alerts."""
        self._over = True
        earlier = {*undelivered(report.alerts), *self.ways.closed}  # where the verdict was told before
        notes = list(self.ways.closed)
        if self.ways.ways:
            with self._failing_open():
                self._plan(_head(self.head, report), _failing(report), partial(_ended, report))
                self._sender.submit(self._send, self.patience).result()
        found: tuple[AlertReport, ...] = ()
        with self._failing_open():
            found = alert_reports(self.store.alerts(report.run_id))
        notes += undelivered(found) + self._failures
        return replace(report, alerts=found, notes=(*(note for note in report.notes if note not in earlier), *notes))

    def _grave(self, findings: Sequence[Finding]) -> list[Finding]:
        """Those on tagged routes that would fail the gate."""
        said = standings(findings, self.approvals, self.policy)
        approved = approved_fingerprints(said) | aside_fingerprints(said)
        return [
            each
            for each in findings
            if each.tags
            and each.severity.rank <= self.policy.lightest_failing(each.tags).rank
            and each.fingerprint not in approved
        ]

    def _plan(self, head: Message, findings: Sequence[Finding], ended: Callable[[str, str, bool], str]) -> None:
        subjects = [_subject(each) for each in findings]
        standing = _standing(head.verdict, findings)
        if standing:
            subjects.append(Subject("", standing, 0, {}))

        def plan(
            news: Mapping[str, str], over: Sequence[Ended], before: Collection[tuple[str, str]]
        ) -> list[PlannedAlert]:
            items = [item_of(each, news[each.fingerprint]) for each in findings]
            done = [replace(item_from(each.item), news=each.how) for each in over if each.item]
            stands = news.get(standing, KNOWN) != KNOWN or any(not each.item for each in over)
            return [
                alert
                for way in self.ways.ways
                for alert in planned(
                    way, Told(head, items, done, [place for name, place in before if name == way.name], stands)
                )
            ]

        self.store.plan_alerts(head.run, (head.project, head.branch), subjects, ended, plan)

    def _send(self, patience: float) -> None:
        with self._failing_open():
            send_waiting(self.store, self.ways.messengers, patience, self.head.run, self.clock, self.wait)

    @contextmanager
    def _failing_open(self) -> Iterator[None]:
        try:
            yield
        except Exception as failure:
            logger.warning("alerts: %s: %s", type(failure).__name__, failure)
            self._failures.append(f"Alerts could not be prepared or sent: {type(failure).__name__}.")


class AlertingWatcher(Watcher):
    """Passes everything on, and has what is confirmed told at once."""

    def __init__(self, to: Watcher, alerting: Alerting) -> None:
        self._to = to
        self._alerting = alerting

    def stage(self, text: str) -> None:
        self._to.stage(text)

    def progress(self, name: str, done: int, total: int) -> None:
        self._to.progress(name, done, total)

    def seen(self, findings: Sequence[Finding]) -> None:
        self._to.seen(findings)

    def confirmed(self, findings: Sequence[Finding]) -> None:
        self._to.confirmed(findings)
        self._alerting.confirmed(findings)


def alert_reports(alerts: Sequence[StoredAlert]) -> tuple[AlertReport, ...]:
    """What became of messages, as reports show it."""
    return tuple(
        AlertReport(
            way=each.way,
            destination=each.destination,
            slot=each.slot,
            state=each.state,
            attempts=each.attempts,
            said=each.said or ("waits for the message above it" if each.below and not each.thread else ""),
        )
        for each in alerts
    )


def undelivered(alerts: Sequence[AlertReport]) -> list[str]:
    """A sentence where some are not delivered."""
    left = [each for each in alerts if each.state != DELIVERED]
    if not left:
        return []
    reasons = list(dict.fromkeys(f"{each.where}: {each.said}" for each in left if each.said))[:MAX_NAMED]
    said = f" ({'; '.join(reasons)})" if reasons else ""
    return [
        f"{counted(len(left), 'alert')} not delivered{said}. They are kept, and sent by later runs and by"
        " `understudy alerts send`."
    ]


def facts(run_id: str, project: str, recording: str, candidate: str, branch: str, commit: str) -> Message:
    """What every message of a run begins from."""
    return Message(
        run=run_id,
        project=project,
        recording=recording,
        candidate=public_target(candidate),
        branch=branch,
        commit=commit,
    )


def _subject(finding: Finding) -> Subject:
    route = f"{finding.method} {finding.route}"
    return Subject(
        route, finding.fingerprint, finding.severity.rank, to_data(Message(items=(item_of(finding),)))["items"][0]
    )


def _standing(verdict: str, findings: Sequence[Finding]) -> str:
    """What a verdict says that no finding does; "" for nothing."""
    if verdict == Outcome.FAIL.value:
        return "" if findings else OVERRUN
    return INCONCLUSIVE if verdict == Outcome.INCONCLUSIVE.value else ""


def _head(head: Message, report: RunReport) -> Message:
    verdict = report.verdict.outcome.value
    doubts = len(report.verdict.reasons) if _standing(verdict, _failing(report)) else 0
    return replace(head, verdict=verdict, doubts=doubts)


def _failing(report: RunReport) -> list[Finding]:
    return [each for each in report.findings if each.fingerprint in report.verdict.blocking]


def _ended(report: RunReport, route: str, fingerprint: str, by_this_run: bool) -> str:
    """How what was told before ended, as far as this run can tell; "" for what may be there still."""
    if fingerprint in (INCONCLUSIVE, OVERRUN):
        stands = report.verdict.outcome is Outcome.INCONCLUSIVE
        return "" if stands or fingerprint == _standing(report.verdict.outcome.value, _failing(report)) else RESOLVED
    finding = next((each for each in report.findings if fingerprint in marks(each)), None)
    if finding is not None:
        if report.standing(finding).approved:
            return APPROVED
        return FLAKY if by_this_run and finding.state == IS_FLAKY else ""
    compared = any(f"{each.method} {each.route}" == route and each.tally.compared for each in report.ledger.routes)
    conclusive = report.verdict.outcome is not Outcome.INCONCLUSIVE and not report.problems
    return RESOLVED if compared and conclusive else ""
