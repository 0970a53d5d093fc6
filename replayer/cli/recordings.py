"""`understudy recordings`: import, list, show, close."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..ingest import import_path
from ..service import open_context
from . import output
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False, help="Import, list, show and close recordings.")


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
    rows = [(r.name, r.service, r.release or "-", r.exchanges, _time(r.first), r.source) for r in recordings]
    output.table(("name", "service", "release", "exchanges", "begins", "source"), rows)


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


def _time(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if seconds else "-"
