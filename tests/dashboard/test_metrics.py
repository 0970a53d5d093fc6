"""`GET /metrics` of a real server: who may see it, and what it says."""

from __future__ import annotations

import httpx
import pytest

from replayer.cli.main import main
from replayer.store import Store

from .conftest import TOKEN, Serve

SCRAPER = "a-token-of-the-one-who-scrapes"


def test_whoever_shows_the_token_gets_the_metrics(
    serve: Serve, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_METRICS_TOKEN", SCRAPER)
    with Store.open(database_url) as store:
        store.create_recording("one", service="shop", release="1", key_id="k1", source="a test")
    with serve(database_url) as address, httpx.Client(base_url=address) as client:
        for shown in ({}, {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": f"Basic {SCRAPER}"}):
            answer = client.get("/metrics", headers=shown)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token")
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'understudy_recordings{state="open"} 1.0' in answer.text.splitlines()


def test_without_a_token_nobody_gets_them(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDERSTUDY_METRICS_TOKEN", raising=False)
    with serve() as address:
        answer = httpx.get(f"{address}/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "no_token")


def test_a_database_that_cannot_be_used_is_said(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_METRICS_TOKEN", SCRAPER)
    with serve("postgresql://nobody@127.0.0.1:1/nothing") as address:
        answer = httpx.get(f"{address}/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


def test_a_token_that_can_be_guessed_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNDERSTUDY_METRICS_TOKEN", "short")
    assert main(["serve", "--port", "0", "--db", "sqlite://"]) == 2
    assert "UNDERSTUDY_METRICS_TOKEN can be guessed" in capsys.readouterr().err
