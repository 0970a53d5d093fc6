"""Counts what was asked of which route, so that gaps are seen."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from .. import create_app
from ..config import Settings

IGNORED_METHODS = frozenset({"HEAD", "OPTIONS"})


def shop_routes() -> Map:
    """The shop's own URL map; making it touches no database."""
    return create_app(Settings(Path("/nonexistent/shop.db"))).url_map


def endpoints(routes: Map) -> list[tuple[str, Rule]]:
    """Every method of every route."""
    rules = [rule for rule in routes.iter_rules() if rule.endpoint != "static"]
    return [(method, rule) for rule in rules for method in sorted((rule.methods or set()) - IGNORED_METHODS)]


class Tally:
    """Answers by method, route and status; safe to share among threads."""

    def __init__(self) -> None:
        self.routes = shop_routes()
        self._adapter = self.routes.bind("shop")
        self._lock = threading.Lock()
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.problems: list[str] = []

    def note(self, method: str, path: str, status: int, detail: str = "") -> None:
        try:
            rule = str(self._adapter.match(path, method=method, return_rule=True)[0])
        except HTTPException:
            rule = ""
        with self._lock:
            self.counts[method, rule, status] += 1
            if status >= 500:
                self.problems.append(f"{status} {method} {path} {detail[:200]}")

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def missed(self) -> list[str]:
        """Endpoints that nobody called."""
        hit = {(method, rule) for method, rule, _ in self.counts}
        return [f"{method} {rule.rule}" for method, rule in endpoints(self.routes) if (method, rule.rule) not in hit]

    def never(self, low: int, high: int) -> list[str]:
        """Endpoints that never answered with a status in [low, high)."""
        hit = {(method, rule) for method, rule, status in self.counts if low <= status < high}
        return [f"{method} {rule.rule}" for method, rule in endpoints(self.routes) if (method, rule.rule) not in hit]

    def by_status(self) -> dict[int, int]:
        statuses: Counter[int] = Counter()
        for (_, _, status), count in self.counts.items():
            statuses[status] += count
        return dict(sorted(statuses.items()))
