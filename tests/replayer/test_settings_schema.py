"""The schema beside the reader: what the schema refuses, the reader refuses, and each key is held to something."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from replayer.errors import UsageError
from replayer.settings import load_settings
from replayer.settings_schema import settings_schema

from .test_policy_settings import WHOLE
from .test_settings import DOCUMENTED

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = settings_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

TABLES = {  # how to write one key of each table, with what it needs beside the key
    ("policy",): "[policy]\n{}",
    ("policy", "budgets"): '[[policy.budgets]]\nroute = "* /**"\nmax_slowdown = 2.0\nmax_statements = 2\n{}',
    ("policy", "tags"): '[[tags]]\nname = "t"\nroutes = ["* /**"]\n[policy.tags.t]\n{}',
    ("tags",): '[[tags]]\nname = "t"\nroutes = ["* /**"]\n{}',
    ("noise",): '[[noise]]\nroute = "* /**"\npath = "$.a"\nreason = "r"\n{}',
    ("targets",): '[targets.t]\nurl = "http://h"\n{}',
    ("ingest",): "[ingest]\n{}",
    ("slack",): "[slack]\n{}",
    ("webhook",): "[webhook]\n{}",
}
VALUES = """
true | 0 | 1 | -1 | 2000 | 0.5 | 1.5 | -0.1 | inf | "" | " " | "x" | "major" | "pass" | "app" | "30d" | "/x" | "a:b"
| "GET /a" | "status" | "uuid" | "http://h" | 2027-01-31 | "2027-01-31" | [] | ["x"] | ["GET /a"] | ["/a"] | [1] | {}
| { t = "x" } | { t = 1 }
""".split("|")


def below(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The schema of one table."""
    for name in path:
        schema = schema["properties"][name]
        schema = schema.get("items", schema)
        if isinstance(schema.get("additionalProperties"), dict):
            schema = schema["additionalProperties"]
    return schema


def keys() -> list[Any]:
    return [
        pytest.param(path, key, id=".".join((*path, key)))
        for path in TABLES
        for key in below(SCHEMA, path)["properties"]
        if (*path, key) not in TABLES
    ]


def plain(value: Any) -> Any:
    """TOML's own dates as editors hand them to a schema."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def takes(text: str, folder: Path) -> bool | None:
    """Whether the reader takes a file; None for what is no TOML."""
    path = folder / "understudy.toml"
    path.write_text(text)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    try:
        load_settings(path, environ={})
    except UsageError:
        return False
    return True


@pytest.mark.parametrize(("path", "key"), keys())
def test_the_schema_refuses_nothing_that_the_reader_takes(path: tuple[str, ...], key: str, tmp_path: Path) -> None:
    taken = refused = 0
    for value in map(str.strip, VALUES):
        lines = [line for line in TABLES[path].splitlines() if not line.startswith(f"{key} = ")]
        text = "\n".join(lines).replace("{}", f"{key} = {value}")
        if (path, key) == (("policy", "budgets"), "slowdown_floor"):
            text = text.replace("max_statements = 2\n", "")
        if takes(text, tmp_path):
            problems = [problem.message for problem in VALIDATOR.iter_errors(plain(tomllib.loads(text)))]
            assert problems == [], text
            taken += 1
        else:
            refused += not VALIDATOR.is_valid(plain(tomllib.loads(text)))
    assert refused, "the schema lets everything pass"
    assert taken or key in NEEDS_MORE, "no value is taken: the test shows nothing"


NEEDS_MORE = {
    "start",
    "run",
    "path",
    "channel",
    "link",
    "mentions",
    "tag_channels",
    "url",
    "wsgi",
    "python",
    "cwd",
    "token",
}
"""Keys of which no value of VALUES is taken beside what TABLES writes."""


@pytest.mark.parametrize("text", [DOCUMENTED, WHOLE], ids=["documented", "policy"])
def test_whole_files_are_valid(text: str) -> None:
    text = text.replace('"api/openapi.yaml"', '"openapi.yaml"')

    assert [problem.message for problem in VALIDATOR.iter_errors(plain(tomllib.loads(text)))] == []


def test_every_example_of_the_documents_is_valid() -> None:
    found = 0
    for document in DOCS.glob("*.md"):
        for code in re.findall(r"^```toml\n(.*?)^```$", document.read_text("utf-8"), re.M | re.S):
            assert [problem.message for problem in VALIDATOR.iter_errors(plain(tomllib.loads(code)))] == []
            found += 1
    assert found > 3


def test_a_wrong_key_is_refused_wherever_it_stands() -> None:
    for path, text in TABLES.items():
        assert not VALIDATOR.is_valid(plain(tomllib.loads(text.replace("{}", "colour = 1")))), path
    assert not VALIDATOR.is_valid({"policies": {}})


def test_the_schema_is_one_and_says_what_keys_mean() -> None:
    Draft202012Validator.check_schema(SCHEMA)

    policy = below(SCHEMA, ("policy",))["properties"]
    assert policy["min_fidelity"]["description"] == (
        "Share of replayed exchanges to which the baseline gave the recorded status, 0..1."
    )
    assert all("description" in schema for name, schema in policy.items() if name not in ("tags", "budgets"))
