"""`understudy db`: migrations."""

from __future__ import annotations

import typer

from ..service import open_context
from . import output
from .options import Database, SettingsFile

app = typer.Typer(add_completion=False, help="Manage the database.")


@app.callback()
def group() -> None:
    """Manage the database."""


@app.command()
def upgrade(db: Database = "", policy: SettingsFile = None) -> None:
    """Bring the database's schema up to this version. Opening it does the same; this does nothing else."""
    with open_context(policy, db).store:
        output.say("The database is up to date.")
