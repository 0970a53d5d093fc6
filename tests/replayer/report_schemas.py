"""Each kind of report held against its schema, by the validators that others use."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator
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
