"""Since when a finding is there: the run of a service in which it was seen first, and the release that this judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from diffing.grouping import Finding
from diffing.standing import marks

if TYPE_CHECKING:
    from .reports.model import RunReport
    from .store import RecordingInfo, Store


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """The run in which a finding was seen first, and what that judged."""

    run: str  # its id; it may be gone by now
    at: float  # seconds since the epoch when it began
    candidate: str = ""
    branch: str = ""
    commit: str = ""
    number: int = field(default=0, compare=False)  # what was noted later has a higher one; 0: it is not kept

    @property
    def release(self) -> str:
        """What names the release, in a word: the commit, else the branch, else the candidate."""
        return self.commit[:12] or self.branch or self.candidate


def project_of(info: RecordingInfo) -> str:
    """Whose runs are looked at: those of the recording's service, or of the recording where it names none."""
    return info.service or info.name


def first_seen(store: Store, project: str, findings: Sequence[Finding]) -> Mapping[str, FirstSeen]:
    """Where each finding was seen first, by its fingerprint: itself, or one of its places."""
    known = store.first_seen(project, {mark for finding in findings for mark in marks(finding)})
    found = {each.fingerprint: [known[mark] for mark in marks(each) if mark in known] for each in findings}
    return {mark: min(seen, key=lambda one: (one.at, one.number)) for mark, seen in found.items() if seen}


def noted(store: Store, project: str, report: RunReport) -> RunReport:
    """The report with where its findings were seen first, which may be here: then that is kept.

    A finding that was replayed alone was seen before.
    """
    if not report.retrial:
        here = FirstSeen(report.run_id, report.started_at, report.candidate, report.branch, report.commit)
        store.note_first_seen(project, {mark for each in report.findings for mark in marks(each)}, here)
    return replace(report, first_seen=first_seen(store, project, report.findings))
