"""`understudy gate`: replay, compare, judge; the exit code says what came of it."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from ..errors import UnderstudyError, UsageError
from ..rehearsal import Rehearsal
from ..reports.model import RunReport
from ..selection.recorded import Budget
from ..service import GateOptions, await_approvals, run_gate
from . import output
from .git import git
from .options import Database, SettingsFile
from .report_files import Github, GitlabFile, HtmlFile, JsonFile, JunitFile, MarkdownFile, ReportFiles

app = typer.Typer(add_completion=False)


@app.command()
def gate(
    recording: Annotated[
        str, typer.Argument(metavar="RECORDING", help="A recording's name, or a path to import on the fly.")
    ],
    candidate: Annotated[str, typer.Option(metavar="TARGET", help="What is judged: name, URL or wsgi:module:app.")],
    baseline: Annotated[
        list[str] | None, typer.Option(metavar="TARGET", help="What is trusted; may be given more than once.")
    ] = None,
    policy: SettingsFile = None,
    disposable: Annotated[bool, typer.Option("--disposable", help="The targets' state may be changed.")] = False,
    passes: Annotated[int, typer.Option(min=2, max=20, help="Passes of a baseline that can begin anew.")] = 3,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=256, help="Requests under way at once; default: the target's, or 4.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="N", help="Requests per second at most; default: the target's, or no limit.")
    ] = None,
    ramp_up: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Begin slowly, and be at full speed after so long.")
    ] = None,
    speed: Annotated[
        str, typer.Option(metavar="max|N", help="N: keep the recorded timing, N times as fast. max: as fast as can be.")
    ] = "max",
    correlation: Annotated[
        bool, typer.Option("--correlation/--no-correlation", help="Off: send every request as recorded.")
    ] = True,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Plant faults into right answers, and say how many would be caught.")
    ] = False,
    relearn: Annotated[
        bool, typer.Option("--relearn", help="Learn what varies anew, even if it is known of this build.")
    ] = False,
    executor: Annotated[
        str, typer.Option(metavar="local|celery", help="Who sends: this process, or `understudy worker` processes.")
    ] = "local",
    workers: Annotated[int, typer.Option(min=1, max=256, help="How many workers there are, for celery.")] = 2,
    budget: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Exchanges replayed at most; default: 20,000.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Replay the whole recording, however large it is.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed chooses other exchanges, where there are too many.")] = 1,
    branch: Annotated[str, typer.Option(help="Branch that is judged; default: git's.")] = "",
    commit: Annotated[str, typer.Option(help="Commit that is judged; default: git's.")] = "",
    alerts: Annotated[
        bool, typer.Option("--alerts/--no-alerts", help="Off: tell nobody outside, whatever the settings say.")
    ] = True,
    json_file: JsonFile = "",
    html_file: HtmlFile = "",
    junit_file: JunitFile = "",
    markdown_file: MarkdownFile = "",
    gitlab_file: GitlabFile = "",
    github: Github = False,
    wait: Annotated[
        int | None, typer.Option(min=1, metavar="SECONDS", help="Wait so long for approvals that turn the verdict.")
    ] = None,
    db: Database = "",
) -> int:
    """Replay RECORDING against the candidate, compare with the baseline, and judge.

    Exit codes: 0 pass, 1 regression or unapproved change, 2 wrong or refused, 3 inconclusive.
    """
    if everything and budget is not None:
        raise UsageError("--all and --budget contradict each other.", "Give one of them.")
    files = ReportFiles(json_file, html_file, junit_file, markdown_file, gitlab_file, github)
    files.check()
    options = GateOptions(
        recording=recording,
        candidate=candidate,
        baselines=tuple(baseline or ()),
        settings_path=policy,
        database_url=db,
        disposable=disposable,
        passes=passes,
        concurrency=concurrency or 0,
        rate=_positive("--rate", rate),
        ramp_up=_positive("--ramp-up", ramp_up),
        speed=_speed(speed),
        correlate=correlation,
        self_test=self_test,
        relearn=relearn,
        budget=Budget(budget, everything, seed),
        branch=branch or git("rev-parse", "--abbrev-ref", "HEAD"),
        commit=commit or git("rev-parse", "HEAD"),
        executor=executor,
        workers=workers,
        alerts=alerts,
    )
    with output.watching() as watcher:
        rehearsal = run_gate(options, watcher)
    files.show(rehearsal.report)
    report = _waited(rehearsal, options, wait, files) if wait else rehearsal.report
    files.save(report)
    files.annotate(report)
    return report.verdict.exit_code


def _waited(rehearsal: Rehearsal, options: GateOptions, seconds: int, files: ReportFiles) -> RunReport:
    """The report after people had time to say something. Its files are there meanwhile; nothing loses the verdict."""
    files.save(rehearsal.report, standard_output=False)
    try:
        with output.watching() as watcher:
            report = await_approvals(rehearsal, options, seconds, watcher)
    except KeyboardInterrupt:
        output.note("understudy: waits no longer; the verdict stands.")
        return rehearsal.report
    except UnderstudyError as failure:
        output.error(failure)
        return rehearsal.report
    if report is not rehearsal.report:
        files.say(output.turned(rehearsal.report, report))
    return report


def _positive(option: str, value: float | None) -> float:
    if value is not None and not 0 < value < math.inf:
        raise UsageError(f"{option} must be a number above 0, not {value:g}.", "Leave it out for no limit.")
    return value or 0.0


def _speed(text: str) -> float:
    """How many times as fast as recorded; 0.0 for as fast as can be."""
    if text == "max":
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise UsageError(
            f"--speed must be max, or a number above 0, not {text!r}.", "--speed 1 keeps the recorded timing."
        )
    return value
