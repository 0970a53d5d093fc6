"""`understudy rules`: the noise rules, what they hid, and what is wrong with them."""

from __future__ import annotations

from typing import Annotated

import typer

from ..rule_book import RuleBook, open_book
from ..service import open_context
from . import output
from .options import AsJson, Database, SettingsFile
from .rule_words import (
    NO_RULES,
    caveats,
    history_json,
    history_row,
    problem_json,
    problem_lines,
    summary,
)

app = typer.Typer(add_completion=False, help="List and check noise rules, and propose new ones.")

OneRecording = Annotated[str, typer.Option(metavar="NAME", help="Look at the runs of this recording only.")]
LastRuns = Annotated[int, typer.Option(min=1, max=50, metavar="N", help="Runs of each recording that are looked at.")]


@app.callback()
def group() -> None:
    """List and check noise rules, and propose new ones."""


@app.command("list")
def list_(
    recording: OneRecording = "",
    runs: LastRuns = 5,
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Every rule: whether it holds, and what it hid in the last runs."""
    with (context := open_context(policy, db)).store:
        book = open_book(context, recording, runs)
    told = book.history()
    if json:
        output.data([history_json(each) for each in told])
        return
    if not told:
        output.note(NO_RULES)
        return
    headings = ("route", "part", "path", "kind", "state", "until", "hid", "in runs", "author", "reason")
    output.table(headings, map(history_row, told))


@app.command()
def lint(
    recording: OneRecording = "",
    runs: LastRuns = 5,
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Names the rules that can not be trusted, and ends with 1 when there are any."""
    with (context := open_context(policy, db)).store:
        book = open_book(context, recording, runs)
    problems = book.review()
    wrong = sum(problem.fault.wrong for problem in problems)
    if json:
        output.data(
            {
                "rules": len(book.rules),
                "wrong": wrong,
                "problems": [problem_json(problem) for problem in problems],
                "runs": [run.run for run in book.evidence.runs],
                "not_judged": caveats(book.evidence),
            }
        )
        return int(wrong > 0)
    _show(book)
    for problem in problems:
        for line in problem_lines(problem):
            output.say(line)
    output.say(summary(len(book.rules), wrong))
    return int(wrong > 0)


def _show(book: RuleBook) -> None:
    """What could not be judged, where it does not disturb the list."""
    if book.rules:
        for sentence in caveats(book.evidence):
            output.note(f"  {sentence}")
