"""`understudy findings`: what a run found."""

from __future__ import annotations

from typing import Annotated

import typer

from ..service import open_context
from . import output
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False, help="List the findings of a run.")


@app.callback()
def group() -> None:
    """List the findings of a run."""


@app.command("list")
def list_(
    run: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """The findings of one run, the most important first."""
    with open_context(policy, db).store as store:
        findings = store.run_report(store.run(run).id)["findings"]
    if json:
        output.data(findings)
        return
    rows = [
        (
            f["fingerprint"],
            f["severity"],
            f"{f['method']} {f['route']}",
            f"{f['location']['part']} {f['location']['path']}".strip(),
            f["kind"],
            f["transition"],
            f["count"],
        )
        for f in findings
    ]
    output.table(("fingerprint", "severity", "route", "place", "kind", "change", "exchanges"), rows)
