"""`understudy openapi`: a description of an API held against a recording"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ExitCode
from ..openapi.checking import Checked, check_openapi
from ..openapi.reading import read_openapi
from ..reports.wording import counted, visible
from ..service import find_recording, open_context
from . import output
from .export_har import RecordingArgument
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False, help="Hold a description of an API against a recording.")


@app.callback()
def group() -> None:
    """Hold a description of an API against a recording."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="OpenAPI 3.x or Swagger 2.0, as JSON or YAML.")],
    recording: RecordingArgument,
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Name the routes, statuses and fields that FILE does not describe, or describes otherwise.

    Ends with 1 when there are any.
    """
    api = read_openapi(file)
    with open_context(policy, db).store as store:
        info = find_recording(store, recording)
        checked = check_openapi(api, lambda: store.exchanges(info.id))
    if json:
        output.data(_as_json(checked))
    else:
        _say(checked)
    return int(ExitCode.REGRESSION if checked.found else ExitCode.PASS)


def _say(checked: Checked) -> None:
    rows = [
        (
            each.kind,
            visible(f"{each.method} {each.route}"),
            each.status or "",
            visible(each.place),
            visible(each.said),
            count,
            example,
        )
        for each, count, example in checked.found
    ]
    if rows:
        output.table(("not described", "route", "status", "place", "found", "exchanges", "for example"), rows)
    reached = checked.operations - len(checked.unseen)
    found = {0: "nothing that is", 1: "1 thing that is"}.get(len(rows), f"{len(rows)} things that are")
    output.say(
        f"{found} not described, in {counted(checked.exchanges, 'exchange')};"
        f" {reached} of {counted(checked.operations, 'described operation')} recorded"
    )


def _as_json(checked: Checked) -> dict[str, object]:
    return {
        "exchanges": checked.exchanges,
        "operations": checked.operations,
        "undescribed": [
            {
                "kind": each.kind,
                "method": each.method,
                "route": each.route,
                "status": each.status or None,
                "place": each.place,
                "said": each.said,
                "exchanges": count,
                "exemplar": example,
            }
            for each, count, example in checked.found
        ],
        "unseen": [{"method": method, "route": route} for method, route in checked.unseen],
    }
