"""`understudy recordings`: import, list, show, close, delete, prune."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..ages import age
from ..errors import UsageError
from ..ingest import import_path
from ..retention import Limits, prune_recordings, size
from ..service import open_context
from . import output
from .options import AsJson, Database, SettingsFile
from .retention_words import deleted, pruned

app = typer.Typer(add_completion=False, help="Import, list, show, close and delete recordings.")


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="A spool folder or file, or a HAR file.")],
    name: Annotated[str, typer.Option(help="Name of the recording; default: from the path.")] = "",
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Read a spool folder, a spool file or a HAR file as a recording."""
    if not path.exists():
        raise UsageError(f"There is no {str(path)!r}.", "Give the folder that the recorder's file: sink wrote to.")
    with open_context(policy, db).store as store:
        report = import_path(store, path, name or None)
    if json:
        output.data(asdict(report))
    else:
        output.imported(report)


@app.command("list")
def list_(json: AsJson = False, db: Database = "", policy: SettingsFile = None) -> None:
    """Every recording, the newest first."""
    with open_context(policy, db).store as store:
        recordings = store.recordings()
    if json:
        output.data([asdict(recording) for recording in recordings])
        return
    rows = [
        (
            r.name,
            r.service,
            r.release or "-",
            r.exchanges,
            "open" if r.closed is None else "closed",
            _time(r.first),
            r.source,
        )
        for r in recordings
    ]
    output.table(("name", "service", "release", "exchanges", "state", "begins", "source"), rows)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The recording's name.")],
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """One recording: its routes and how much of each was seen, sampled out and dropped."""
    with open_context(policy, db).store as store:
        recording = store.recording(name)
        counts: dict[tuple[str, str], int] = {}
        for exchange in store.exchanges(recording.id):
            key = (exchange.request.method, exchange.route)
            counts[key] = counts.get(key, 0) + 1
        seen = {(c.method, c.route): c for c in store.route_counts(recording.id)}
        gaps, damage = store.gaps(recording), store.damage(recording.id)
    rows = []
    for method, route in sorted(counts.keys() | seen.keys(), key=lambda key: (key[1], key[0])):
        count = seen.get((method, route))
        recorded = counts.get((method, route), 0)
        rows.append(
            (
                method,
                route or "(none)",
                recorded,
                count.seen if count else recorded,
                count.sampled_out if count else 0,
                count.dropped if count else 0,
            )
        )
    if json:
        keys = ("method", "route", "recorded", "seen", "sampled_out", "dropped")
        routes = [dict(zip(keys, row, strict=True)) for row in rows]
        pieces = [asdict(piece) for piece in damage]
        output.data({"recording": asdict(recording) | asdict(gaps), "routes": routes, "damage": pieces})
        return
    output.say(f"{recording.name}: {recording.exchanges} exchanges of {recording.service} {recording.release}".rstrip())
    output.incomplete(recording, gaps, damage)
    output.table(("method", "route", "recorded", "seen", "sampled out", "dropped"), rows)


@app.command()
def close(
    name: Annotated[str, typer.Argument(help="The recording's name.")],
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Say that a recording is complete: what still arrives goes into a new one."""
    with open_context(policy, db).store as store:
        recording = store.recording(name)
        store.close_recording(recording.id)
    if recording.closed is None:
        output.say(f"{recording.name}: closed with {recording.exchanges} exchanges.")
    else:
        output.say(f"{recording.name}: was closed already.")


@app.command()
def delete(
    name: Annotated[str, typer.Argument(help="The recording's name.")],
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Delete a recording, and all that only it holds. Runs of it stay."""
    with open_context(policy, db).store as store:
        recording = store.recording(name)
        freed = store.delete_recordings([recording.id])
    if json:
        output.data({"deleted": [recording.name], **asdict(freed)})
    else:
        deleted([recording.name], freed)


@app.command()
def prune(
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Those that were closed longer ago: 12h, 30d, 2w.")
    ] = "",
    max_size: Annotated[
        str, typer.Option(metavar="SIZE", help="The oldest, until no more than this is kept: 500MB, 5GB.")
    ] = "",
    keep_per_route: Annotated[
        int, typer.Option(min=0, metavar="N", help="But for those that hold one of the last N exchanges of a route.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing, and say what would go.")] = False,
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Delete the oldest recordings that the limits leave no room for. Nothing is asked."""
    limits = Limits(age(older_than) if older_than else None, size(max_size) if max_size else None, keep_per_route)
    with open_context(policy, db).store as store:
        done = prune_recordings(store, limits, time.time(), dry_run=dry_run)
    if json:
        output.data(asdict(done))
    else:
        pruned(done, "recordings")


def _time(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if seconds else "-"
