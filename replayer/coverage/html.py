"""A coverage report as one HTML file: a heat map of routes and statuses. No network, no script, light and dark."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment
from markupsafe import Markup

from ..reports import wording
from ..reports.templating import environment_of, source_of
from .lines import Figure
from .model import CoverageReport, RouteCell, StatusCell
from .report import words

HEATS = (10, 100, 1000)
"""Exchanges from which on a cell is darker."""


def to_html(report: CoverageReport) -> str:
    """The whole report. Everything that was recorded is escaped, control characters included."""
    style = files(__package__).joinpath("templates", "coverage.css").read_text("utf-8")
    return (
        _environment()
        .get_template("coverage.html.j2")
        .render(
            report=report,
            routes=sorted(report.routes, key=lambda each: (not each.known, each.route, each.method)),
            statuses=sorted({cell.status for route in report.routes for cell in route.cells}),
            figures=[*_figures(report)],
            style=Markup(style),
            security_policy=f"default-src 'none'; style-src {source_of(style)}; base-uri 'none'; form-action 'none'",
        )
    )


def _figures(report: CoverageReport) -> list[tuple[str, Figure]]:
    found = [
        ("Routes seen", report.seen),
        ("Routes replayed", report.replayed),
        ("Statuses", report.statuses),
        ("Routes with an error answer", report.error_paths),
    ]
    if report.new_routes is not None:
        found.append(("New routes replayed", report.new_routes))
    if report.lines is not None:
        found.append(("New lines that ran", report.lines.figure))
    return found


def cell_at(route: RouteCell, status: str) -> StatusCell | None:
    """The cell of one column."""
    return next((cell for cell in route.cells if cell.status == status), None)


def heat(cell: StatusCell) -> int:
    """0 without an exchange, then 1 to 4 by how many there are."""
    return warmth(max(cell.seen, cell.replayed))


def warmth(count: int) -> int:
    """0 for none, then 1 to 4 by how many exchanges there are."""
    return 1 + sum(count >= limit for limit in HEATS) if count else 0


@cache
def _environment() -> Environment:
    environment = environment_of(__package__)
    environment.globals.update(at=cell_at, heat=heat, number=wording.number, words=words)
    return environment
