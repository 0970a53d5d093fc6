"""What people look at and decide once runs are over: the door through which the dashboard comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from diffing.approvals import Approval, Approvals, Decision, Scope
from diffing.between import Between, between
from diffing.grouping import Finding
from diffing.standing import marks, standings, unseen
from recorder.exchange import Exchange, RouteCount

from .approving import MOST_AT_ONCE as MOST_AT_ONCE
from .approving import Book, Decided, Wish, approvals_path
from .coverage.html import warmth as warmth
from .errors import UsageError
from .first_seen import first_seen, project_of
from .flakiness import FLAKY_RUNS as FLAKY_RUNS
from .flakiness import Flakiness as Flakiness
from .flakiness import FlakyShelf as FlakyShelf
from .formats.curl import to_curl
from .ingest import ImportReport as ImportReport
from .ingest import import_path
from .judging import policy_of
from .reports import wording as wording
from .reports.exchange_sides import Section as Section
from .reports.exchange_sides import places_of as places_of
from .reports.exchange_sides import sections as sections
from .reports.exchange_sides import text_of as text_of
from .reports.html import side_by_side as side_by_side
from .reports.html import to_html as to_html
from .reports.json_report import finding_json, to_json
from .reports.markdown import finding_markdown as finding_markdown
from .reports.model import CoverageRoute as CoverageRoute
from .reports.model import RunReport as RunReport
from .reports.reading import report_of
from .reports.remarks import remarks as remarks
from .reports.retrial_wording import outcome as outcome
from .reports.sides import Row as Row
from .reports.templating import environment_of as environment_of
from .service import end_run, run_report
from .settings import Settings
from .sightings import Sighting as Sighting
from .sightings import came_of as came_of
from .sightings import sightings
from .store import Gaps, RecordingInfo, RunInfo, Store, StoredAnswer
from .summary import FoundByNow as FoundByNow
from .summary import read_found
from .summary import sketch as sketch
from .supervision import state_of as state_of
from .trends import Point, trend

BASELINE, CANDIDATE = "baseline 1", "candidate"
"""The passes of which answers are kept."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One exchange that shows a finding, and what both sides answered to it. None: it is not kept any more."""

    exchange_id: str
    recorded: Exchange | None
    baseline: StoredAnswer | None
    candidate: StoredAnswer | None


@dataclass(frozen=True, slots=True)
class RecordingDetail:
    """A recording, and what of it is not there."""

    info: RecordingInfo
    gaps: Gaps
    damaged: int  # pieces of its source that could not be read
    routes: tuple[RouteCount, ...]  # as its producers counted; empty when none has


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody wants to say of a finding, as it was typed."""

    decision: Decision
    reason: str
    scope: Scope = Scope.ALWAYS
    until: date | None = None


class Review:
    """The runs of one store, with what is said of their findings by now. An unknown id is a UsageError everywhere."""

    def __init__(self, store: Store, settings: Settings, shelf: FlakyShelf | None = None) -> None:
        self._store = store
        self._settings = settings
        self._shelf = shelf or FlakyShelf()

    def runs(self) -> list[RunInfo]:
        """All runs, the newest first."""
        return self._store.runs()

    def run(self, run: str) -> RunInfo:
        """One run, by its id or the beginning of it."""
        return self._store.run(run)

    def recordings(self) -> list[RecordingInfo]:
        """All recordings, by name."""
        return self._store.recordings()

    def recording(self, name_or_id: str | int) -> RecordingDetail:
        """One recording, with what its producers counted."""
        info = self._store.recording(name_or_id)
        damaged = len(self._store.damage(info.id))
        return RecordingDetail(info, self._store.gaps(info), damaged, tuple(self._store.seen_counts(info)))

    def add_recording(self, path: Path, name: str, by: str) -> ImportReport:
        """Imports a file that somebody sent, as `recordings import` does. The same content again adds nothing."""
        report = import_path(self._store, path, name or None, origin=f"sent by {by}")
        self._store.note(by, "recording.sent", report.recording.name)
        return report

    def trend(self, recording: str) -> tuple[Point, ...]:
        """The latest finished runs of a recording, the oldest first; none for a name that no run has."""
        return trend(self._store, recording)

    def found(self, run: str) -> FoundByNow:
        """What a run under way has found by now, by its whole id."""
        return read_found(self._store.found(run))

    def age(self, run: RunInfo) -> float | None:
        """Seconds from the last exchange of the recording to the start of a run; None: it is gone, or empty."""
        last = self._store.recording(run.recording_id).last if run.recording_id is not None else None
        return None if last is None else max(0.0, run.started - last)

    def stop(self, run: str, by: str) -> None:
        """Asks a run that is under way to end."""
        self._store.note(by, "run.cancelled", end_run(self._store, run, by))

    def report(self, run: str) -> RunReport:
        """The report of a finished run: its verdict as it was given, the standing of its findings as it is now."""
        report = self._dated(report_of(run_report(self._store, run)))
        said = self._approvals(report)
        return replace(
            report,
            standings=standings(report.findings, said, policy_of(self._settings)),
            unseen=() if report.retrial else unseen(report.findings, said, report.ledger),
        )

    def finding(self, report: RunReport, fingerprint: str) -> Finding:
        """One finding of a report, by its fingerprint."""
        found = next((each for each in report.findings if each.fingerprint == fingerprint), None)
        if found is None:
            raise UsageError(f"The run {report.run_id} has no finding {fingerprint!r}.")
        return found

    def sightings(self, run: RunInfo, finding: Finding) -> list[Sighting]:
        """In which of the latest runs of the same recording the finding shows, the newest first."""
        return sightings(self._store, run.recording, finding)

    def between(self, run: str, other: str) -> tuple[RunReport, RunReport, Between]:
        """A run beside an earlier one: both reports, and what is new in it, gone, still there, or graver."""
        for each in map(self._store.run, (run, other)):
            if each.finding:
                raise UsageError(f"The run {each.id} replayed one finding alone: no run can be held against it.")
        later, earlier = self.report(run), self.report(other)
        return later, earlier, between(earlier.findings, later.findings, later.ledger)

    def flakiness(self, run: RunInfo) -> dict[tuple[str, str], Flakiness]:
        """In which share of the latest runs of its service a route had flaky findings, by method and route."""
        return self._shelf.of(self._store, run)

    def retrials(self, run: RunInfo, finding: Finding) -> list[RunInfo]:
        """The runs of the recording that replayed a finding alone, the newest first; those under way, too."""
        wanted = set(marks(finding))
        return [each for each in self._store.runs() if each.finding in wanted and each.recording == run.recording]

    def reviewers(self, finding: Finding) -> int:
        """How many people have to approve a finding."""
        return policy_of(self._settings).reviewers(finding.tags)

    def exemplar(self, run: RunInfo, exchange_id: str) -> Exemplar:
        """An exchange with what both sides answered, as far as these are kept."""
        recorded = self._store.exchange(run.recording_id, exchange_id) if run.recording_id is not None else None
        return Exemplar(
            exchange_id,
            recorded,
            self._store.answer(run.id, BASELINE, exchange_id),
            self._store.answer(run.id, CANDIDATE, exchange_id),
        )

    def raw_body(self, run: RunInfo, exchange_id: str, side: str, by: str) -> bytes:
        """The body of the recorded `request`, or of the `baseline`'s or `candidate`'s answer, as it is kept: redacted.

        Who reads it goes on record. Raises UsageError when it is not kept.
        """
        example = self.exemplar(run, exchange_id)
        answer = {"baseline": example.baseline, "candidate": example.candidate}.get(side)
        response = answer.response if answer is not None else None
        message = example.recorded.request if side == "request" and example.recorded is not None else response
        if message is None:
            raise UsageError(f"The {side} of the exchange {exchange_id} is not kept.")
        self._store.note(by, "body.read", f"{run.id} {exchange_id} {side}")
        return message.body.data

    def decide(self, run: str, fingerprint: str, verdict: Verdict, author: str) -> Decided:
        """Keeps what somebody says of a finding, in the store; a gate that waits hears of it.

        Raises UsageError as `Book.decide`. The file in the repository is not this server's to write.
        """
        wish = Wish(
            fingerprint, verdict.reason, author, verdict.decision, verdict.scope, verdict.until, run, store_only=True
        )
        return self._book().decide(wish)

    def decide_all(
        self, run: str, fingerprints: Sequence[str], verdict: Verdict, author: str
    ) -> tuple[str, tuple[Decided, ...]]:
        """Keeps what somebody says of several findings of a run, as `Book.decide_all` does."""
        wish = Wish("", verdict.reason, author, verdict.decision, verdict.scope, verdict.until, run, store_only=True)
        return self._book().decide_all(wish, fingerprints)

    def withdraw_all(self, group: str, author: str, reason: str = "") -> tuple[Approval, ...]:
        """Takes back what was decided on several findings at once; it stays on record."""
        return self._book().withdraw_all(group, author, reason)

    def withdraw(self, identity: str, author: str, reason: str = "") -> Approval:
        """Takes a decision back; it stays on record."""
        return self._book().withdraw(identity, author, reason)

    def decisions(self) -> Sequence[tuple[Approval, str]]:
        """Everything that was ever decided, the newest first, and what it is worth today."""
        return self._book().states()[::-1]

    def decisions_file(self) -> str:
        """What only the store has of decisions, as `understudy.approvals.toml`."""
        return self._book().export()

    def decisions_on(self, finding: Finding) -> list[tuple[Approval, str]]:
        """What was decided on a finding or a member of it, in any run, the newest first."""
        marks = {finding.fingerprint, *(member.fingerprint for member in finding.members)}
        return [(each, worth) for each, worth in self.decisions() if each.covers & marks]

    def _dated(self, report: RunReport) -> RunReport:
        """The report with where its findings were seen first, which one of an earlier version does not say."""
        if report.first_seen or not report.findings:
            return report
        info = self._store.run(report.run_id)
        project = (
            report.recording if info.recording_id is None else project_of(self._store.recording(info.recording_id))
        )
        return replace(report, first_seen=first_seen(self._store, project, report.findings))

    def _book(self) -> Book:
        return Book(self._store, approvals_path(self._settings), datetime.now(UTC))

    def _approvals(self, report: RunReport) -> Approvals:
        return self._book().approvals(report.run_id, report.branch)


def document(report: RunReport) -> dict[str, Any]:
    """The JSON report of a run."""
    return to_json(report)


def finding_document(report: RunReport, finding: Finding) -> dict[str, Any]:
    """One finding, as the JSON report has it."""
    return finding_json(report, finding)


def curl_of(exchange: Exchange | None) -> str:
    """The recorded request as a command; "" where curl can not send it, or not all of it is kept."""
    try:
        return to_curl(exchange.request) if exchange is not None else ""
    except UsageError:
        return ""
