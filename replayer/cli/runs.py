"""`understudy runs`: list, show and explain, stop and take up again, delete."""

from __future__ import annotations

import getpass
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from ..ages import age
from ..errors import UsageError
from ..reports.policy_wording import clause_row
from ..reports.reading import report_of
from ..reports.wording import visible
from ..retention import prune_runs
from ..retrial import RANGE, TIMES
from ..service import open_context, resume_run, run_again, run_report, stop_run
from ..sightings import came_of
from ..store import RunInfo
from ..supervision import state_of
from . import output
from .git import git
from .options import AsJson, Database, SettingsFile
from .report_files import Github, GitlabFile, HtmlFile, JsonFile, JunitFile, MarkdownFile, ReportFiles
from .retention_words import deleted, pruned

NEXT_RUN = "Run the gate again; `understudy runs show` has the whole report."

app = typer.Typer(add_completion=False, help="List, show and explain runs; stop one, take it up again, delete.")


@app.command("list")
def list_(json: AsJson = False, db: Database = "", policy: SettingsFile = None) -> None:
    """Every run, the newest first."""
    with open_context(policy, db).store as store:
        runs = store.runs()
    if json:
        output.data([asdict(run) for run in runs])
        return
    rows = [(r.id, r.recording, r.candidate, _state(r), _verdict(r), _time(r.started)) for r in runs]
    output.table(("run", "recording", "candidate", "state", "verdict", "began"), rows)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    json_file: JsonFile = "",
    html_file: HtmlFile = "",
    junit_file: JunitFile = "",
    markdown_file: MarkdownFile = "",
    gitlab_file: GitlabFile = "",
    github: Github = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """The JSON report of one run; or any other reports, as the gate would have written them then."""
    files = ReportFiles(json_file, html_file, junit_file, markdown_file, gitlab_file, github)
    files.check()
    with open_context(policy, db).store as store:
        data = run_report(store, store.run(run).id)
    if files == ReportFiles():
        output.data(data)
    else:
        files.write(report_of(data))


@app.command()
def explain(
    run: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """The verdict with its arithmetic: each thing that policy asked for, what was measured, and whether it held."""
    with open_context(policy, db).store as store:
        report = store.run_report(store.run(run).id)
    told = report.get("policy")
    if told is None:
        raise UsageError("The run was judged by an earlier version, which did not keep its arithmetic.", NEXT_RUN)
    if json:
        output.data({key: report[key] for key in ("verdict", "exit_code", "reasons", "policy")})
        return
    alone = report.get("retrial")
    output.say(alone["came"].upper() if alone else f"{report['verdict'].upper()}, exit code {report['exit_code']}")
    for reason in report["reasons"]:
        output.say(f"  {visible(reason)}")
    if told:
        output.table(("holds", "policy", "asked", "measured", "evidence"), map(clause_row, told))


@app.command()
def cancel(
    run: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """End a run that is under way, wherever it is coordinated: within seconds, with its instances closed."""
    by = git("config", "user.name") or getpass.getuser()
    output.say(f"The run {stop_run(run, by, policy, db)} was asked to end.")


@app.command()
def again(
    run: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    finding: Annotated[
        str, typer.Option(metavar="FINGERPRINT", help="Replay this finding of it alone; the beginning will do.")
    ] = "",
    times: Annotated[
        int | None, typer.Option(min=RANGE[0], max=RANGE[-1], help=f"Replays of the finding; default: {TIMES}.")
    ] = None,
    json_file: JsonFile = "",
    html_file: HtmlFile = "",
    junit_file: JunitFile = "",
    markdown_file: MarkdownFile = "",
    gitlab_file: GitlabFile = "",
    github: Github = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Make a run again as it was asked for, in a new one; or replay one finding of it alone.

    Exit codes as of `understudy gate`; with --finding: 0 gone, 1 seen again, 2 wrong or refused, 3 could not tell.
    """
    if times is not None and not finding:
        raise UsageError("--times says how often a finding is replayed alone.", "Give --finding, too.")
    files = ReportFiles(json_file, html_file, junit_file, markdown_file, gitlab_file, github)
    files.check()
    with output.watching() as watcher:
        rehearsal = run_again(run, finding, times or TIMES, policy, db, watcher)
    files.write(rehearsal.report)
    return rehearsal.report.exit_code


@app.command()
def resume(
    run: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    json_file: JsonFile = "",
    html_file: HtmlFile = "",
    junit_file: JunitFile = "",
    markdown_file: MarkdownFile = "",
    gitlab_file: GitlabFile = "",
    github: Github = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Take up a run that was cancelled, failed, or whose process is gone: as it was asked for, under the same id.

    Its passes are made anew. Exit codes as of `understudy gate`.
    """
    files = ReportFiles(json_file, html_file, junit_file, markdown_file, gitlab_file, github)
    files.check()
    with output.watching() as watcher:
        rehearsal = resume_run(run, policy, db, watcher)
    files.write(rehearsal.report)
    return rehearsal.report.exit_code


@app.command()
def delete(
    run: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Delete a run with its results, answers and report. What was approved stays."""
    with open_context(policy, db).store as store:
        run_id = store.run(run).id
        freed = store.delete_runs([run_id])
    if json:
        output.data({"deleted": [run_id], **asdict(freed)})
    else:
        deleted([run_id], freed)


@app.command()
def prune(
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Those that ended longer ago: 12h, 30d, 2w.")] = "",
    keep: Annotated[int, typer.Option(min=0, metavar="N", help="But for the N newest of each recording.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing, and say what would go.")] = False,
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Delete runs that are over. Nothing is asked; what was approved stays."""
    limit = age(older_than) if older_than else None
    with open_context(policy, db).store as store:
        done = prune_runs(store, limit, keep, time.time(), dry_run=dry_run)
    if json:
        output.data(asdict(done))
    else:
        pruned(done, "runs")


def _state(run: RunInfo) -> str:
    """The state in words: a run that is under way says what it does."""
    state = state_of(run, time.time())
    return f"running: {run.progress}" if state == "running" and run.progress else state


def _verdict(run: RunInfo) -> str:
    """The verdict; of a run that replayed a finding alone, what that came to."""
    return f"{run.finding}: {came_of(run) or '-'}" if run.finding else run.verdict or "-"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
