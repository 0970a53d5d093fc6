"""Which recordings and runs go when room or their time is over: decisions, and what came of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .ages import DAY
from .errors import UsageError
from .store import Freed, RecordingInfo, RunInfo, Store

SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

Route = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is to be kept at most; None: no such limit."""

    older_than: float | None = None  # seconds since a recording was closed, or a run ended
    max_bytes: int | None = None
    keep_per_route: int = 0  # exchanges of each route of a service that stay in any case


@dataclass(frozen=True, slots=True)
class Gone:
    """One recording or run that was deleted, or would be."""

    name: str
    exchanges: int
    why: str


@dataclass(frozen=True, slots=True)
class Stayed:
    """One that was to be deleted, and is not."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """What came of it. `freed` is what a dry run would free at most."""

    gone: tuple[Gone, ...]
    stayed: tuple[Stayed, ...]
    freed: Freed
    bytes_left: int
    dry_run: bool


def size(text: str) -> int:
    """`5GB`, `500 MB` or `1000000` in bytes. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?) ?([KMGT]?B)?", text.strip().upper())
    if not match:
        raise UsageError(f"{text[:40]!r} is no size.", "Write a number and a unit: 500MB, 5GB.")
    return int(float(match[1]) * SIZES[match[2] or "B"])


def prune_recordings(store: Store, limits: Limits, now: float, *, dry_run: bool = False) -> Pruned:
    """Delete the oldest recordings that the limits leave no room for, each as a whole, so that none loses its state.

    Open recordings, those that a run under way reads, and those whose producers may still be counting never go.
    """
    if limits == Limits():
        raise UsageError("Nothing says what is to go.", "Give --older-than, --max-size or --keep-per-route.")
    everything = store.recordings()
    closed = sorted((info for info in everything if info.closed is not None), key=lambda info: info.closed or 0.0)
    held = _held(store, everything, now)
    routes = store.routes_kept() if limits.keep_per_route else {}
    services = {info.id: info.service for info in everything}
    gone: dict[int, Gone] = {}
    stayed: list[Stayed] = []
    for info in closed:
        why = _why(store, info, limits, now, gone)
        if not why:
            continue
        reason = held.get(info.id) or _scarce(info, routes, services, gone, limits.keep_per_route)
        if reason:
            stayed.append(Stayed(info.name, reason))
        else:
            gone[info.id] = Gone(info.name, info.exchanges, why)
    left = store.kept_bytes(tuple(gone))
    freed = Freed(0, store.kept_bytes() - left)
    if gone and not dry_run:
        freed = store.delete_recordings(gone)
    return Pruned(tuple(gone.values()), tuple(stayed), freed, left, dry_run)


def prune_runs(store: Store, older_than: float | None, keep: int, now: float, *, dry_run: bool = False) -> Pruned:
    """Delete runs that ended before, but for the `keep` newest of each recording. Approvals stay."""
    if older_than is None and keep <= 0:
        raise UsageError("Nothing says what is to go.", "Give --older-than or --keep.")
    held = store.runs_in_use()
    counted: dict[str, int] = {}
    gone, stayed = [], []
    for run in store.runs():  # the newest first
        place = counted.get(run.recording, 0) + 1
        if not run.finding:  # one that replayed a finding alone takes no whole run's place
            counted[run.recording] = place
        why = _why_run(run, older_than, keep, place, now)
        if not why:
            continue
        if run.id in held:
            stayed.append(Stayed(run.id, held[run.id]))
        else:
            gone.append(Gone(run.id, 0, why))
    freed = Freed(0, 0)
    if gone and not dry_run:
        freed = store.delete_runs([each.name for each in gone])
    return Pruned(tuple(gone), tuple(stayed), freed, store.kept_bytes(), dry_run)


def _why_run(run: RunInfo, older_than: float | None, keep: int, place: int, now: float) -> str:
    if keep > 0 and place <= keep:
        return ""
    ended = run.ended or run.started
    if older_than is None:
        return f"{keep} newer ones of {run.recording} stay"
    return f"ended {_days(now - ended)} ago" if now - ended > older_than else ""


def _why(store: Store, info: RecordingInfo, limits: Limits, now: float, gone: Mapping[int, Gone]) -> str:
    """Why this recording is to go; "" when it is not."""
    old = now - (info.closed or now)
    if limits.older_than is not None and old > limits.older_than:
        return f"closed {_days(old)} ago"
    if limits.max_bytes is not None and store.kept_bytes(tuple(gone)) > limits.max_bytes:
        return f"the oldest, and more than {limits.max_bytes:,} bytes are kept"
    if limits.older_than is None and limits.max_bytes is None:
        return f"newer ones hold {limits.keep_per_route:,} exchanges of each of its routes"
    return ""


def _held(store: Store, everything: Sequence[RecordingInfo], now: float) -> dict[int, str]:
    """The recordings that stay whatever the limits say, and why."""
    held: dict[int, str] = {}
    newest: dict[tuple[str, str, str], RecordingInfo] = {}
    for info in everything:
        origin = (info.service, info.release, info.key_id)
        if not info.fingerprint and (origin not in newest or newest[origin].id < info.id):
            newest[origin] = info
    for info in newest.values():  # what arrives next is counted from where its producers stood in this one
        if info.last is not None and now - info.last < DAY:
            held[info.id] = "its producers may still be sending, and none has followed it"
    return held | {number: f"the run {run} is replaying it" for number, run in store.recordings_in_use().items()}


def _scarce(
    info: RecordingInfo,
    routes: Mapping[int, Mapping[Route, int]],
    services: Mapping[int, str],
    gone: Mapping[int, Gone],
    keep: int,
) -> str:
    """The route of which too few would be left without this recording; "" when there is none."""
    if not keep:
        return ""
    for route in sorted(routes.get(info.id, ()), key=lambda each: (each[1], each[0])):
        others = sum(
            found.get(route, 0)
            for number, found in routes.items()
            if number != info.id and number not in gone and services.get(number) == info.service
        )
        if others < keep:
            return f"only {others:,} exchanges of {' '.join(route).strip()} would be left"
    return ""


def _days(seconds: float) -> str:
    return f"{seconds / DAY:,.0f} days" if seconds >= 2 * DAY else f"{seconds / 3600:,.0f} hours"
