"""A repository's folder with settings and a recording of the tiny API, in which commands are typed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.keys import Key
from replayer.store import Store

from .tiny import record, route_of

ROOT = Path(__file__).parents[2]
KEY = "a key of at least thirty-two bytes"
DATABASE = "sqlite:///.understudy/understudy.db"
SETTINGS = """
[targets.old]
start = [{python!r}, "-m", "tests.replayer.tiny_server", "{{port}}", "--offset", "500"]
cwd = {root!r}
ready = "/products"
disposable = true

[targets.new]
start = [{python!r}, "-m", "tests.replayer.tiny_server", "{{port}}", "--wrong"]
cwd = {root!r}
ready = "/products"
disposable = true
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("UNDERSTUDY_DATABASE_URL", "UNDERSTUDY_KEY_FILE", "UNDERSTUDY_DEBUG", "GIT_AUTHOR_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UNDERSTUDY_KEY", KEY)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "understudy.toml").write_text(SETTINGS.format(python=sys.executable, root=str(ROOT)))
    with Store.open(DATABASE) as store:
        info = store.create_recording("tiny", service="tiny", release="1", key_id=Key(KEY.encode()).id, source="a test")
        exchanges = record(users=3, rounds=6).exchanges
        store.add_exchanges(info.id, [replace(each, route=route_of(each)) for each in exchanges])
        store.close_recording(info.id)
    return tmp_path
