from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from replayer.cli import report_files
from replayer.cli.main import main
from replayer.cli.report_files import ReportFiles
from replayer.errors import UsageError
from replayer.reports.html import to_html
from replayer.reports.json_report import to_json
from replayer.reports.junit import to_junit
from replayer.reports.markdown import to_markdown
from replayer.reports.terminal import to_text

from .report_schemas import gitlab_problems, junit_problems, report_problems
from .test_report import REPORT
from .tiny_home import home as home

GATE = ("gate", "tiny", "--candidate", "new", "--baseline", "old", "--passes", "2")
EVERY = ("--json", "r.json", "--html", "r.html", "--junit", "r.xml", "--markdown", "r.md", "--gitlab", "quality.json")


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The width of the report for people, whoever runs the tests."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (ReportFiles(json="-", html="-"), "--json and --html both go to standard output."),
        (ReportFiles(junit="r.xml", gitlab="r.xml", json="r.json"), "--junit and --gitlab both go to 'r.xml'."),
        (ReportFiles(markdown="-", github=True), "--github and --markdown both go to standard output."),
        (ReportFiles(junit="no/such/folder/r.xml"), "The report 'no/such/folder/r.xml' can not be written."),
        (ReportFiles(markdown="."), "The report '.' can not be written."),
    ],
)
def test_what_can_not_be_written_is_said_before_the_work(files: ReportFiles, said: str) -> None:
    with pytest.raises(UsageError) as failure:
        files.check()

    assert failure.value.message == said
    assert failure.value.hint


def test_one_run_writes_any_number_of_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {name: str(tmp_path / name) for name in ("json", "html", "junit", "markdown", "gitlab")}
    files = ReportFiles(**names)
    files.check()
    files.write(REPORT)

    written = {name: Path(path).read_text("utf-8") for name, path in names.items()}
    assert json.loads(written["json"]) == to_json(REPORT)
    assert written["html"] == to_html(REPORT)
    assert written["junit"] == to_junit(REPORT)
    assert written["markdown"] == to_markdown(REPORT)
    assert gitlab_problems(json.loads(written["gitlab"])) == []
    assert capsys.readouterr().out == to_text(REPORT, 100) + "\n"


def test_the_report_for_people_makes_room_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    ReportFiles(junit="-").write(REPORT)

    output = capsys.readouterr()
    assert junit_problems(output.out) == []
    assert output.err == to_text(REPORT, 100) + "\n"


def test_nothing_in_the_report_for_people_is_a_command_to_the_runner(capsys: pytest.CaptureFixture[str]) -> None:
    ReportFiles(github=True).write(REPORT)

    first, *lines = capsys.readouterr().out.splitlines()
    stop, token = first[: len("::stop-commands::")], first[len("::stop-commands::") :]
    end = lines.index(f"::{token}::")
    assert stop == "::stop-commands::"
    assert len(token) == 32
    assert lines[:end] == to_text(REPORT, 100).splitlines()
    assert [line.partition(" ")[0] for line in lines[end + 1 :]] == ["::error"]


def test_a_report_that_can_not_be_written_in_the_end_takes_nothing_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(report: object) -> str:
        raise ZeroDivisionError("all of it")

    monkeypatch.setitem(report_files._RENDERED, "--html", broken)  # type: ignore[arg-type]
    folder = tmp_path / "gone"
    folder.mkdir()
    files = ReportFiles(json=str(folder / "r.json"), html=str(tmp_path / "r.html"), junit=str(tmp_path / "r.xml"))
    files.check()
    folder.rmdir()
    files.write(REPORT)

    assert (tmp_path / "r.xml").read_text("utf-8") == to_junit(REPORT)
    assert capsys.readouterr().err.splitlines() == [
        f"understudy: the report '{folder}/r.json' can not be written: No such file or directory.",
        f"understudy: the report '{tmp_path}/r.html' is missing: a bug of ours: ZeroDivisionError: all of it",
    ]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_does_not_change_the_exit_code(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*GATE, *EVERY[:-2], "--gitlab", "/dev/full"]) == 1

    assert "the report '/dev/full' can not be written: No space left on device." in capsys.readouterr().err
    assert junit_problems(Path("r.xml").read_text("utf-8")) == []


def test_a_run_that_was_made_earlier_gives_the_same_reports(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*GATE, *EVERY]) == 1
    text = capsys.readouterr().out
    run = json.loads(Path("r.json").read_text("utf-8"))["run"]["id"]
    written = {name: Path(name).read_text("utf-8") for name in EVERY[1::2]}
    for name in written:
        Path(name).unlink()

    assert main(["runs", "show", run, *EVERY]) == 0
    assert capsys.readouterr().out == text
    assert {name: Path(name).read_text("utf-8") for name in written} == written
    assert report_problems(json.loads(written["r.json"])) == []
    assert junit_problems(written["r.xml"]) == []
    assert gitlab_problems(json.loads(written["quality.json"])) == []

    assert main(["runs", "show", run]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(written["r.json"])
    assert main(["runs", "show", run, "--markdown", "-"]) == 0
    assert capsys.readouterr().out == written["r.md"]
