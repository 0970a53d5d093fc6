"""`understudy users`, and the link that `understudy serve` shows as long as there are none."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from replayer.accounts import SHORTEST_PASSWORD, Accounts, Person, Role, is_password
from replayer.cli.main import main
from replayer.cli.serve import _first_link
from replayer.settings import Settings
from replayer.store import Store

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_DATABASE_URL", url)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    return url


def test_a_user_is_added_listed_changed_and_disabled(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["users", "list"]) == 0
    assert "There are no users yet" in capsys.readouterr().out
    assert main(["users", "add", "Ann  Lee", "--role", "reviewer"]) == 0
    assert "Ann Lee may log in as reviewer." in capsys.readouterr().out
    with Store.open(database) as store:
        secret = Accounts(store).log_in("Ann Lee", PASSWORD)
        assert secret is not None
        assert Accounts(store).person(secret) == Person("Ann Lee", Role.REVIEWER)
        assert PASSWORD not in repr(store.users())
    assert main(["users", "change", "Ann Lee", "--role", "admin"]) == 0
    with Store.open(database) as store:
        assert Accounts(store).person(secret) is None
    assert main(["users", "disable", "Ann Lee"]) == 0
    with Store.open(database) as store:
        assert Accounts(store).log_in("Ann Lee", PASSWORD) is None
    capsys.readouterr()
    assert main(["users", "list", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["role"], "password" in shown) == ("Ann Lee", "admin", False)
    monkeypatch.setattr("sys.stdin", io.StringIO("another good password\n"))
    assert main(["users", "change", "Ann Lee", "--password"]) == 0
    with Store.open(database) as store:
        assert Accounts(store).log_in("Ann Lee", PASSWORD) is None
        assert Accounts(store).log_in("Ann Lee", "another good password") is not None


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (["add", "ann", "--role", "owner"], PASSWORD, "There is no role 'owner'"),
        (["add", "ann"], "short", f"A password has {SHORTEST_PASSWORD} to"),
        (["add", " "], PASSWORD, "A user's name has"),
        (["add", "a\x1bb"], PASSWORD, "A user's name has"),
        (["add", "a" * 101], PASSWORD, "A user's name has"),
        (["change", "bob", "--role", "viewer"], PASSWORD, "There is no user 'bob'"),
        (["change", "bob"], PASSWORD, "There is nothing to change"),
        (["disable", "bob"], PASSWORD, "There is no user 'bob'"),
    ],
)
def test_what_cannot_be_is_told(
    arguments: list[str], typed: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    assert main(["users", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_name_is_taken_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["users", "add", "ann"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert main(["users", "add", "ann"]) == 2
    assert "There is a user 'ann' already." in capsys.readouterr().err


def test_a_hash_that_is_none_is_nobodys() -> None:
    assert not is_password("", PASSWORD)
    assert not is_password("$argon2id$nonsense", PASSWORD)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_who_starts_a_server_for_this_machine_gets_a_link_until_there_are_users(database: str, host: str) -> None:
    settings = Settings(database_url=database)
    links = {_first_link(settings, host) for _ in range(3)}
    assert len(links) == 3
    assert all(len(link) >= 32 for link in links)
    with Store.open(database) as store:
        Accounts(store).add("ann", "viewer", PASSWORD)
    assert _first_link(settings, host) == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_a_server_that_others_reach_gives_none(database: str, host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _first_link(Settings(database_url=database), host) == ""
    assert "understudy users add" in capsys.readouterr().err
