"""What every report for people remarks on a finding, beside the change itself."""

from __future__ import annotations

from collections.abc import Iterator

from diffing.grouping import Finding

from . import selection_wording
from .approval_wording import approved_words, standing_note
from .model import RunReport
from .wording import state_note


def remarks(report: RunReport, finding: Finding) -> Iterator[str]:
    """What people said of it, whether it came back, how much of the traffic it touches. Not made visible."""
    standing = report.standing(finding)
    if words := approved_words(standing) if standing.approved else standing_note(standing):
        yield words
    if note := state_note(finding):
        yield note
    if words := selection_wording.affected(report.selection, finding):
        yield words
