"""What a coverage report says: every route with the statuses that were seen and replayed, and the figures over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .lines import Figure, NewLines


@dataclass(frozen=True, slots=True)
class StatusCell:
    """One status of a route: how often it was recorded, and how often the candidate of the run answered with it."""

    status: str  # "200"; "none" for exchanges without a response
    seen: int
    replayed: int


@dataclass(frozen=True, slots=True)
class RouteCell:
    """One route. Without any traffic its cells are those that a description names, or none."""

    method: str
    route: str
    cells: tuple[StatusCell, ...] = ()
    known: bool = True  # it is one of those that are asked for
    new: bool = False  # the candidate has it, and the baseline has not

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def seen(self) -> int:
        return sum(cell.seen for cell in self.cells)

    @property
    def replayed(self) -> int:
        return sum(cell.replayed for cell in self.cells)

    @property
    def state(self) -> str:
        """How far it got: "replayed", "seen" or "unseen"."""
        return "replayed" if self.replayed else "seen" if self.seen else "unseen"

    @property
    def error_path(self) -> str:
        """The same of its answers from 400 on."""
        errors = [cell for cell in self.cells if cell.status >= "400" and cell.status.isdigit()]
        if any(cell.replayed for cell in errors):
            return "replayed"
        return "seen" if any(cell.seen for cell in errors) else "unseen"


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """A recording's coverage, and that of a run of it where there is one."""

    recording: str
    source: str  # who says which routes there are, for people
    routes: Sequence[RouteCell]
    run: str = ""  # "": nothing was replayed yet
    excluded: Sequence[str] = ()  # patterns of routes that are not asked for
    new_known: bool = False  # both sides said which routes they have
    lines: NewLines | None = None  # None: not asked for
    min_new: float = 0.0  # of the policy
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def known(self) -> list[RouteCell]:
        return [route for route in self.routes if route.known]

    @property
    def seen(self) -> Figure:
        return Figure(sum(route.state != "unseen" for route in self.known), len(self.known))

    @property
    def replayed(self) -> Figure:
        return Figure(sum(route.state == "replayed" for route in self.known), len(self.known))

    @property
    def figure(self) -> Figure:
        """The one that a team watches: routes replayed, or seen as long as nothing was replayed."""
        return self.replayed if self.run else self.seen

    @property
    def statuses(self) -> Figure:
        """Pairs of a route and a status that were reached in the same sense, of those that anybody knows of."""
        cells = [cell for route in self.known for cell in route.cells]
        return Figure(sum(bool(cell.replayed if self.run else cell.seen) for cell in cells), len(cells))

    @property
    def error_paths(self) -> Figure:
        """Routes of which an error answer was reached in the same sense."""
        wanted = ("replayed",) if self.run else ("replayed", "seen")
        return Figure(sum(route.error_path in wanted for route in self.known), len(self.known))

    @property
    def new_routes(self) -> Figure | None:
        """New routes that were replayed; None when nobody can tell which are new."""
        if not self.new_known:
            return None
        new = [route for route in self.known if route.new]
        return Figure(sum(route.state == "replayed" for route in new), len(new))

    @property
    def short(self) -> list[str]:
        """What of the new falls short of what policy asks for, in sentences."""
        ran = self.lines.figure if self.lines is not None else None
        measured = ((self.new_routes, "new routes were replayed"), (ran, "new lines ran"))
        return [
            f"{figure.count} of {figure.of} {what}"
            for figure, what in measured
            if self.min_new and figure is not None and figure.of and figure.share < self.min_new
        ]
