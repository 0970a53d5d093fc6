"""What every report for people remarks on a finding, beside the change itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from diffing.grouping import Finding

from . import selection_wording
from .approval_wording import standing_words
from .model import RunReport
from .wording import state_note


def remarks(report: RunReport, finding: Finding, lasting: bool = False) -> Iterator[str]:
    """What people said of it, whether it came back, since when it is there, how much it touches. Not made visible.

    With `lasting`, in words that the next run would use as well.
    """
    if words := standing_words(report.standing(finding)):
        yield words
    if note := state_note(finding):
        yield note
    seen = report.first_seen.get(finding.fingerprint)
    if seen is not None:
        day = datetime.fromtimestamp(seen.at, UTC).date().isoformat()
        new = report.is_new(finding) and not lasting
        yield "new in this run" if new else f"first seen on {day} in the run {seen.run} ({seen.release})"
    if words := selection_wording.affected(report.selection, finding):
        yield words
