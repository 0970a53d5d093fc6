"""How often routes are flaky: in which share of the latest runs a route had findings that came and went."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from diffing.grouping import FLAKY

from .first_seen import project_of
from .store import RunInfo, Store

FLAKY_RUNS = 20
"""The latest runs of a service that are looked at."""

KEPT = 100
"""Runs of which is remembered what they say: their reports take long to unpack, and go on saying the same."""

Route = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Flakiness:
    """Of `runs` that compared something of a route, how many had a flaky finding there."""

    flaky: int
    runs: int

    @property
    def share(self) -> float:
        return self.flaky / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True)
class _Said:
    """What one run says: the routes of which it compared something, and those that had a flaky finding."""

    compared: frozenset[Route]
    flaky: frozenset[Route]


class FlakyShelf:
    """What runs say of their routes, kept for whoever asks again."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[str, _Said] = {}

    def of(self, store: Store, run: RunInfo) -> dict[Route, Flakiness]:
        """The flakiness of each route, by the latest runs of a run's service."""
        with self._lock:  # who asks for the same meanwhile waits for it
            said = [self._said(store, each.id) for each in latest(store, run)]
        compared, flaky = Counter(_all(each.compared for each in said)), Counter(_all(each.flaky for each in said))
        return {route: Flakiness(flaky[route], count) for route, count in compared.items()}

    def _said(self, store: Store, run: str) -> _Said:
        found = self._kept.pop(run, None) or _read(store.run_report(run))
        self._kept[run] = found
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return found


def latest(store: Store, run: RunInfo) -> list[RunInfo]:
    """The latest runs of a run's service that judged a release, the newest first."""
    projects = {each.id: project_of(each) for each in store.recordings()}

    def project(each: RunInfo) -> str:
        return projects.get(each.recording_id or 0, each.recording)

    return [each for each in store.runs() if each.is_judged and project(each) == project(run)][:FLAKY_RUNS]


def _read(report: Mapping[str, Any]) -> _Said:
    compared = frozenset(
        (each["method"], each["route"])
        for each in report["ledger"]["routes"]
        if each["matched"] + each["differed"] + each["errored"]
    )
    flaky = [each for each in report["findings"] if each["state"] == FLAKY]
    places = {(place["method"], place["route"]) for each in flaky for place in (each, *each["members"])}
    return _Said(compared, compared & places)


def _all(routes: Iterable[frozenset[Route]]) -> Iterable[Route]:
    return (route for each in routes for route in each)
