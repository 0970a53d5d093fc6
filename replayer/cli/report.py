"""`understudy report`: what belongs to reports, and to no run of its own."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..pull_requests import comment as put
from ..pull_requests import pull_request
from . import output

app = typer.Typer(add_completion=False, help="The JSON report's schema; a report as comment of a pull request.")


@app.callback()
def group() -> None:
    """The JSON report's schema; a report as comment of a pull request."""


@app.command()
def schema() -> None:
    """Print the JSON schema of the JSON report."""
    output.say(files("replayer.reports").joinpath("report.schema.json").read_text("utf-8").rstrip("\n"))


@app.command()
def comment(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `understudy gate --markdown FILE` wrote.")],
    only_update: Annotated[
        bool, typer.Option("--only-update", help="Update a comment that is there, and make no new one.")
    ] = False,
) -> None:
    """Put a report into the pull request or merge request that this CI job is about, as one comment.

    The same recording's comment is updated when it says something else. Needs GITHUB_TOKEN or UNDERSTUDY_GITLAB_TOKEN.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else "it is no text"
        raise UsageError(f"The report {str(file)!r} can not be read: {reason}.") from None
    where = pull_request(os.environ)
    output.say(f"{where.name}: the comment was {put(where, text, only_update).value}.")
