"""`understudy serve` in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from replayer.store import Store
from tests.processes import end_with_parent

TOKEN = "a-token-of-enough-characters+/="

Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of this version in which there is nothing: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("dashboard") / "store.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def empty_database(migrated: Path, tmp_path: Path) -> str:
    """The URL of one of this test alone."""
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'store.db')}"


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Serves a database until the end of the block, and gives the address without a slash at its end."""

    @contextmanager
    def served(url: str = "", token: str = TOKEN, settings: str = "", port: int = 0) -> Iterator[str]:
        (tmp_path / "understudy.toml").write_text(settings)
        program = [sys.executable, "-c", "from replayer.cli.main import script; script()", "serve", "--port", str(port)]
        process = subprocess.Popen(
            [*program, "--db", url or f"sqlite:///{tmp_path}/store.db"],
            cwd=tmp_path,
            env=os.environ | {"UNDERSTUDY_INGEST_TOKEN": token},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent,
        )
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "serving at " in line:
                    yield line.partition("serving at ")[2].strip().rstrip("/")
                    break
                assert "no token is set" in line or "open http" in line, line
        finally:
            process.terminate()
            said = process.stderr.read()
            process.stderr.close()
            assert process.wait(30) == 0, said
        assert "Traceback" not in said, said

    return served
