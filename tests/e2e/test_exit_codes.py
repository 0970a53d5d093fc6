"""The four exit codes, each from the installed command on a real recording and real targets."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from replayer.store import Store
from tests.replayer.sharing import SECRET, key
from tests.replayer.tiny import record, route_of

pytestmark = pytest.mark.e2e
COMMAND = str(Path(sys.executable).with_name("understudy"))
ROOT = Path(__file__).parents[2]
SETTINGS = """
[targets.old]
start = [{python!r}, "-m", "tests.replayer.tiny_server", "{{port}}", "--offset", "500", "--vary"]
cwd = {root!r}
ready = "/products"
disposable = true

[targets.new]
start = [{python!r}, "-m", "tests.replayer.tiny_server", "{{port}}", "--wrong", "--vary"]
cwd = {root!r}
ready = "/products"
disposable = true

[targets.broken]
start = [{python!r}, "-c", "raise SystemExit(4)", "{{port}}"]
disposable = true
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings and a recording."""
    folder = tmp_path_factory.mktemp("codes")
    (folder / "understudy.toml").write_text(SETTINGS.format(python=sys.executable, root=str(ROOT)))
    with Store.open(f"sqlite:///{folder}/store.db") as store:
        info = store.create_recording("tiny", service="tiny", release="1", key_id=key().id, source="a test")
        exchanges = record(users=3, rounds=4).exchanges
        store.add_exchanges(info.id, [replace(each, route=route_of(each)) for each in exchanges])
        store.close_recording(info.id)
    return folder


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
    environ = {**os.environ, "UNDERSTUDY_KEY": SECRET, "UNDERSTUDY_DATABASE_URL": f"sqlite:///{home}/store.db"}
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
