"""`understudy report`: what belongs to reports, and to no run of its own."""

from __future__ import annotations

from importlib.resources import files

import typer

from . import output

app = typer.Typer(add_completion=False, help="The JSON report's schema.")


@app.callback()
def group() -> None:
    """The JSON report's schema."""


@app.command()
def schema() -> None:
    """Print the JSON schema of the JSON report."""
    output.say(files("replayer.reports").joinpath("report.schema.json").read_text("utf-8").rstrip("\n"))
