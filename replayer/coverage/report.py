"""A coverage report as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..reports.wording import clipped, counted, share, visible
from .lines import Figure
from .model import CoverageReport, RouteCell

VERSION = 1
MAX_MISSED = 10
"""Line numbers that are named of one file."""

HEADINGS = ("method", "route", "state", "seen", "replayed", "error path", "statuses")


def to_json(report: CoverageReport) -> dict[str, Any]:
    """The report as JSON-able data, version 1: fields are added, never renamed or removed."""
    return {
        "version": VERSION,
        "recording": report.recording,
        "run": report.run or None,
        "routes_from": report.source,
        "excluded": list(report.excluded),
        "figures": {
            "covered": _figure(report.figure),
            "seen": _figure(report.seen),
            "replayed": _figure(report.replayed),
            "statuses": _figure(report.statuses),
            "error_paths": _figure(report.error_paths),
            "new_routes": _figure(report.new_routes) if report.new_routes is not None else None,
            "new_lines": _figure(report.lines.figure) if report.lines is not None else None,
        },
        "routes": [
            {
                "method": route.method,
                "route": route.route,
                "state": route.state,
                "error_path": route.error_path,
                "known": route.known,
                "new": route.new,
                "statuses": {cell.status: {"seen": cell.seen, "replayed": cell.replayed} for cell in route.cells},
            }
            for route in report.routes
        ],
        "lines": None
        if report.lines is None
        else {
            "files": [
                {"path": each.path, "new": each.count, "missed": list(each.missed), "measured": each.measured}
                for each in report.lines.files
            ],
            "outside": list(report.lines.outside),
        },
        "min_new": report.min_new,
        "short": report.short,
        "notes": list(report.notes),
    }


def rows(report: CoverageReport) -> list[tuple[str, str, str, int, int, str, str]]:
    """The table, in the order of `HEADINGS`: what is missing most comes first."""
    order = {"unseen": 0, "seen": 1, "replayed": 2}
    return [
        (
            visible(route.method),
            visible(clipped(route.route, 70)),
            route.state + (", new" if route.new else "") + ("" if route.known else ", not asked for"),
            route.seen,
            route.replayed,
            route.error_path,
            statuses(route),
        )
        for route in sorted(report.routes, key=lambda each: (not each.known, order[each.state], each.route))
    ]


def statuses(route: RouteCell) -> str:
    """`200 (12 seen, 12 replayed)` in short: `200 12/12`."""
    return ", ".join(f"{cell.status} {cell.replayed}/{cell.seen}" for cell in route.cells)


def summary(report: CoverageReport) -> Iterator[str]:
    """The figures in sentences."""
    reached = "replayed" if report.run else "seen"
    run = f", run {report.run}" if report.run else ", not replayed yet"
    what = f"{words(report.figure)} of the routes of the {visible(report.source)} {reached}"
    yield f"{visible(report.recording)}{run}: {what}"
    yield f"  seen {words(report.seen)}, replayed {words(report.replayed)}"
    yield f"  statuses {reached} {words(report.statuses)}, routes with an error answer {words(report.error_paths)}"
    if report.new_routes is not None:
        yield f"  new routes replayed {words(report.new_routes)}"
    if report.lines is not None:
        yield f"  new lines that ran {words(report.lines.figure)}"
        for each in report.lines.files:
            if each.missed:
                more = f" and {len(each.missed) - MAX_MISSED} more" if len(each.missed) > MAX_MISSED else ""
                never = "" if each.measured else " (never loaded)"
                numbers = ", ".join(map(str, each.missed[:MAX_MISSED]))
                yield f"    {visible(each.path)}{never}: {numbers}{more} did not run"
        if report.lines.outside:
            yield f"    {counted(len(report.lines.outside), 'file')} of the diff that the report is not about"


def words(figure: Figure) -> str:
    """`94 % (113 of 120)`; `none` of nothing."""
    return "none" if not figure.of else f"{share(figure.share)} ({figure.count:,} of {figure.of:,})"


def _figure(figure: Figure) -> dict[str, Any]:
    return {"count": figure.count, "of": figure.of, "share": round(figure.share, 6)}
