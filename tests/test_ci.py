"""What pipelines are given: the action, the templates and the step that both run, as far as they run without GitHub."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from replayer.cli.main import main
from replayer.reports.markdown import marker_of

from .replayer.forge import Forge, forge
from .replayer.report_schemas import gitlab_problems, junit_problems, report_problems
from .replayer.tiny_home import home as home

ROOT = Path(__file__).parents[1]
STEP = ROOT / "ci" / "understudy-ci"
BIN = Path(sys.executable).parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.name != "setup")
CI_VARIABLES = re.compile("GITHUB_|CI_|UNDERSTUDY_GITLAB_TOKEN")


@pytest.fixture
def server() -> Iterator[Forge]:
    with forge() as answering:
        yield answering


@pytest.fixture
def environ(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """That of a job which is neither GitHub's nor GitLab's; the candidate notes down its own."""
    for name in os.environ:
        if CI_VARIABLES.match(name):
            monkeypatch.delenv(name)
    settings = home / "understudy.toml"
    text = settings.read_text("utf-8")
    noted = f"""["/bin/sh", "-c", 'env > "{home}/noted"; exec "$0" "$@"', """
    before, at, after = text.partition("[targets.new]\nstart = [")
    settings.write_text(before + at[:-1] + noted + after, "utf-8")
    return {**os.environ, "PATH": f"{ROOT / 'ci'}:{BIN}:{os.environ['PATH']}"}


def run(command: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=dict(environ), capture_output=True, text=True, timeout=120, check=False)


# ---------------------------------------------------------------- read, not run


@pytest.mark.parametrize(
    "command",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", "ci/github-workflow.yml"],
        ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", "ci/gitlab.yml"],
        ["zizmor", "--offline", "--persona", "pedantic", "--no-progress", "action.yml", "ci/github-workflow.yml"],
        ["shellcheck", "--external-sources", "--source-path=SCRIPTDIR", str(STEP), *map(str, SCRIPTS)],
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_linters_find_nothing(command: list[str]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_run_of_the_action_is_clean_shell(tmp_path: Path) -> None:
    for step in ACTION["runs"]["steps"]:
        if "run" in step:
            script = tmp_path / "step.sh"
            script.write_text(f"#!/usr/bin/env bash\n{step['run']}", "utf-8")
            done = run([str(BIN / "shellcheck"), str(script)], os.environ)
            assert done.returncode == 0, done.stdout
            assert "${{" not in step["run"]  # what a user gives is data, and comes through the environment


def test_the_action_names_each_input_that_it_takes() -> None:
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(ACTION["runs"])))
    assert used == set(ACTION["inputs"])


def test_the_templates_keep_what_the_step_writes() -> None:
    written = set(re.findall(r"\$folder/([\w.]+\.(?:xml|json|html|md))\"", STEP.read_text("utf-8")))
    assert written == {"report.json", "report.html", "report.md", "junit.xml", "quality.json"}
    job = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text("utf-8"))
    artifacts = job[".understudy"]["artifacts"]
    assert artifacts["paths"] == ["understudy-reports/"]
    assert artifacts["when"] == "always"
    assert {path.partition("/")[2] for path in artifacts["reports"].values()} <= written
    assert job["understudy"]["script"][0].split()[:2] == ["understudy-ci", "understudy-reports"]


# ---------------------------------------------------------------- the action, its steps run as GitHub does


def value(expression: str, context: Mapping[str, str]) -> Any:
    """What one of the expressions in the action comes to."""
    names = re.sub(r"\b(inputs|github)\.([\w-]+)", r'known["\1.\2"]', expression)
    python = names.replace("&&", " and ").replace("||", " or ")
    return eval(python, {"known": context, "always": lambda: True})


def filled(text: str, context: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{(.+?)\}\}", lambda found: str(value(found[1], context)), text)


def act(given: Mapping[str, str], event: str, token: str, folder: Path, environ: Mapping[str, str]) -> tuple[int, str]:
    """Runs the steps that are shell, with these inputs; the exit code of the gate's, and what it printed."""
    context = {f"inputs.{name}": str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
    context |= {"github.event_name": event, "github.token": token}
    context["inputs.token"] = filled(context["inputs.token"], context)
    context |= {f"inputs.{name}": each for name, each in given.items()}
    files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    done = None
    for step in ACTION["runs"]["steps"]:
        if "run" not in step or not value(step.get("if", "always()"), context):
            continue
        own = {name: filled(each, context) for name, each in step["env"].items()}
        script = folder / "step.sh"
        script.write_text(step["run"], "utf-8")
        more = {"GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(ROOT), "RUNNER_TEMP": str(folder)}
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
        done = run(command, {**environ, **files, **more, **own})
    assert done is not None
    return done.returncode, done.stdout + done.stderr


INPUTS = {
    "recording": "tiny",
    "candidate": "new",
    "baseline": "old",
    "arguments": "--passes\n2\n\n",
    "install": "false",
}


def test_the_action_ends_as_the_gate_does_and_leaves_everything_behind(
    home: Path, environ: dict[str, str], server: Forge
) -> None:
    github = {**server.github(home), "GITHUB_HEAD_REF": "feature/prices"}
    token = github.pop("GITHUB_TOKEN")
    status, said = act(INPUTS, "pull_request", token, home, {**environ, **github})

    assert status == 1, said
    reports = home / "understudy-reports"
    text = (reports / "report.md").read_text("utf-8")
    report = json.loads((reports / "report.json").read_text("utf-8"))
    assert report["run"]["branch"] == "feature/prices"
    assert report_problems(report) == []
    assert junit_problems((reports / "junit.xml").read_text("utf-8")) == []
    assert gitlab_problems(json.loads((reports / "quality.json").read_text("utf-8"))) == []
    assert (home / "output").read_text() == "exit-code=1\n"
    assert (home / "summary").read_text("utf-8") == text
    assert re.search(r"^::error title=", said, re.M)
    assert [each["body"] for each in server.comments] == [text]
    noted = (home / "noted").read_text()
    assert "GITHUB_HEAD_REF=feature/prices" in noted
    assert token not in noted

    status, _ = act({**INPUTS, "candidate": "old"}, "pull_request", token, home, {**environ, **github})
    assert status == 0
    assert ["## ✅ Understudy: PASS" in each["body"] for each in server.comments] == [True]


def test_what_can_not_be_asked_for_ends_with_2_and_says_nothing_in_the_pull_request(
    home: Path, environ: dict[str, str], server: Forge
) -> None:
    github = server.github(home)
    reports = home / "understudy-reports"
    reports.mkdir()
    (reports / "report.md").write_text("of an earlier run")
    status, said = act({**INPUTS, "wait": "soon"}, "pull_request", github["GITHUB_TOKEN"], home, {**environ, **github})

    assert status == 2, said
    assert "--wait" in said
    assert (home / "output").read_text() == "exit-code=2\n"
    assert server.comments == []
    assert not (reports / "report.md").exists()


def test_a_job_of_gitlab_comments_too_and_a_refused_comment_changes_nothing(
    home: Path, environ: dict[str, str], server: Forge
) -> None:
    gitlab = {**environ, **server.gitlab(), "CI_COMMIT_REF_NAME": "feature/prices"}
    command = [str(STEP), "understudy-reports", "tiny", "--candidate", "new", "--baseline", "old", "--passes", "2"]
    server.fails = 403
    refused = run(command, gitlab)
    server.fails = 0
    done = run(command, gitlab)

    assert (refused.returncode, done.returncode) == (1, 1)
    assert "understudy-ci: no comment; the verdict stands" in refused.stderr
    assert "::error" not in done.stdout
    assert [marker_of(each["body"]) for each in server.comments] == ["tiny"]
    assert json.loads((home / "understudy-reports/report.json").read_text())["run"]["branch"] == "feature/prices"


def test_while_a_gate_waits_the_comment_is_there_and_an_approval_turns_it(
    home: Path, environ: dict[str, str], server: Forge, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(STEP), "out", "tiny", "--candidate", "new", "--baseline", "old", "--passes", "2", "--wait", "120"]
    github = {**environ, **server.github(home)}
    with subprocess.Popen(command, env=github, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as job:
        assert job.stdout is not None
        try:
            said = next(line for line in job.stdout if "the comment was" in line)
            assert said == "pull request 7 of acme/shop: the comment was made.\n"
            assert "## ❌ Understudy: FAIL" in server.comments[0]["body"]
            for finding in json.loads(Path("out/report.json").read_text("utf-8"))["findings"]:
                words = ["findings", "approve", finding["fingerprint"], "--reason", "as agreed", "--author", "ann"]
                assert main([*words, "--store-only"]) == 0
            rest, _ = job.communicate(timeout=60)
        finally:
            job.kill()

    assert job.returncode == 0
    assert "the comment was updated" in rest
    assert "## ✅ Understudy: PASS" in server.comments[0]["body"]
    assert "approved by ann" in server.comments[0]["body"]
    assert len(server.comments) == 1
