"""A folder in which `understudy gate tiny` can be typed: settings with targets of the tiny server, and a recording."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from replayer.store import Store
from tests.replayer.sharing import key
from tests.replayer.tiny import record, route_of

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

[targets.hanging]
start = [{python!r}, "-m", "tests.replayer.tiny_server", "{{port}}", "--vary", "--hang", "POST /orders"]
cwd = {root!r}
ready = "/products"
disposable = true
"""


def settings() -> str:
    """What the settings file says."""
    return SETTINGS.format(python=sys.executable, root=str(ROOT))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with settings and a recording."""
    (tmp_path / "understudy.toml").write_text(settings())
    with Store.open(database(tmp_path)) as store:
        info = store.create_recording("tiny", service="tiny", release="1", key_id=key().id, source="a test")
        exchanges = record(users=5, rounds=8).exchanges
        store.add_exchanges(info.id, [replace(each, route=route_of(each)) for each in exchanges])
        store.close_recording(info.id)
    return tmp_path


def database(home: Path) -> str:
    return f"sqlite:///{home}/store.db"
