"""`understudy coverage`: how much of an API its traffic covers, and what of it is new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..coverage.asking import Asked, covered
from ..coverage.html import to_html
from ..coverage.report import HEADINGS, rows, summary, to_json
from ..errors import ExitCode, UsageError
from ..reports.wording import share
from ..service import open_context
from . import output
from .options import Database, SettingsFile
from .report_files import check_writable

app = typer.Typer(add_completion=False)


@app.command()
def coverage(
    subject: Annotated[
        str, typer.Argument(metavar="RECORDING|RUN", help="A recording's name, or a run's id or the beginning of it.")
    ],
    target: Annotated[str, typer.Option("--app", metavar="TARGET", help="Who says which routes there are.")] = "",
    baseline: Annotated[str, typer.Option(metavar="TARGET", help="Who says which there were: the rest is new.")] = "",
    openapi: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An OpenAPI description says which routes there are.")
    ] = None,
    coverage_xml: Annotated[
        Path | None, typer.Option("--coverage-xml", metavar="FILE", help="Which lines ran, as `coverage xml` says it.")
    ] = None,
    diff: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Which lines are new, as `git diff` says it.")
    ] = None,
    json_file: Annotated[str, typer.Option("--json", metavar="FILE", help="As JSON; - is standard output.")] = "",
    html_file: Annotated[str, typer.Option("--html", metavar="FILE", help="A heat map, one HTML file.")] = "",
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Routes, methods, statuses and error paths: what was seen, what was replayed, what was neither.

    Ends with 3 when less of what is new was tried than `min_new` of the policy asks for.
    """
    if json_file and json_file == html_file:
        raise UsageError(f"--json and --html both go to {json_file!r}.", "Give each of them a file of its own.")
    for path in (json_file, html_file):
        check_writable(path)
    with (context := open_context(policy, db)).store:
        report = covered(context, Asked(subject, target, baseline, openapi, coverage_xml, diff))
    shown = output.note if "-" in (json_file, html_file) else output.say
    for line in summary(report):
        shown(line)
    if "-" not in (json_file, html_file):
        output.table(HEADINGS, rows(report))
    for note in report.notes:
        output.note(note)
    if json_file:
        _write(json_file, json.dumps(to_json(report), indent=2, ensure_ascii=False))
    if html_file:
        _write(html_file, to_html(report))
    for sentence in report.short:
        output.note(f"Too little of what is new: {sentence}; policy asks for {share(report.min_new)}.")
    return int(ExitCode.INCONCLUSIVE if report.short else ExitCode.PASS)


def _write(path: str, text: str) -> None:
    if path == "-":
        output.say(text)
        return
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as failure:
        raise UsageError(f"The report {path!r} can not be written: {failure.strerror}.") from failure
