"""How the runs of a recording have gone: a few figures of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .store import RunInfo, Store

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
    runs = [run for run in store.runs() if run.recording == recording and run.state == "finished"][:RUNS]
    return tuple(_point(run, store.run_report(run.id)) for run in reversed(runs))


def _point(run: RunInfo, report: Mapping[str, Any]) -> Point:
    test, routes = report.get("self_test"), report["coverage"]
    return Point(
        run=run,
        findings=len(report["findings"]),
        escapes=test["planted"] - test["caught"] if test else None,
        coverage=routes["routes_replayed"] / routes["routes_known"] if routes["routes_known"] else None,
        seconds=report["run"]["seconds"],
    )
