"""`POST /api/v1/recordings`: what a pipeline recorded becomes a recording."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from replayer.settings import IngestSettings
from replayer.store import Store
from replayer.tokens import TokenScope
from tests.replayer.test_ingest import exchange, har_file, write

from .desk import Desk

ADDRESS = "/api/v1/recordings"
BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def desk(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("UNDERSTUDY_KEY", "k" * 32)
    return Desk(empty_database)


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    client = desk.client()
    client.headers.update({"Authorization": f"Bearer {desk.token(TokenScope.RUNS)}", **BYTES})
    return client


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads lie while they are read."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def spool(folder: Path, *sequences: int, tail: bytes = b"") -> bytes:
    write(folder, "p1", [exchange("p1", each) for each in sequences], tail=tail)
    return (folder / "p1.spool").read_bytes()


def test_a_spool_file_is_imported_once(desk: Desk, client: httpx.Client, tmp_path: Path, temporary: Path) -> None:
    sent = spool(tmp_path, 1, 2, tail=b"torn")
    made = client.post(ADDRESS, params={"name": "nightly"}, content=sent)
    told = made.json()
    assert (made.status_code, told["source"], told["exchanges"], told["added"]) == (201, "spool", 2, 2)
    assert (told["damaged"], told["reused"]) == (1, False)
    shown = told["recording"]
    assert (shown["name"], shown["service"], shown["source"]) == ("nightly", "shop", "sent by owner")
    again = client.post(ADDRESS, params={"name": "nightly"}, content=sent)
    assert (again.status_code, again.json()["recording"]["id"]) == (200, shown["id"])
    assert again.json()["reused"]
    with Store.open(desk.url) as store:
        assert len(list(store.exchanges(shown["id"]))) == 2
        assert len(store.recordings()) == 1
    assert list(temporary.iterdir()) == []


def test_a_har_is_redacted_and_what_was_sent_is_gone(
    desk: Desk, client: httpx.Client, tmp_path: Path, temporary: Path
) -> None:
    sent = har_file(tmp_path, "a.har", "http://shop/a", "http://cdn/c").read_bytes()
    made = client.post(ADDRESS, content=sent).json()
    assert (made["source"], made["recording"]["name"], made["skipped"]) == ("har", "upload", {"another host": 1})
    with Store.open(desk.url) as store:
        assert "s3cr3t" not in repr(list(store.exchanges(made["recording"]["id"])))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file upload is empty."),
        (b"PK\x03\x04", "The file upload is neither a spool file nor a HAR."),
        (b"\x1f\x8b\x08", "The file upload is compressed."),
        (b"{}", ""),
        (b"{" * 100_000, ""),
        (json.dumps({"log": {"entries": []}}).encode(), ""),
    ],
)
def test_what_is_no_recording_is_said(
    desk: Desk, client: httpx.Client, temporary: Path, content: bytes, said: str
) -> None:
    answer = client.post(ADDRESS, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
    message = answer.json()["error"]["message"]
    assert message.startswith(said)
    assert str(temporary) not in message
    assert client.post(ADDRESS, params={"name": "\x07"}, content=content).status_code == 422
    with Store.open(desk.url) as store:
        assert store.recordings() == []
    assert list(temporary.iterdir()) == []


def test_a_name_that_is_taken_by_something_else_is_said(client: httpx.Client, tmp_path: Path) -> None:
    assert client.post(ADDRESS, params={"name": "nightly"}, content=spool(tmp_path, 1)).status_code == 201
    answer = client.post(ADDRESS, params={"name": "nightly"}, content=spool(tmp_path, 1, 2))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert "nightly" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("content", "declared"), [(b"{}", "1001"), (b"{" * 1001, "")], ids=["declared", "counted"])
def test_what_is_too_large_is_not_read(empty_database: str, temporary: Path, content: bytes, declared: str) -> None:
    desk = Desk(empty_database)
    desk.app.state.settings = replace(desk.settings, ingest=IngestSettings(max_body=1000))
    client = desk.client()
    headers = {"Authorization": f"Bearer {desk.token(TokenScope.RUNS)}", "Content-Length": declared, **BYTES}
    answer = client.post(ADDRESS, content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert answer.headers["connection"] == "close"
    assert list(temporary.iterdir()) == []


def test_another_media_type_and_too_many_at_once_are_said(desk: Desk, client: httpx.Client) -> None:
    assert client.post(ADDRESS, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415

    async def taken() -> None:
        for _ in range(4):
            await desk.app.state.uploads.acquire()

    asyncio.run(taken())
    answer = client.post(ADDRESS, content=b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
