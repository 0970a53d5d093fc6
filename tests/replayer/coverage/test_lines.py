"""New lines that ran: what git and coverage.py themselves write, and files that are no such things."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from replayer.coverage.lines import FileLines, NewLines, new_lines
from replayer.errors import UsageError

REPORT = """<?xml version="1.0" ?>
<coverage version="7.6" line-rate="0.5">
  <sources><source>{source}</source></sources>
  <packages><package name="."><classes>{classes}</classes></package></packages>
</coverage>
"""


def report(folder: Path, files: dict[str, dict[int, int]], source: str = "/app/shop") -> Path:
    classes = "".join(
        f'<class name="x" filename="{name}"><methods/><lines>'
        + "".join(f'<line number="{number}" hits="{hits}"/>' for number, hits in lines.items())
        + "</lines></class>"
        for name, lines in files.items()
    )
    path = folder / "coverage.xml"
    path.write_text(REPORT.format(source=source, classes=classes), "utf-8")
    return path


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.autocrlf=false", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def diff(folder: Path, before: dict[str, str], after: dict[str, str], *options: str) -> Path:
    """What git says of two versions of some files."""
    repository = folder / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    for version in (before, after):
        for name, text in version.items():
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            (repository / name).write_text(text, "utf-8")
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "--allow-empty", "-m", "x")
    path = folder / "changes.diff"
    path.write_text(git(repository, "diff", *options, "HEAD~1", "HEAD"), "utf-8")
    return path


OLD = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n"
NEW = "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven"


@pytest.mark.parametrize("options", [("-U0",), (), ("--no-prefix",), ("-U0", "--src-prefix=i/", "--dst-prefix=w/")])
def test_new_lines_are_those_that_git_adds_and_the_report_knows(tmp_path: Path, options: tuple[str, ...]) -> None:
    changes = diff(tmp_path, {"shop/orders.py": OLD}, {"shop/orders.py": NEW}, *options)
    hits = {2: 3, 3: 0, 10: 0}  # line 11 can not run

    assert new_lines(report(tmp_path, {"orders.py": hits}), changes) == NewLines(
        (FileLines("shop/orders.py", 2, (10,)),)
    )
    whole = report(tmp_path, {"shop/orders.py": hits}, source="/app")
    assert new_lines(whole, changes).figure.share == 0.5


def test_a_file_that_was_never_loaded_is_new_and_did_not_run(tmp_path: Path) -> None:
    after = {
        "shop/orders.py": NEW,
        "shop/refunds.py": "# of money\n\nimport os\nprint(os)\n",
        "shop/style.css": "a {}\n",
        "tests/test_refunds.py": "assert 1\n",
    }
    changes = diff(tmp_path, {"shop/orders.py": OLD}, after, "-U0")

    for source, name in (("/app/shop", "orders.py"), ("/app", "shop/orders.py")):
        found = new_lines(report(tmp_path, {name: {2: 1}}, source), changes)
        assert found == NewLines(
            (FileLines("shop/orders.py", 1), FileLines("shop/refunds.py", 2, (3, 4), measured=False)),
            ("shop/style.css", "tests/test_refunds.py"),
        )


def test_names_that_git_quotes_are_read(tmp_path: Path) -> None:
    changes = diff(tmp_path, {}, {'shop/grö ße"s.py': "one\n"}, "-U0")

    (only,) = new_lines(report(tmp_path, {"grö ße&quot;s.py": {1: 1}}), changes).files

    assert (only.path, only.missed) == ('shop/grö ße"s.py', ())


def test_of_two_files_with_one_name_the_path_decides(tmp_path: Path) -> None:
    changes = diff(tmp_path, {}, {"a/views.py": "one\n", "b/views.py": "one\n"}, "-U0")

    found = new_lines(report(tmp_path, {"a/views.py": {1: 1}, "b/views.py": {1: 0}}, "/app"), changes)

    assert found.files == (FileLines("a/views.py", 1), FileLines("b/views.py", 1, (1,)))


def test_lines_that_are_gone_are_not_new(tmp_path: Path) -> None:
    changes = diff(tmp_path, {"shop/orders.py": OLD}, {"shop/orders.py": "one\n"})

    found = new_lines(report(tmp_path, {"orders.py": {1: 1}}), changes)

    assert (found, found.figure.of, found.figure.share) == (NewLines(()), 0, 0.0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is not valid XML"),
        ("<coverage>", "is not valid XML"),
        ("<coverage/>", "no Cobertura report"),
        ('<report><class filename="a"/></report>', "no Cobertura report"),
        ('<coverage><class filename="a"><lines><line number="x" hits="1"/></lines></class></coverage>', "no number"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><coverage>&b;</coverage>', "defines entities"),
    ],
)
def test_what_is_no_report_is_refused_with_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "coverage.xml").write_text(content)
    (tmp_path / "changes.diff").write_text("")

    with pytest.raises(UsageError, match=sentence):
        new_lines(tmp_path / "coverage.xml", tmp_path / "changes.diff")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("hello\n", "is no whole diff"),
        ("--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n+a\n", "is no whole diff"),
        ("diff --cc x\n--- a/x\n+++ b/x\n@@@ -1 -1 +1 @@@\n++a\n", "is one of a merge"),
    ],
)
def test_what_is_no_diff_is_refused_with_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "changes.diff").write_text(content)

    with pytest.raises(UsageError, match=sentence):
        new_lines(report(tmp_path, {"a.py": {1: 1}}), tmp_path / "changes.diff")


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"coverage report .* cannot be read"):
        new_lines(tmp_path / "coverage.xml", tmp_path / "changes.diff")
    with pytest.raises(UsageError, match=r"diff .* cannot be read"):
        new_lines(report(tmp_path, {"a.py": {1: 1}}), tmp_path / "changes.diff")
