"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Database = Annotated[
    str, typer.Option("--db", metavar="URL", help="Database; default UNDERSTUDY_DATABASE_URL or .understudy/.")
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Settings file; default understudy.toml, pyproject.toml."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
