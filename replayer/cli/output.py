"""Everything that the command line says: the one module that prints."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from diffing.approvals import Approval, Scope
from diffing.grouping import Finding
from diffing.standing import Standing

from ..errors import UnderstudyError
from ..logs import told
from ..rehearsal import Watcher
from ..reports.approval_wording import DONE, standing_words
from ..reports.wording import change, counted, route, visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ..approving import Decided
    from ..checks import Check
    from ..ingest import ImportReport
    from ..reports.model import RunReport
    from ..store import DamageRecord, Gaps, RecordingInfo


def say(text: str) -> None:
    """A line on standard output."""
    print(text)


def note(text: str) -> None:
    """A line on standard error, where it does not disturb a report on standard output."""
    if not told(text):
        print(text, file=sys.stderr, flush=True)


def data(value: Any) -> None:
    """JSON on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def error(failure: UnderstudyError) -> None:
    """What went wrong, and what to do next."""
    if told(f"{failure.message} {failure.hint}", logging.ERROR):
        return
    note(f"understudy: {failure.message}")
    if failure.hint:
        note(f"  {failure.hint}")


def usage(failure: Exception) -> None:
    """What is wrong with the words of a command, in click's own words; the whole help when there were none."""
    show: Callable[[], None] = failure.show  # type: ignore[attr-defined]  # of click, or of the one inside typer
    show()


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns; numbers to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    numeric = [all(isinstance(cell, int | float) for cell in column) for column in zip(*rows, strict=False)]
    widths = [max([len(h), *(len(row[i]) for row in texts)]) for i, h in enumerate(headings)]
    for row in [list(headings), *texts]:
        cells = (
            cell.rjust(width) if i < len(numeric) and numeric[i] else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        say("  ".join(cells).rstrip())


def imported(report: ImportReport) -> None:
    """What an import read and what became of it."""
    name = report.recording.name
    if report.reused:
        say(f"{name}: imported before, with the same content; {report.recording.exchanges} exchanges.")
    else:
        processes = f"{report.producers or 1} {'process' if report.producers <= 1 else 'processes'}"
        say(f"{name}: {counted(report.added, 'exchange')} of {processes} from {counted(report.files, 'file')}.")
    if report.duplicates:
        say(f"  {report.duplicates} were there already")
    for why, count in report.skipped:
        say(f"  skipped {count}: {why}")
    if report.missing:
        say(f"  missing {report.missing} by their sequence numbers; {report.lost} of them reported by no process")
    _torn(report.damage, report.damaged, report.bytes_lost)
    for text in report.notes:
        say(f"  {text}")


def incomplete(recording: RecordingInfo, gaps: Gaps, damage: Sequence[DamageRecord]) -> None:
    """What a recording does not hold, and that it may still grow."""
    if recording.closed is None:
        say("  open: exchanges may still be added")
    if gaps.missing:
        say(f"  missing {gaps.missing} by their sequence numbers; {gaps.lost} of them reported by no process")
    _torn(damage, len(damage), sum(piece.bytes_lost for piece in damage))


def _torn(damage: Sequence[DamageRecord], pieces: int, bytes_lost: int) -> None:
    for piece in damage[:10]:
        at, lost = (f" at byte {piece.offset}", f" ({piece.bytes_lost} bytes)") if piece.bytes_lost else ("", "")
        say(visible(f"  torn: {piece.path}{at}: {piece.reason}{lost}"))
    if pieces > 10:
        say(f"  torn: {pieces - 10} more places; {bytes_lost} bytes lost in all")


def checks(found: Sequence[Check]) -> None:
    """What was looked at, a line each, with the next step where there is one."""
    rows = [
        (check.state.value, visible(check.subject), check.what, visible(" ".join((check.said, check.hint)).strip()))
        for check in found
    ]
    table(("state", "of", "what", "found"), rows)


def findings(rows: Sequence[tuple[Finding, Standing]]) -> None:
    """A run's findings, and what people say of them."""
    headings = ("fingerprint", "severity", "route", "place", "kind", "change", "exchanges", "said")
    table(
        headings,
        [
            (
                finding.fingerprint,
                finding.severity.value,
                visible(f"{finding.method} {finding.route}"),
                visible(f"{finding.location.part.value} {finding.location.path}".strip()),
                finding.kind,
                visible(finding.transition),
                finding.count,
                visible(standing_words(standing)),
            )
            for finding, standing in rows
        ],
    )


def decided(outcome: Decided) -> None:
    """What was kept, where, and what follows."""
    approval = outcome.approval
    done = DONE[approval.decision]
    places = f"{len(approval.members)} places" if len(approval.members) > 1 else "1 place"
    scope = "always" if approval.scope is Scope.ALWAYS else f"{approval.scope.value} {approval.of}"
    until = f" until {approval.until}" if approval.until else ""
    say(visible(f"{done}: {route(approval.subject)} {change(approval.subject)} ({approval.fingerprint}, {places})"))
    say(visible(f"  by {approval.author}, {scope}{until}: {approval.reason}"))
    if outcome.homes:
        say(visible(f"  kept as {approval.id} in {' and in '.join(outcome.homes)}"))
    else:
        say(f"  nothing to do: kept before as {approval.id}")
    for other in outcome.against:
        say(visible(f"  overrules {other.id} by {other.author}"))
    if approval.decision.lets_pass and approval.scope is Scope.RUN:
        say("  It holds for this run alone: the next run asks again. --scope branch or always holds longer.")


def turned(before: RunReport, after: RunReport) -> str:
    """What people said while a gate waited, and what it came to."""
    known = {each.fingerprint: before.standing(each) for each in before.findings}
    lines = [
        f"{route(each)} {change(each)} ({each.fingerprint}): {standing_words(now)}"
        for each in after.findings
        if (now := after.standing(each)) != known[each.fingerprint]
    ]
    verdict = after.verdict
    outcome = f"{verdict.outcome.value.upper()}  {' '.join(verdict.reasons)}"
    return visible("\n".join(["Said while the gate waited:", *lines, "", outcome]), keep="\n")


def withdrawn(approval: Approval) -> None:
    """What was taken back."""
    what = approval.decision.noun
    say(visible(f"withdrawn: the {what} {approval.id} of {route(approval.subject)} {change(approval.subject)}"))


def approvals(entries: Sequence[tuple[Approval, str]], notes: Sequence[str]) -> None:
    """Everything that was ever decided."""
    table(
        ("id", "decision", "state", "change", "fingerprint", "scope", "until", "by", "kept in", "reason"),
        [
            (
                visible(each.id),
                each.decision.value,
                state,
                f"{route(each.subject)} {change(each.subject)}",
                visible(each.fingerprint),
                visible(f"{each.scope.value} {each.of}".strip()),
                each.until or "",
                visible(each.author),
                " and ".join(["file"] * each.filed + ["store"] * each.stored),
                visible(each.reason),
            )
            for each, state in entries
        ],
    )
    for text in notes:
        note(visible(text))


class PlainWatcher(Watcher):
    """Progress as plain lines, for logs: each stage, and each quarter of a pass."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._quarter = 0

    def stage(self, text: str) -> None:
        self._quarter = 0
        note(f"[{time.monotonic() - self._started:6.1f} s] {text}")

    def progress(self, name: str, done: int, total: int) -> None:
        quarter = 4 * done // max(1, total)
        if quarter > self._quarter:
            self._quarter = quarter
            note(f"[{time.monotonic() - self._started:6.1f} s]   {name}: {done} of {total}")


class BarWatcher(Watcher):
    """Progress as a bar, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar: Progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None
        self._bar.start()

    def stage(self, text: str) -> None:
        self._finish()
        self._task = self._bar.add_task(text, total=None)

    def progress(self, name: str, done: int, total: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=total)

    def close(self) -> None:
        """Leaves the bars as they stand, every stage ended."""
        self._finish()
        self._bar.stop()

    def _finish(self) -> None:
        """A stage that had nothing to count is one step, done."""
        if self._task is not None and self._bar.tasks[self._task].total is None:
            self._bar.update(self._task, completed=1, total=1)


@contextmanager
def watching() -> Iterator[Watcher]:
    """A bar on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield PlainWatcher()
        return
    bar = BarWatcher()
    try:
        yield bar
    finally:
        bar.close()
