"""What may be loaded when: a help text, a recorder in production."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def loaded_by(statements: str) -> set[str]:
    """The top-level modules that a clean interpreter has loaded after these statements."""
    script = f"import json, sys\n{statements}\nprint(json.dumps(sorted({{n.partition('.')[0] for n in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return set(found)


def test_help_loads_neither_the_database_nor_the_client() -> None:
    loaded = loaded_by("from replayer.cli.main import main\nassert main(['--help']) == 0")
    assert not loaded & {"sqlalchemy", "httpx", "alembic", "rich", "typer", "deepdiff", "jinja2", "orjson"}


@pytest.mark.parametrize("module", ["recorder", "recorder.flask", "recorder.django", "recorder.wire"])
def test_a_recorder_brings_nothing_of_the_other_parts(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert not loaded & {"replayer", "diffing", "dashboard", "sqlalchemy", "httpx", "orjson"}


def test_comparing_brings_neither_the_database_nor_the_client() -> None:
    loaded = loaded_by("import diffing.judge, diffing.gate, diffing.grouping, diffing.ledger")
    assert not loaded & {"replayer", "dashboard", "sqlalchemy", "httpx", "fastapi", "celery"}


def test_the_contracts_between_the_packages_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
