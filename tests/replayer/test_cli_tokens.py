"""`understudy tokens`, and what a token is worth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replayer.accounts import Accounts, Person, Role
from replayer.cli.main import main
from replayer.store import Store
from replayer.tokens import PREFIX, Bearer, Tokens, TokenScope

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_DATABASE_URL", url)
    return url


def bearer(database: str, secret: str) -> Bearer | None:
    with Store.open(database) as store:
        return Tokens(store).bearer(secret)


def test_a_token_is_made_shown_once_listed_and_removed(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "list"]) == 0
    assert "There are no tokens yet" in capsys.readouterr().out
    assert main(["tokens", "add", "nightly", "--scope", "read", "--scope", "runs", "--expires-in", "12h"]) == 0
    secret = capsys.readouterr().out.strip()
    assert secret.startswith(PREFIX)
    scopes = frozenset([TokenScope.READ, TokenScope.RUNS])
    assert main(["tokens", "list", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["scopes"], shown["owner"], shown["used"]) == ("nightly", ["read", "runs"], "", None)
    assert shown["expires"] - shown["created"] == 12 * 3600
    assert bearer(database, secret) == Bearer("nightly", Person("token nightly", Role.ADMIN), scopes)
    assert main(["tokens", "list"]) == 0
    said = capsys.readouterr().out
    assert "nightly" in said
    assert "never" not in said
    assert secret not in said
    assert secret.encode() not in Path("store.db").read_bytes()
    assert main(["tokens", "remove", "nightly"]) == 0
    assert bearer(database, secret) is None


def test_when_it_was_used_is_noted_now_and_then(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(database) as store:
        tokens = Tokens(store)
        secret = tokens.add("t", ["read"])
        made = tokens.tokens()[0].created
        for later, used in ((1.0, 1.0), (30.0, 1.0), (62.0, 62.0)):
            monkeypatch.setattr("replayer.tokens.time.time", lambda later=later: made + later)
            assert tokens.bearer(secret) is not None
            assert tokens.tokens()[0].used == made + used


def test_a_token_acts_for_its_user(database: str) -> None:
    with Store.open(database) as store:
        Accounts(store).add("ann", "reviewer", PASSWORD)
        secret = Tokens(store).add("triage", ["read", "decide"], "ann")
    assert bearer(database, secret) == Bearer(
        "triage", Person("ann", Role.REVIEWER), frozenset([TokenScope.READ, TokenScope.DECIDE])
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "t", "--scope", "decide"], "acts for a user"),
        (
            ["add", "t", "--scope", "decide", "--user", "vera"],
            "The scope decide takes the role reviewer; vera is viewer.",
        ),
        (["add", "t", "--scope", "read", "--user", "veta"], "There is no user 'veta'.\n  Did you mean 'vera'?"),
        (["add", "t", "--scope", "reed"], "There is no scope 'reed'.\n  Did you mean 'read'?"),
        (["add", "t", "--scope", "read", "--expires-in", "5y"], "'5y' is no age."),
        (["add", "t", "--scope", "read", "--expires-in", "0d"], "lasts 366 days at most"),
        (["add", "t", "--scope", "read", "--expires-in", "53w"], "lasts 366 days at most"),
        (["add", "t"], "--scope"),
        (["add", " ", "--scope", "read"], "visible characters"),
        (["add", "known", "--scope", "read"], "There is a token 'known' already."),
        (["remove", "know"], "There is no token 'know'.\n  Did you mean 'known'?"),
    ],
)
def test_what_is_typed_wrongly_is_said(
    database: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with Store.open(database) as store:
        Accounts(store).add("vera", "viewer", PASSWORD)
        Tokens(store).add("known", ["read"])
    assert main(["tokens", *arguments]) == 2
    assert said in capsys.readouterr().err
