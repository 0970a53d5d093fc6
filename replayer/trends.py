"""How the runs of a recording have gone: a few figures of each."""

from __future__ import annotations

from dataclasses import dataclass

from .store import RunInfo, Store
from .summary import summary_of

RUNS = 50
"""The latest runs that are looked at."""


@dataclass(frozen=True, slots=True)
class Point:
    """One finished run. None: it did not measure that."""

    run: RunInfo
    findings: int
    escapes: int | None  # faults that a self-test planted, and that were not found
    coverage: float | None  # of the known routes, the share that was replayed
    seconds: float  # to its verdict


def trend(store: Store, recording: str) -> tuple[Point, ...]:
    """The latest finished runs of a recording, by its name, the oldest first."""
    runs = [run for run in store.runs() if run.recording == recording and run.is_judged][:RUNS]
    return tuple(_point(store, run) for run in reversed(runs))


def _point(store: Store, run: RunInfo) -> Point:
    """A run of a version that kept no summary has its report unpacked."""
    figures = run.summary or summary_of(store.run_report(run.id))
    known, planted = figures["routes_known"], figures["planted"]
    return Point(
        run=run,
        findings=sum(figures["findings"].values()),
        escapes=None if planted is None else planted - figures["caught"],
        coverage=figures["routes_replayed"] / known if known else None,
        seconds=figures["seconds"],
    )
