"""`understudy doctor`: whether a rehearsal could begin."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from ..checks import exit_code
from ..doctor import DoctorOptions, examine
from . import output
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False)


@app.command()
def doctor(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[TARGET]...", help="Name, URL or wsgi:module:app; default: all.")
    ] = None,
    recording: Annotated[str, typer.Option(metavar="NAME", help="What is to be replayed; default: the newest.")] = "",
    reset: Annotated[
        bool, typer.Option("--reset", help="Run the targets' reset commands, which throw their state away.")
    ] = False,
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Look whether a rehearsal could begin, and say of everything that stands against it what to do.

    Targets with `start` or `wsgi` are started. Exit codes: 0 it could, 2 something is to be changed, 3 something can
    not be had now.
    """
    found = asyncio.run(examine(DoctorOptions(tuple(targets or ()), recording, policy, db, reset)))
    code = exit_code(found)
    if json:
        rows = [
            {"of": each.subject, "what": each.what, "state": each.state.value, "found": each.said, "next": each.hint}
            for each in found
        ]
        output.data({"version": 1, "checks": rows, "exit_code": int(code)})
    else:
        output.checks(found)
    return int(code)
