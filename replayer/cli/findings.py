"""`understudy findings`: what a run found, and what people decide on it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from diffing.approvals import Approval, Decision, Scope
from diffing.standing import SILENT, standings

from ..approving import Book, Wish, approvals_path
from ..errors import UsageError
from ..judging import policy_of
from ..reports.json_findings import findings_of
from ..reports.json_report import approval_json, standing_json
from ..service import Context, open_context
from . import output
from .git import git_author
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False, help="List the findings of a run; decide on them.")

Fingerprint = Annotated[
    str, typer.Argument(help="Of a finding, or of one of its members; or the beginning of it.", metavar="FINGERPRINT")
]
Reason = Annotated[str, typer.Option(help="Why; shown in every report.")]
Author = Annotated[str, typer.Option(help="Who decides; default: git's user.email.")]
OfRun = Annotated[str, typer.Option("--run", metavar="RUN", help="Where to look; default: the newest run that has it.")]
Where = Annotated[Scope, typer.Option(help="Where it holds: in this run, on the run's branch, or always.")]
Until = Annotated[str, typer.Option(metavar="DATE", help="The last day on which it counts: 2027-01-31.")]
StoreOnly = Annotated[bool, typer.Option("--store-only", help="Leave the file in the repository alone.")]


@app.callback()
def group() -> None:
    """List the findings of a run; decide on them."""


@app.command("list")
def list_(
    run: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """The findings of one run, the most important first, and what people say of them now."""
    context = open_context(policy, db)
    with context.store as store:
        info = store.run(run)
        report = store.run_report(info.id)
        said = Book(store, approvals_path(context.settings), datetime.now(UTC)).approvals(info.id, info.branch)
    findings = findings_of(report)
    known = standings(findings, said, policy_of(context.settings))
    if json:
        output.data([{**each, **standing_json(known.get(each["fingerprint"], SILENT))} for each in report["findings"]])
    else:
        output.findings([(finding, known.get(finding.fingerprint, SILENT)) for finding in findings])


@app.command()
def approve(
    fingerprint: Fingerprint,
    reason: Reason,
    scope: Where = Scope.ALWAYS,
    until: Until = "",
    author: Author = "",
    run: OfRun = "",
    store_only: StoreOnly = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Say that a change is intended: the gate does not fail on it any more."""
    _decide(
        open_context(policy, db),
        Wish(fingerprint, reason, _author(author), Decision.APPROVE, scope, _day(until), run, store_only),
    )


@app.command()
def reject(
    fingerprint: Fingerprint,
    reason: Reason,
    scope: Where = Scope.ALWAYS,
    author: Author = "",
    run: OfRun = "",
    store_only: StoreOnly = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Say that a change is not intended: it overrules every approval until it is withdrawn."""
    _decide(
        open_context(policy, db),
        Wish(fingerprint, reason, _author(author), Decision.REJECT, scope, None, run, store_only),
    )


@app.command()
def noise(
    fingerprint: Fingerprint,
    reason: Reason,
    scope: Where = Scope.ALWAYS,
    until: Until = "",
    author: Author = "",
    run: OfRun = "",
    store_only: StoreOnly = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Say that a change is chance: the gate does not fail on it any more, and reports call it noise."""
    _decide(
        open_context(policy, db),
        Wish(fingerprint, reason, _author(author), Decision.NOISE, scope, _day(until), run, store_only),
    )


@app.command()
def environment(
    fingerprint: Fingerprint,
    reason: Reason,
    author: Author = "",
    run: OfRun = "",
    store_only: StoreOnly = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Say that the run is to blame and not the candidate: it is inconclusive, and another one has to tell."""
    _decide(
        open_context(policy, db),
        Wish(fingerprint, reason, _author(author), Decision.ENVIRONMENT, Scope.RUN, None, run, store_only),
    )


@app.command()
def withdraw(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Of a decision, or the beginning of it.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    author: Author = "",
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Take a decision back. It stays on record."""
    context = open_context(policy, db)
    with context.store as store:
        book = Book(store, approvals_path(context.settings), datetime.now(UTC))
        if book.is_group(identity):
            for each in book.withdraw_all(identity, _author(author), reason):
                output.withdrawn(each)
        else:
            output.withdrawn(book.withdraw(identity, _author(author), reason))


@app.command()
def approvals(json: AsJson = False, db: Database = "", policy: SettingsFile = None) -> None:
    """Everything that was decided, the oldest first."""
    context = open_context(policy, db)
    with context.store as store:
        book = Book(store, approvals_path(context.settings), datetime.now(UTC))
        states, notes = book.states(), book.approvals().notes
    if json:
        output.data([state_json(approval, state) for approval, state in states])
    else:
        output.approvals(states, notes)


@app.command()
def export(db: Database = "", policy: SettingsFile = None) -> None:
    """What the database alone has of decisions, as understudy.approvals.toml."""
    context = open_context(policy, db)
    with context.store as store:
        text = Book(store, approvals_path(context.settings), datetime.now(UTC)).export()
    for line in text.splitlines():
        output.say(line)


def state_json(approval: Approval, state: str) -> dict[str, Any]:
    """One line of the list as JSON."""
    withdrawn = approval.withdrawn
    return {
        **approval_json(approval),
        "decision": approval.decision.value,
        "state": state,
        "of": approval.of,
        "created": approval.created.isoformat(),
        "severity": approval.subject.severity.value,
        "members": list(approval.members),
        "stored": approval.stored,
        "filed": approval.filed,
        "withdrawn": withdrawn
        and {"by": withdrawn.author, "created": withdrawn.created.isoformat(), "reason": withdrawn.reason},
    }


def _decide(context: Context, wish: Wish) -> None:
    with context.store as store:
        output.decided(Book(store, approvals_path(context.settings), datetime.now(UTC)).decide(wish))


def _author(given: str) -> str:
    author = given.strip() or git_author()
    if not author:
        raise UsageError(
            "It is not known who decides: git has no user.email here.",
            "Give --author NAME, or tell git: git config user.email YOU@EXAMPLE.COM",
        )
    return author


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--until takes a date such as 2027-01-31, not {text!r}.") from None
