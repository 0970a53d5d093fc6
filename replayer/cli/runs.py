"""`understudy runs`: list and show."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from ..service import open_context
from . import output
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False, help="List and show runs.")


@app.command("list")
def list_(json: AsJson = False, db: Database = "", policy: SettingsFile = None) -> None:
    """Every run, the newest first."""
    with open_context(policy, db).store as store:
        runs = store.runs()
    if json:
        output.data([asdict(run) for run in runs])
        return
    rows = [(r.id, r.recording, r.candidate, r.state, r.verdict or "-", _time(r.started)) for r in runs]
    output.table(("run", "recording", "candidate", "state", "verdict", "began"), rows)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """The JSON report of one run."""
    with open_context(policy, db).store as store:
        output.data(store.run_report(store.run(run).id))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
