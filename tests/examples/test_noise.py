"""The shop with its noise turned up varies, and means the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shop import create_app, noise
from shop.config import Settings


def told(level: int, database: Path) -> list[dict[str, Any]]:
    client = create_app(Settings(database, noise=level)).test_client()
    answers = []
    for _ in range(3):
        response = client.get("/version")
        answers.append({"headers": {name for name, _ in response.headers}, "body": response.get_json()})
    return answers


def test_noise_adds_what_varies_and_leaves_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "JITTER_SECONDS", 1e-9)
    monkeypatch.setattr(noise, "RARE", {"degraded": 1.0})
    quiet, loud = told(1, tmp_path / "a.db"), told(2, tmp_path / "b.db")
    for before, after in zip(quiet, loud, strict=True):
        assert after["headers"] - before["headers"] == {"X-Served-By", "X-Cache", "Traceparent"}
        meta = after["body"].pop("meta")
        assert set(meta) == {"node", "load", "variant", "flags"}
        assert after["body"] == before["body"] | {"degraded": True}


def test_only_two_levels_are_known() -> None:
    assert Settings.from_environment({"SHOP_NOISE": "2"}).noise == 2
    with pytest.raises(ValueError, match="SHOP_NOISE is '3'"):
        Settings.from_environment({"SHOP_NOISE": "3"})
