"""The four exit codes, each from the installed command on a real recording and real targets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.replayer.sharing import SECRET

from .tiny_home import database, settings
from .tiny_home import home as home

pytestmark = pytest.mark.e2e
COMMAND = str(Path(sys.executable).with_name("understudy"))
BROKEN = """
[targets.broken]
start = [{python!r}, "-c", "raise SystemExit(4)", "{{port}}"]
disposable = true
"""


@pytest.mark.parametrize(
    ("code", "candidate", "said"),
    [
        (0, "old", "PASS"),
        (1, "new", "FAIL"),
        (2, "nwe", "'nwe'"),
        (3, "broken", "ended"),
    ],
)
def test_the_command_ends_with(code: int, candidate: str, said: str, home: Path) -> None:
    (home / "understudy.toml").write_text(settings() + BROKEN.format(python=sys.executable))
    environ = {**os.environ, "UNDERSTUDY_KEY": SECRET, "UNDERSTUDY_DATABASE_URL": database(home)}
    done = subprocess.run(
        [COMMAND, "gate", "tiny", "--baseline", "old", "--candidate", candidate, "--passes", "2"],
        cwd=home,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
