"""Recorded sessions as tests, in process: they pass, they fail with what changed, and pytest's own options work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from recorder.keys import load_key
from replayer.store import Store

from .shelf import KEY, ROOT, recorded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs pytest in an empty folder with the recording of the shelf."""
    folder = tmp_path_factory.mktemp("plugin")
    with pytest.MonkeyPatch.context() as monkeypatch:
        exchanges = recorded(folder, monkeypatch)
    url = f"sqlite:///{folder / 'understudy.db'}"
    with Store.open(url) as store:
        info = store.create_recording(
            "shelf", service="shelf", release="1", key_id=load_key(KEY, None).id, source="a test"
        )
        store.add_exchanges(info.id, exchanges)
        store.close_recording(info.id)
    (folder / "conftest.py").write_text(
        "import os, shutil\n"
        "database = f'{os.getpid()}.sqlite'\n"
        "shutil.copyfile('snapshot.sqlite', database)\n"
        "os.environ['SHELF_DATABASE'] = database\n"
    )

    def run(*arguments: str, faults: str = "") -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("UNDERSTUDY_", "SHELF_"))}
        environ |= {"PYTHONPATH": str(ROOT), "SHELF_FAULTS": faults, "SHELF_COVERS": "http://covers.invalid"}
        environ |= {"UNDERSTUDY_KEY": KEY, "UNDERSTUDY_DATABASE_URL": url}
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "replayer.recorded_tests.plugin",
        ]
        command += ["--understudy-app=tests.apps.shelf_app:create_app"]
        command += ["--understudy-mint=tests.apps.shelf_app:credentials", *arguments]
        return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)

    return run


def test_sessions_pass_on_the_release_that_was_recorded(run: Run) -> None:
    ran = run("--understudy=shelf")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout


def test_a_failure_is_a_diff_of_what_changed_alone(run: Run) -> None:
    ran = run("--understudy=shelf", "-x", faults="total_wrong")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "GET /books  (/books)\n@@ body $.total: int -> other int @@\n- 3\n+ 4\n" in ran.stdout
    assert "1 failed" in ran.stdout
    assert "ann-secret" not in ran.stdout


def test_what_may_as_well_vary_is_listed_and_fails_nothing(run: Run) -> None:
    ran = run("--understudy=shelf", faults="books_turned")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "could not be told (understudy)" in ran.stdout
    assert "  GET /books  (/books) body $.books: order -> other order\n" in ran.stdout


def test_lines_of_a_failure_are_bounded(run: Run) -> None:
    ran = run("--understudy=shelf", "-x", "--understudy-lines=4", faults="pages_as_text")
    assert "lines more; --understudy-lines shows more" in ran.stdout, ran.stdout + ran.stderr


def test_sessions_are_collected_and_chosen_as_tests_are(run: Run) -> None:
    listed = [line for line in run("--understudy=shelf", "--collect-only").stdout.splitlines() if "::session" in line]
    assert len(listed) == 3
    ran = run("--understudy=shelf", "-k", "register")
    assert "1 passed, 2 deselected" in ran.stdout, ran.stdout + ran.stderr


def test_sessions_run_on_several_processes(run: Run) -> None:
    ran = run("--understudy=shelf", "-n", "2")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--understudy=nowhere"], "nowhere"),
        (["--understudy=shelf", "--understudy-app="], "--understudy needs --understudy-app"),
    ],
)
def test_what_can_not_be_had_is_said_in_a_sentence(run: Run, arguments: list[str], message: str) -> None:
    ran = run(*arguments)
    assert ran.returncode == 4
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


def test_nothing_happens_unless_it_is_asked_for(run: Run) -> None:
    assert run().returncode == 5
