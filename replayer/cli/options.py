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
MetricsPort = Annotated[
    int, typer.Option("--metrics-port", min=0, max=65535, metavar="N", help="Serve metrics there; 0: do not.")
]
MetricsHost = Annotated[
    str, typer.Option("--metrics-host", metavar="ADDRESS", help="Where to serve metrics; default this machine alone.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
