"""What one process saw, by method and route: the producer's part of the ledger."""

from __future__ import annotations

from collections.abc import Mapping

from .exchange import ProducerReport, RouteCount

RouteKey = tuple[str, str]  # method, route

_MAX_ROUTES = 10_000  # methods come from clients, and an application may name a route after each path
_REST: RouteKey = ("*", "")


class Counters:
    """Not locked: its owner is."""

    def __init__(self) -> None:
        self._rows: dict[RouteKey, list[int]] = {}  # seen, sampled out, dropped
        self._losses: dict[str, int] = {}
        self.changed = False

    def seen(self, key: RouteKey) -> None:
        row = self._rows.get(key)
        if row is None:
            row = self._row(key)
        row[0] += 1
        self.changed = True

    def sampled_out(self, key: RouteKey) -> None:
        row = self._row(key)
        row[0] += 1
        row[1] += 1

    def dropped(self, key: RouteKey, reason: str, count: int = 1) -> None:
        """Exchanges that were seen before, by this producer or by one whose spool file was dropped."""
        self._row(key)[2] += count
        self._losses[reason] = self._losses.get(reason, 0) + count

    def report(self, producer: str, at: float, failures: Mapping[str, int]) -> ProducerReport:
        """Everything so far. `failures` of our own steps stand beside the losses, under `failed: <step>`."""
        self.changed = False
        losses = dict(self._losses)
        for step, count in failures.items():
            losses[f"failed: {step}"] = count
        return ProducerReport(
            producer,
            at,
            tuple(RouteCount(method, route, *row) for (method, route), row in sorted(self._rows.items())),
            tuple(sorted(losses.items())),
        )

    def _row(self, key: RouteKey) -> list[int]:
        self.changed = True
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= _MAX_ROUTES:
                key = _REST
            row = self._rows.setdefault(key, [0, 0, 0])
        return row
