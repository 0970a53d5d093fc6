"""`understudy policy`: whether the policy can do what it says, and the schema of the settings file."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from ..policy_beside import checked
from ..reports.wording import visible
from ..service import open_context
from ..settings_schema import settings_schema
from . import output
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False, help="Check the policy; print the schema of the settings file.")


@app.callback()
def group() -> None:
    """Check the policy; print the schema of the settings file."""


@app.command()
def check(
    recording: Annotated[
        str, typer.Option(metavar="NAME", help="The recording that it is held against; default: the newest.")
    ] = "",
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Names what in the policy can not be met or does nothing, and ends with 1 when there is any."""
    with (context := open_context(policy, db)).store:
        found = checked(context, recording)
    wrong = sum(problem.flaw.wrong for problem in found.problems)
    if json:
        problems = [
            {"flaw": each.flaw.value, "wrong": each.flaw.wrong, "key": each.key, "sentence": each.sentence}
            for each in found.problems
        ]
        output.data(
            {"recording": found.recording or None, "wrong": wrong, "problems": problems, "not_judged": found.not_judged}
        )
        return int(wrong > 0)
    for sentence in found.not_judged:
        output.note(f"  {sentence}")
    for each in found.problems:
        output.say(f"{each.key}: {each.flaw.value}")
        output.say(f"  {visible(each.sentence)} {each.hint}".rstrip())
    against = f", held against the recording {found.recording}" if found.recording else ""
    output.say(f"{wrong} wrong, {len(found.problems) - wrong} to be known{against}.")
    return int(wrong > 0)


@app.command()
def schema() -> None:
    """Print the JSON schema of the settings file, for editors."""
    output.say(json_module.dumps(settings_schema(), indent=2, ensure_ascii=False))
