"""Fixtures that tests of several packages use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from replayer.store import Store

from .services.chromium import browser
from .services.postgres import postgres_cluster, postgres_server, postgres_template, postgres_url
from .services.redis import redis_server, redis_url

__all__ = [
    "browser",
    "postgres_cluster",
    "postgres_server",
    "postgres_template",
    "postgres_url",
    "redis_server",
    "redis_url",
]

if os.environ.get("TEST_EXAMPLES") == "same":  # hypothesis draws those of its profile for CI: a run can be repeated
    settings.load_profile("ci")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; a test that asks for it runs on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/store.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store; a test that asks for it runs on each kind of database."""
    with Store.open(database_url) as opened:
        yield opened
