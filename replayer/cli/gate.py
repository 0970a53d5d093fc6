"""`understudy gate`: replay, compare, judge; the exit code says what came of it."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..rehearsal import Rehearsal
from ..reports.html import to_html
from ..reports.json_report import to_json
from ..reports.terminal import to_text
from ..selection.recorded import Budget
from ..service import GateOptions, run_gate
from . import output
from .git import git
from .options import Database, SettingsFile

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
    json_file: Annotated[str, typer.Option("--json", metavar="FILE", help="JSON report; - is standard output.")] = "",
    html_file: Annotated[str, typer.Option("--html", metavar="FILE", help="HTML report, one file.")] = "",
    db: Database = "",
) -> int:
    """Replay RECORDING against the candidate, compare with the baseline, and judge.

    Exit codes: 0 pass, 1 regression or unapproved change, 2 wrong or refused, 3 inconclusive.
    """
    if everything and budget is not None:
        raise UsageError("--all and --budget contradict each other.", "Give one of them.")
    for path in (json_file, html_file):
        check_writable(path)
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
    )
    with output.watching() as watcher:
        rehearsal = run_gate(options, watcher)
    write_reports(rehearsal, json_file, html_file)
    return rehearsal.report.verdict.exit_code


def write_reports(rehearsal: Rehearsal, json_file: str, html_file: str) -> None:
    report = rehearsal.report
    text = to_text(report, width=min(120, shutil.get_terminal_size((100, 24)).columns), color=sys.stdout.isatty())
    if "-" in (json_file, html_file):
        output.note(text)
    else:
        output.say(text)
    if json_file:
        _write(json_file, json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n")
    if html_file:
        _write(html_file, to_html(report))


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


def check_writable(path: str) -> None:
    """Before the work rather than after it."""
    if path and path != "-":
        folder = Path(path).parent
        if not folder.is_dir() or not os.access(folder, os.W_OK) or Path(path).is_dir():
            raise UsageError(f"The report {path!r} can not be written.", "Name a file in a folder that exists.")


def _write(path: str, text: str) -> None:
    if path == "-":
        output.say(text.rstrip("\n"))
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as failure:
        raise UsageError(f"The report {path!r} can not be written: {failure.strerror}.") from failure
