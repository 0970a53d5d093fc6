"""Each kind of report held against its schema, by the validators that others use."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from lxml import etree

SCHEMAS = Path(__file__).parent.parent / "data" / "schemas"


def junit_problems(text: str) -> list[str]:
    """What the JUnit schema says against a report."""
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "junit.xsd"))
    schema.validate(etree.fromstring(text.encode()))
    return [f"line {problem.line}: {problem.message}" for problem in schema.error_log]


def gitlab_problems(data: object) -> list[str]:
    """What GitLab's format says against a code quality report."""
    schema = json.loads((SCHEMAS / "gitlab-code-quality.schema.json").read_text())
    return [problem.message for problem in Draft202012Validator(schema).iter_errors(data)]


def report_problems(data: object, closed: bool = True) -> list[str]:
    """What the published schema says against a JSON report; `closed`: also what it does not describe."""
    schema = json.loads(files("replayer.reports").joinpath("report.schema.json").read_text("utf-8"))
    validator = Draft202012Validator(_closed(schema) if closed else schema, format_checker=FormatChecker())
    return [problem.message for problem in validator.iter_errors(data)]


def _closed(schema: Any) -> Any:
    """The schema with no object open to what is not named."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "required" in inner and "properties" in inner else inner
