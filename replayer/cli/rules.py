"""`understudy rules`: the noise rules, what they hid, and what is wrong with them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import typer

from ..kept_rules import exported, withdraw_rule
from ..reports.proposal_words import (
    Signature,
    alarm,
    nothing,
    proposal_json,
    proposal_toml,
    refused_json,
    refused_text,
    tally,
)
from ..reports.rule_words import (
    NO_RULES,
    caveats,
    listed_json,
    listed_row,
    problem_json,
    problem_lines,
    summary,
)
from ..reports.wording import visible
from ..rule_book import RuleBook, open_book, propose_rules
from ..service import open_context
from . import output
from .git import git_author
from .options import AsJson, Database, SettingsFile

PROPOSED_DAYS = 180
"""Days after which a proposed rule ends: half a year, so that somebody asks whether it is still needed."""

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
        output.data([listed_json(*each) for each in zip(book.listed, told, strict=True)])
        return
    if not told:
        output.note(NO_RULES)
        return
    headings = ("route", "part", "path", "kind", "state", "until", "hid", "in runs", "kept in", "author", "reason")
    output.table(headings, map(listed_row, book.listed, told))


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


@app.command()
def propose(
    run: Annotated[str, typer.Option(metavar="RUN", help="The run to learn from; default: the newest finished.")] = "",
    finding: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FINGERPRINT", help="Only this finding, a confirmed one too; may be given more than once."
        ),
    ] = None,
    author: Annotated[str, typer.Option(help="Whom to ask about the rules; default: git's user.email.")] = "",
    runs: LastRuns = 5,
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Writes rules for what a run saw vary, ready to be pasted into understudy.toml; what it refuses, it says."""
    with (context := open_context(policy, db)).store:
        run_id, found = propose_rules(context, run, tuple(finding or ()), runs)
    signature = Signature(run_id, author or git_author(), date.today() + timedelta(days=PROPOSED_DAYS))
    if json:
        output.data(
            {
                "run": run_id,
                "proposals": [proposal_json(proposal, signature) for proposal in found.proposals],
                "refused": [refused_json(refused) for refused in found.refused],
                "hidden_by_rules": found.covered,
            }
        )
        return
    for refused in found.refused:
        output.note(refused_text(refused))
    for proposal in found.proposals:
        if proposal.tags:
            output.note(alarm(proposal))
    output.note(tally(found, run_id) if found.proposals else nothing(found, run_id))
    for proposal in found.proposals:
        output.say(proposal_toml(proposal, signature))


@app.command()
def export(db: Database = "", policy: SettingsFile = None) -> None:
    """Writes the rules that the database alone has, ready to be pasted into understudy.toml."""
    with (context := open_context(policy, db)).store as store:
        text = exported(context.settings, store)
    if not text:
        output.note("The database keeps no rule that holds and that the settings file has not.")
        return
    for line in text.splitlines():
        output.say(line)


@app.command()
def withdraw(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Of a rule that the database keeps.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    author: Annotated[str, typer.Option(help="Who takes it back; default: git's user.email.")] = "",
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Takes a rule back that was kept from a page. It stays on record."""
    with open_context(policy, db).store as store:
        gone = withdraw_rule(store, identity, author or git_author(), reason)
    output.say(f"Took back {visible(gone.rule.name)}.")


def _show(book: RuleBook) -> None:
    """What could not be judged, where it does not disturb the list."""
    if book.rules:
        for sentence in caveats(book.evidence):
            output.note(f"  {sentence}")
