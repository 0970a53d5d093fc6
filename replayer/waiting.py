"""Waiting for people: a run that findings hold back is judged again when they are approved, without another replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from diffing.approvals import Approvals
from diffing.gate import Evidence, Policy, judge_run
from diffing.standing import approved_fingerprints, aside_fingerprints, standings, unseen

from .errors import UnderstudyError
from .rehearsal import Watcher
from .reports.approval_wording import authors
from .reports.model import RunReport
from .reports.wording import counted, visible

POLL_SECONDS = 2.0
"""How often people are asked after: short for them, and nothing for a database."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that has been judged, and how to look for what people say of it meanwhile."""

    evidence: Evidence
    policy: Policy
    look: Callable[[], Approvals]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def wait(self, report: RunReport, seconds: float, watcher: Watcher) -> RunReport:
        """The report with the last verdict: once it passes, once approvals can not turn it, or when time is over.

        What can not be looked up for a while (a database that is away, a file that is being written) ends nothing.
        """
        end = self.clock() + seconds
        told = failed = ""
        while self.could_pass(report) and (left := end - self.clock()) > 0:
            if (now := _said(report)) != told:
                watcher.stage(now)
                told = now
            watcher.progress("waiting", int(seconds - left), int(seconds))
            self.sleep(min(POLL_SECONDS, left))
            try:
                report = self.judged(report, self.look())
            except UnderstudyError as failure:
                if failure.message != failed:
                    watcher.stage(f"can not look for approvals: {visible(failure.message)}")
                    failed = failure.message
        return report

    def could_pass(self, report: RunReport) -> bool:
        """Whether it does not pass, and would if all that nobody holds back were approved."""
        if not report.verdict.exit_code:
            return False
        held = {mark for mark, each in report.standings.items() if each.rejections or each.environments}
        rest = frozenset(each.fingerprint for each in self.evidence.findings) - held
        return not judge_run(self.evidence, self.policy, rest).exit_code

    def judged(self, report: RunReport, approvals: Approvals) -> RunReport:
        """The same run in the light of what has been said by now."""
        said = standings(self.evidence.findings, approvals, self.policy)
        return replace(
            report,
            verdict=judge_run(self.evidence, self.policy, approved_fingerprints(said), aside_fingerprints(said)),
            standings=said,
            unseen=unseen(self.evidence.findings, approvals, self.evidence.ledger),
        )


def _said(report: RunReport) -> str:
    """`waiting for approval of 3 findings; 1 is approved, by ann`."""
    approvals = {each.id: each for finding in report.approved for each in report.standing(finding).approvals}
    known = f"; {len(report.approved)} approved, by {visible(authors([*approvals.values()]))}" if approvals else ""
    return f"waiting for approval of {counted(len(report.blocking or report.open), 'finding')}{known}"
