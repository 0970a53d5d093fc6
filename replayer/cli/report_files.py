"""The reports that a command writes: which were asked for, whether they can be written, and writing them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..reports.github import to_annotations
from ..reports.gitlab import to_gitlab
from ..reports.html import to_html
from ..reports.json_report import to_json
from ..reports.junit import to_junit
from ..reports.markdown import to_markdown
from ..reports.model import RunReport
from ..reports.terminal import to_text
from . import output

STANDARD_OUTPUT = "-"

JsonFile = Annotated[str, typer.Option("--json", metavar="FILE", help="JSON report; - is standard output.")]
HtmlFile = Annotated[str, typer.Option("--html", metavar="FILE", help="HTML report, one file.")]
JunitFile = Annotated[str, typer.Option("--junit", metavar="FILE", help="JUnit XML, for the tests of a CI server.")]
MarkdownFile = Annotated[
    str, typer.Option("--markdown", metavar="FILE", help="Markdown, for pull requests and step summaries.")
]
GitlabFile = Annotated[str, typer.Option("--gitlab", metavar="FILE", help="Code quality report of GitLab.")]
Github = Annotated[bool, typer.Option("--github", help="Print annotations for GitHub Actions.")]


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where each report goes: a path, "-" for standard output, "" for none."""

    json: str = ""
    html: str = ""
    junit: str = ""
    markdown: str = ""
    gitlab: str = ""
    github: bool = False  # annotations on standard output

    @property
    def paths(self) -> Mapping[str, str]:
        """The reports that were asked for, by their options."""
        named = {
            "--json": self.json,
            "--html": self.html,
            "--junit": self.junit,
            "--markdown": self.markdown,
            "--gitlab": self.gitlab,
        }
        return {option: path for option, path in named.items() if path}

    def check(self) -> None:
        """Before the work rather than after it: UsageError for a report that could not be written."""
        for path, count in Counter(self.paths.values()).items():
            if count > 1:
                options = " and ".join(option for option, each in self.paths.items() if each == path)
                where = "standard output" if path == STANDARD_OUTPUT else repr(path)
                raise UsageError(f"{options} both go to {where}.", "Give each report a file of its own.")
        if self.github and STANDARD_OUTPUT in self.paths.values():
            option = next(option for option, path in self.paths.items() if path == STANDARD_OUTPUT)
            raise UsageError(f"--github and {option} both go to standard output.", "Write the report to a file.")
        for path in self.paths.values():
            check_writable(path)

    def write(self, report: RunReport) -> None:
        """All of them, and the terminal's. One that can not be written is told of, and takes nothing else with it."""
        self.show(report)
        self.save(report)
        self.annotate(report)

    def show(self, report: RunReport) -> None:
        """The terminal's report."""
        width = min(120, shutil.get_terminal_size((100, 24)).columns)
        self.say(to_text(report, width, color=sys.stdout.isatty()))

    def say(self, text: str) -> None:
        """Something for people, where it does not disturb a report, and where nothing in it is taken for a command."""
        if STANDARD_OUTPUT in self.paths.values():
            output.note(text)
        elif self.github:
            token = secrets.token_hex(16)
            output.say(f"::stop-commands::{token}\n{text}\n::{token}::")
        else:
            output.say(text)

    def save(self, report: RunReport, standard_output: bool = True) -> None:
        """The reports that have a file, and the one that has standard output."""
        for option, path in self.paths.items():
            if path != STANDARD_OUTPUT or standard_output:
                _write(path, partial(_RENDERED[option], report))

    def annotate(self, report: RunReport) -> None:
        """The annotations, where they are asked for."""
        if self.github and (commands := to_annotations(report)):
            output.say(commands)


_RENDERED: Mapping[str, Callable[[RunReport], str]] = {
    "--json": lambda report: _json(to_json(report)),
    "--html": to_html,
    "--junit": to_junit,
    "--markdown": to_markdown,
    "--gitlab": lambda report: _json(to_gitlab(report)),
}


def check_writable(path: str) -> None:
    """UsageError for a path that no file can be written to."""
    if path and path != STANDARD_OUTPUT:
        folder, file = Path(path).parent, Path(path)
        writable = os.access(file if file.exists() else folder, os.W_OK)
        if not folder.is_dir() or file.is_dir() or not writable:
            raise UsageError(f"The report {path!r} can not be written.", "Name a file in a folder that exists.")


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _write(path: str, render: Callable[[], str]) -> None:
    """A report that fails never loses the verdict, which the exit code says."""
    try:
        text = render()
    except Exception as failure:
        if os.environ.get("UNDERSTUDY_DEBUG"):
            raise
        output.note(f"understudy: the report {path!r} is missing: a bug of ours: {type(failure).__name__}: {failure}")
        return
    if path == STANDARD_OUTPUT:
        output.say(text.rstrip("\n"))
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as failure:
        output.note(f"understudy: the report {path!r} can not be written: {failure.strerror}.")
