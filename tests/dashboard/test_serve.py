"""`understudy serve` used wrongly, and what it says."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from replayer.cli.main import main
from replayer.cli.serve import _bound


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("UNDERSTUDY_DATABASE_URL", "UNDERSTUDY_INGEST_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_an_address_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"The address 127.0.0.1 port {port} cannot be listened at: Address already in use." in said
    assert "Choose another --host or --port." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--db", "nonsense"], "'nonsense' is not a database URL"),
        (["--port", "70000"], "--port"),
        (["--policy", "absent.toml"], "There is no settings file"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_served(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_no_answer_waits_for_the_first_half_of_it_to_be_acknowledged() -> None:
    with _bound("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()), bound.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
