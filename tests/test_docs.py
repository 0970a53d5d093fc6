"""Holds the documents true: what the code has is described, and what is described is there."""

from __future__ import annotations

import ast
import importlib
import json
import re
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import typer

from diffing.difference import DifferenceKind, Location, Part, Reason, Severity
from diffing.gate import Outcome, Verdict
from diffing.grouping import Finding
from diffing.inventory import Knowledge
from diffing.kinds import KINDS
from diffing.mutations import Mutation
from diffing.sensitivity import Sensitivity
from recorder import RecorderConfig
from recorder.identity import Principal, principal_digest
from recorder.keys import Key
from replayer import alert_settings, policy_settings, settings, target_settings
from replayer.cli.main import GROUPS
from replayer.errors import ExitCode
from replayer.reports.json_report import to_json
from replayer.reports.model import RunReport
from replayer.reports.self_test_wording import KNOWLEDGE, MUTATIONS

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("recorder", "diffing", "replayer", "dashboard")
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
BESIDE_CODE = sorted([*(ROOT / "examples").glob("*/README.md"), *(ROOT / "benchmarks").glob("*/README.md")])

# Where the keys of each table of the settings file have their headings: document, heading above them.
KEY_SECTIONS = {
    target_settings.TargetSettings: ("replaying.md", "Keys of `[targets.NAME]`"),
    settings.Tag: ("gate.md", "Tags"),
    settings.BudgetSetting: ("gate.md", "`budgets`"),
    settings.PolicySettings: ("gate.md", "`[policy]`"),
    settings.TagPolicy: ("gate.md", "`tags`"),
    settings.NoiseSetting: ("gate.md", "Noise rules"),
    alert_settings.SlackSettings: ("alerts.md", "`[slack]`"),
    alert_settings.WebhookSettings: ("alerts.md", "`[webhook]`"),
    settings.IngestSettings: ("storing.md", "`[ingest]`"),
}
NOT_KEYS = {"source", "unset"}  # of Settings: where they were read from, and what was missing

HEADING = re.compile(r"(#{1,6}) (.+)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
OPTION = re.compile(r"--[a-z][a-z-]*")
VARIABLE = re.compile(r"(?<![A-Z_])UNDERSTUDY_[A-Z_]*[A-Z]")
TABLE = re.compile(r"<!-- severity table: begin -->\n(.*)<!-- severity table: end -->", re.S)


# ---------------------------------------------------------------- reading documents


@cache
def text(name: str) -> str:
    return (ROOT / name if name in ("README.md", "CHANGELOG.md") else ROOT / "docs" / name).read_text("utf-8")


def headings(content: str) -> list[tuple[int, str]]:
    """(level, text) of every heading, fences left out."""
    found = (HEADING.fullmatch(line) for line in FENCE.sub("", content).splitlines())
    return [(len(match[1]), match[2].strip()) for match in found if match]


def section(content: str, title: str) -> str:
    """From a heading to the next one that is not below it."""
    lines = content.splitlines()
    start = next((i for i, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(title)}", line)), None)
    assert start is not None, f"there is no heading {title!r}"
    level = len(lines[start]) - len(lines[start].lstrip("#"))
    below = lines[start + 1 :]
    in_fence = False
    for i, line in enumerate(below):
        in_fence ^= line.startswith("```")
        match = HEADING.fullmatch(line)
        if match and not in_fence and len(match[1]) <= level:
            return "\n".join(below[:i])
    return "\n".join(below)


def slug(heading: str) -> str:
    """A heading's anchor, as the usual hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def blocks(language: str) -> list[Any]:
    """Every fence of one language as a test's parameter."""
    return [
        pytest.param(match[2], id=f"{path.name} fence {number}")
        for path in DOCUMENTS
        for number, match in enumerate(FENCE.finditer(path.read_text("utf-8")), 1)
        if match[1] == language
    ]


# ---------------------------------------------------------------- variables and settings


class _Asked(Mapping[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def variables() -> set[str]:
    environ = _Asked()
    RecorderConfig.parse(environ)
    sources = (path.read_text("utf-8") for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return environ.names.union(*(VARIABLE.findall(source) for source in sources))


def test_every_environment_variable_has_a_heading_and_no_other_has() -> None:
    described = {
        name.strip("`") for path in DOCUMENTS for _, name in headings(path.read_text("utf-8")) if VARIABLE.search(name)
    }
    assert described == variables()


def test_every_table_of_the_settings_has_a_place() -> None:
    tables = {
        found
        for module in (settings, alert_settings, policy_settings, target_settings)
        for found in vars(module).values()
        if isinstance(found, type) and is_dataclass(found) and found.__module__ == module.__name__
    }
    assert tables == {*KEY_SECTIONS, settings.Settings, target_settings.Expansion}


@pytest.mark.parametrize("table", KEY_SECTIONS, ids=lambda table: str(table.__name__))
def test_every_key_has_a_heading(table: type) -> None:
    document, title = KEY_SECTIONS[table]
    above = headings(text(document))
    start = next(i for i, (_, heading) in enumerate(above) if heading == title)
    level = above[start][0]
    below = []
    for depth, heading in above[start + 1 :]:
        if depth <= level:
            break
        if depth == level + 1:
            below.append(heading.partition("`")[2].partition("`")[0])
    assert sorted(below) == sorted(field.name for field in fields(table))


def test_every_top_level_key_is_named() -> None:
    introduction = section(text("replaying.md"), "Targets")
    for field in fields(settings.Settings):
        assert field.name in NOT_KEYS or f"`{field.name}`" in introduction, field.name


def test_every_default_of_the_policy_is_told() -> None:
    for field in fields(settings.PolicySettings):
        if not isinstance(field.default, tuple):
            said = section(section_of_policy(), f"`{field.name}`")
            value = field.default
            assert f"Default {value:g}." in said if isinstance(value, (int, float)) else str(value) in said, field.name


def section_of_policy() -> str:
    return section(text("gate.md"), "`[policy]`")


def test_every_kind_that_a_noise_rule_may_name_is_listed() -> None:
    assert set(re.findall(r"`(\w+)`", section(text("gate.md"), "`kind`"))) == KINDS


# ---------------------------------------------------------------- command line


def commands() -> Iterator[tuple[str, Any]]:
    # typer's own kinds of command, which may be those of click or not: known by their attributes
    for group in GROUPS:
        module = importlib.import_module(f"replayer.cli.{'gate' if group == 'replay' else group}")
        command = typer.main.get_command(module.app)
        yield f"understudy {group}", command
        for name, inner in getattr(command, "commands", {}).items():
            yield f"understudy {group} {name}", inner


def test_every_command_has_a_heading_and_no_other_has() -> None:
    described = {name.strip("`") for _, name in headings(text("cli.md")) if "understudy" in name}
    assert described == {name for name, _ in commands()}


@pytest.mark.parametrize(("name", "command"), [pytest.param(*found, id=found[0]) for found in commands()])
def test_every_option_is_described(name: str, command: Any) -> None:
    described = section(text("cli.md"), f"`{name}`")
    if name == "understudy replay":
        assert "As `gate`, with the same options" in described
        return
    if hasattr(command, "commands") or name == "understudy demo":
        return  # a group has no options, and the demo passes its own on: see below
    options = {
        option
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }
    assert set(re.findall(OPTION, described)) == options - {"--help"}


def test_every_option_of_the_demo_is_described() -> None:
    source = (ROOT / "examples" / "shop" / "shop" / "demo.py").read_text("utf-8")
    options = set(re.findall(r'add_argument\("(--[a-z-]+)"', source))
    assert options
    assert set(re.findall(OPTION, section(text("cli.md"), "`understudy demo`"))) == options


def test_every_exit_code_is_told_in_the_words_of_the_code() -> None:
    for code in ExitCode:
        assert re.search(rf"^\| {code.value} \| .* \| {re.escape(code.sentence)} \|$", text("gate.md"), re.M), code


# ---------------------------------------------------------------- what a run says


def rows(content: str) -> dict[str, list[str]]:
    """Tables by the first cell's code."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in content.splitlines() if "|" in line]
    return {name: row[1:] for row in cells if len(row) > 1 for name in re.findall(r"`([^`]+)`", row[0])}


def test_every_reason_has_a_sentence() -> None:
    told = rows(section(text("gate.md"), "The ledger"))
    assert set(told) == {reason.value for reason in Reason}
    assert all(len(sentence) > 20 for _, sentence in told.values())


def test_every_kind_of_difference_has_a_sentence() -> None:
    told = rows(section(text("comparing.md"), "Severity").partition("severity table: end")[2])
    assert set(told) == {kind.value for kind in DifferenceKind}


def test_every_fault_of_the_self_test_and_every_knowledge_of_a_place_is_told() -> None:
    told = rows(section(text("comparing.md"), "Self-test"))
    sentences = {each.value: sentence for each, sentence in (*MUTATIONS.items(), *KNOWLEDGE.items())}
    assert {name: row[0] for name, row in told.items()} == sentences
    assert set(MUTATIONS) == set(Mutation)
    assert set(KNOWLEDGE) == set(Knowledge)


def test_every_key_of_the_json_report_is_described() -> None:
    finding = Finding(
        fingerprint="f", severity=Severity.MAJOR, kind="value", method="GET", route="/", location=Location(Part.BODY),
        transition="", baseline=1, candidate=2, count=1, out_of=1, state="confirmed", members=(), story=None, tags=(),
        exemplars=(), exchanges=(),
    )  # fmt: skip
    report = to_json(RunReport("id", "recording", "candidate", Verdict(Outcome.PASS, (), 0), findings=[finding]))
    described = section(text("gate.md"), "The JSON report")
    first, _, second = described.partition("Each finding:")
    assert set(rows(first)) == set(report)
    assert {name for cell in rows(second) for name in cell.split(", ")} == set(report["findings"][0])
    assert all(
        f"`{field.name}`" in rows(first)["self_test"][0] for field in fields(Sensitivity) if field.name != "total"
    )
    for name in ("run", "coverage", "unchecked", "ledger"):
        row = rows(first)[name][0]
        assert all(f"`{key}`" in row for key in report[name]), name


def test_the_severity_table_is_that_of_the_code() -> None:
    match = TABLE.search(text("comparing.md"))
    assert match
    assert match[1] == severity_table()


def severity_table() -> str:
    data = tomllib.loads((ROOT / "diffing" / "severity_table.toml").read_text("utf-8"))
    lines = ["| difference | where | severity | why |", "|---|---|---|---|"]
    for rule in data["rule"]:
        kinds = ", ".join(f"`{kind}`" for kind in rule.get("kind", ())) or "any"
        conditions = [", ".join(rule["part"])] if "part" in rule else []
        if "from" in rule or "to" in rule:
            conditions.append(f"{' '.join(rule.get('from', ['any']))} → {' '.join(rule.get('to', ['any']))}")
        conditions += [rule["method"]] if "method" in rule else []
        conditions += [f"place `{escaped(rule['leaf'])}`"] if "leaf" in rule else []
        conditions += [f"change `{escaped(rule['transition'])}`"] if "transition" in rule else []
        conditions += [f"{rule['numbers']} number"] if "numbers" in rule else []
        lines.append(f"| {kinds} | {'; '.join(conditions)} | {rule['severity']} | {rule['why']} |")
    return "\n".join(lines) + "\n"


def escaped(pattern: str) -> str:
    return pattern.replace("|", "\\|")


# ---------------------------------------------------------------- the map, links and examples


def test_every_module_is_on_the_map_and_no_other_is() -> None:
    modules = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.read_text("utf-8").strip()
    }
    assert set(re.findall(r"^\| `([\w/]+\.py)` \| \S", text("architecture.md"), re.M)) == modules


def test_decisions_are_numbered_from_one_on_and_listed() -> None:
    titles = [headings(path.read_text("utf-8"))[0][1] for path in DECISIONS]
    assert [int(path.name[:4]) for path in DECISIONS] == [*range(1, len(DECISIONS) + 1)]
    assert [int(title.partition(". ")[0]) for title in titles] == [*range(1, len(DECISIONS) + 1)]
    listed = re.findall(r"\(decisions/([^)]+)\)", section(text("architecture.md"), "Decisions"))
    assert listed == [path.name for path in DECISIONS]


@pytest.mark.parametrize("path", [*DOCUMENTS, *DECISIONS, *BESIDE_CODE], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    content = FENCE.sub("", path.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", content):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), target
        if anchor:
            assert anchor in {slug(heading) for _, heading in headings(found.read_text("utf-8"))}, target


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_compile(code: str) -> None:
    tree = ast.parse(code)
    for node in ast.walk(tree):  # what they import of ours is there
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PACKAGES:
            source = importlib.import_module(str(node.module))
            assert all(hasattr(source, name.name) for name in node.names)


def test_the_mint_hook_of_the_documents_logs_a_user_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = Key(b"k" * 32)
    path = tmp_path / "users.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE users (id INTEGER, email TEXT)")
        database.execute("INSERT INTO users VALUES (7, 'ann@example.com')")
        database.commit()
    monkeypatch.setenv("REHEARSAL_DB", str(path))
    code = next(match[2] for match in FENCE.finditer(section(text("replaying.md"), "The mint hook")))
    hook: dict[str, Any] = {}
    exec(code, hook)
    with make_server("127.0.0.1", 0, _login, handler_class=_Silent) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        minted = hook["credentials"](
            Principal(principal_digest("7", key), key), f"http://127.0.0.1:{server.server_port}"
        )
        thread.join()
    assert minted == {
        "headers": {"Authorization": "Bearer access of ann@example.com"},
        "cookies": {},
        "body": {"password": "the one that all users of the snapshot have", "refresh_token": "refresh"},
    }
    assert hook["credentials"](Principal(principal_digest("8", key), key), "http://127.0.0.1:9") is None


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return


def _login(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    sent = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"access_token": f"access of {sent['email']}", "refresh_token": "refresh"}).encode()]


@pytest.mark.parametrize("code", blocks("toml"))
def test_settings_examples_load(code: str, tmp_path: Path) -> None:
    path = tmp_path / "understudy.toml"
    path.write_text(code, "utf-8")
    loaded = settings.load_settings(path, environ={})
    assert loaded != settings.Settings(source=path)
    assert not loaded.unset
