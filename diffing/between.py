"""What two runs found, held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .grouping import Finding
from .ledger import Ledger
from .routes import canonical
from .standing import looked_at, marks


@dataclass(frozen=True, slots=True)
class Between:
    """What became of the findings from an earlier run to a later one.

    Findings are the same when they share a fingerprint, be it one of their members': what leads a finding may change.
    """

    new: tuple[Finding, ...]  # of the later run
    graver: tuple[tuple[Finding, Finding], ...]  # (earlier, later)
    still: tuple[tuple[Finding, Finding], ...]  # (earlier, later), no graver than it was
    gone: tuple[Finding, ...]  # of the earlier run
    unknown: tuple[Finding, ...]  # of the earlier run: the later one compared nothing of their routes


def between(earlier: Sequence[Finding], later: Sequence[Finding], ledger: Ledger) -> Between:
    """Holds two runs' findings against each other; `ledger` is that of the later run."""
    by_mark = {mark: finding for finding in reversed(earlier) for mark in marks(finding)}
    before = {id(finding): [by_mark[mark] for mark in marks(finding) if mark in by_mark] for finding in later}
    pairs = [(min(before[id(each)], key=lambda was: was.severity.rank), each) for each in later if before[id(each)]]
    graver = tuple((was, now) for was, now in pairs if now.severity.rank < was.severity.rank)
    seen = {mark for finding in later for mark in marks(finding)}
    left = [finding for finding in earlier if seen.isdisjoint(marks(finding))]
    routes = looked_at(ledger)
    gone = [each for each in left if (each.method.upper(), canonical(each.route)) in routes]
    return Between(
        new=tuple(each for each in later if not before[id(each)]),
        graver=graver,
        still=tuple(pair for pair in pairs if pair not in graver),
        gone=tuple(gone),
        unknown=tuple(each for each in left if each not in gone),
    )
