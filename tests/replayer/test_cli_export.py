"""`understudy export` through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replayer.cli.main import main
from replayer.store import Store

from .tiny import record


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_KEY", "a key of at least thirty-two bytes")
    monkeypatch.setenv("UNDERSTUDY_DATABASE_URL", f"sqlite:///{tmp_path}/store.db")
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        info = store.create_recording("tiny", service="tiny", release="1", key_id="k", source="a test")
        store.add_exchanges(info.id, record(users=2, rounds=5).exchanges)
        store.close_recording(info.id)
    return tmp_path


def test_a_har_is_written_and_can_be_imported(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "har", "tiny", "-o", "tiny.har"]) == 0
    document = json.loads((home / "tiny.har").read_text("utf-8"))
    assert len(document["log"]["entries"]) == 12
    assert main(["recordings", "import", "tiny.har", "--name", "again"]) == 0
    assert "again: 12 exchanges" in capsys.readouterr().out


def test_a_har_with_wrong_entries_is_imported_and_they_are_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", "har", "tiny", "-o", "tiny.har"])
    document = json.loads((home / "tiny.har").read_text("utf-8"))
    document["log"]["entries"][3]["response"]["status"] = "fine"
    (home / "tiny.har").write_text(json.dumps(document))
    assert main(["recordings", "import", "tiny.har", "--name", "again"]) == 0
    said = capsys.readouterr().out
    assert "again: 11 exchanges" in said
    assert "torn: tiny.har: entry 4: response.status must be a whole number, and is 'fine'" in said


def test_a_request_is_printed_as_a_command(home: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["export", "curl", "tiny", "0" * 32]) == 0
    said = capsysbinary.readouterr().out.decode()
    assert said.startswith("curl --globoff --path-as-is --http1.1 http://api.example/login -H 'Host: api.example'")
    assert main(["export", "curl", "tiny", "0" * 32, "--url", "http://localhost:1"]) == 0
    assert b" http://localhost:1/login " in capsysbinary.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["har", "tinny"], "tinny"),
        (["har", "tiny", "-o", "no/such/folder.har"], "can not be written"),
        (["curl", "tiny", "0"], "12 exchanges of 'tiny' have ids that begin with '0'"),
        (["curl", "tiny", "ff"], "0 exchanges of 'tiny'"),
        (["curl", "tiny", ""], "0 exchanges of 'tiny'"),
        (["curl", "tiny", "0" * 32, "--url", "localhost"], "--url must be a base URL"),
        (["csv", "tiny"], "csv"),
    ],
)
def test_wrong_usage_ends_in_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["export", *arguments]) == 2
    assert said in capsys.readouterr().err
