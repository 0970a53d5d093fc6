"""`understudy export curl`: one exchange's request as a command line"""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ..errors import UsageError
from ..formats.curl import to_curl
from ..service import find_recording, open_context
from .export_har import RecordingArgument
from .options import Database, SettingsFile
from .written import write_text


def export_curl(
    recording: RecordingArgument,
    exchange: Annotated[
        str, typer.Argument(metavar="EXCHANGE", help="The exchange's id, or the beginning of it; reports name them.")
    ],
    url: Annotated[str, typer.Option(metavar="URL", help="Send it there; default: to the recorded host.")] = "",
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Print a recorded request as a curl command for bash. What is secret stays a pseudonym, as it is stored."""
    if url and not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
        raise UsageError(f"--url must be a base URL such as http://localhost:8000, not {url!r}.")
    with open_context(policy, db).store as store:
        info = find_recording(store, recording)
        found = [each for each in store.exchanges(info.id) if each.id.startswith(exchange)] if exchange else []
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} exchanges of {info.name!r} have ids that begin with {exchange!r}.",
            "The `exemplars` of a finding in the JSON report are ids of exchanges.",
        )
    write_text("-", to_curl(found[0].request, url) + "\n")
