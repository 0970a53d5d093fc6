"""`understudy export`: a recording in the formats of other tools, one module for each"""

from __future__ import annotations

import typer

from .export_curl import export_curl
from .export_har import export_har
from .export_openapi import export_openapi
from .export_pytest import export_pytest

app = typer.Typer(add_completion=False, help="Write a recording in the format of another tool.")


@app.callback()
def group() -> None:
    """Write a recording in the format of another tool."""


app.command("har")(export_har)
app.command("curl")(export_curl)
app.command("openapi")(export_openapi)
app.command("pytest")(export_pytest)
