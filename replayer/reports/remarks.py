"""What every report for people remarks on a finding, beside the change itself."""

from __future__ import annotations

from collections.abc import Iterator

from diffing.grouping import Finding

from . import selection_wording
from .approval_wording import standing_words
from .model import RunReport
from .wording import state_note


def remarks(report: RunReport, finding: Finding) -> Iterator[str]:
    """What people said of it, whether it came back, how much of the traffic it touches. Not made visible."""
    if words := standing_words(report.standing(finding)):
        yield words
    if note := state_note(finding):
        yield note
    if words := selection_wording.affected(report.selection, finding):
        yield words
