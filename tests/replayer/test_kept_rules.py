"""Noise rules of both homes: what the store keeps, what holds, and what goes back into the settings file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from diffing.approvals import Withdrawal
from diffing.difference import Part
from diffing.noise import NoiseRule
from replayer.cli.main import main
from replayer.errors import UsageError
from replayer.gate_options import GateOptions, as_asked
from replayer.judging import noise_rules
from replayer.kept_rules import listed_rules, rules_in_force, typed_rule
from replayer.rule_book import open_book
from replayer.service import Context
from replayer.settings import load_settings
from replayer.store import KeptRule, Store

TODAY, NOON = date.today(), datetime(2026, 11, 27, 12, tzinfo=UTC)
RULE = NoiseRule("GET /o/<int:id>", "$['a \"b\"'].n", Part.BODY, "int", "counted é", TODAY, "ann")
KEPT = KeptRule("a1b2c3d4e5f6", RULE, NOON, "r42", "75cf471c6b25a327")
FILE = "[[noise]]\nroute = 'GET /o'\npath = '$.n'\nkind = 'int'\nreason = 'counted'\nauthor = 'kim'\n"


def test_what_was_kept_comes_back_and_keeps_its_first_tombstone(store: Store) -> None:
    header = KeptRule("b0", replace(RULE, path="etag", part=Part.HEADER, kind="", until=None), NOON, "", "")
    for each in (KEPT, header, replace(KEPT, run="other")):
        store.add_rule(each)
    assert store.kept_rules() == (KEPT, header)
    stone = Withdrawal("bob", NOON.replace(hour=13), "a mistake")
    for identity, tombstone in ((KEPT.id, stone), (KEPT.id, Withdrawal("eve", NOON)), ("unknown", stone)):
        store.withdraw_rule(identity, tombstone)
    assert store.kept_rules() == (replace(KEPT, withdrawn=stone), header)


def test_both_homes_are_one_list_and_the_files_words_count(store: Store, tmp_path: Path) -> None:
    (tmp_path / "understudy.toml").write_text(FILE + "[targets.x]\nurl = 'http://x.example'\n")
    settings = load_settings(cwd=tmp_path, environ={})
    (filed,) = noise_rules(settings)
    gone = replace(KEPT, id="c0", rule=replace(RULE, path="$.gone"))
    over = replace(KEPT, id="d0", rule=replace(RULE, path="$.over", until=TODAY - timedelta(days=1)))
    same = replace(KEPT, id="e0", rule=replace(filed, reason="other words", author="ann"))
    for each in (KEPT, gone, over, same):
        store.add_rule(each)
    store.withdraw_rule("c0", Withdrawal("bob", NOON))
    told = [(each.home, each.identity, each.rule.reason) for each in listed_rules(settings, store)]
    assert told == [("both", "e0", "counted"), ("store", KEPT.id, "counted é"), ("store", "d0", "counted é")]
    assert rules_in_force(settings, store) == (filed, RULE)
    assert [each.fault.value for each in open_book(Context(settings, store)).review()] == []  # what is over is over
    assert as_asked(settings, store, GateOptions("r", "x")).rules == (filed, RULE)  # what a gate judges by


@pytest.mark.parametrize(
    ("route", "path", "kind", "said"),
    [
        ("GET /o", "**", "", "names every place there is"),
        ("GET /o", "*", "", "names every place there is"),
        ("GET /o", "$.**", "", "nobody could say what"),
        ("GET /o", "$[*].*", "", "nobody could say what"),
        ("GET /o", "$.pri*", "", "There are no substrings"),
        ("GET /o", "/price/", "", "There are no substrings"),
        ("/o", "$.n", "", "write a method, a space and a path"),
        ("GET o*", "$.n", "", "write a method, a space and a path"),
        ("GET /o", "$.n", "itn", "Did you mean 'int'?"),
        ("GET /" + "o" * 500, "$.n", "", "500 characters at most"),
        ("GET /o", "$.\ud800", "", "can be written as text"),
    ],
)
def test_what_names_no_place_is_refused_in_one_sentence(route: str, path: str, kind: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        typed_rule(route, path, kind)
    assert said in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("path", "part"), [("$[*]", Part.BODY), ("etag", Part.HEADER), ("$calls['GET x/y'][*].body.n", Part.OUTBOUND)]
)
def test_the_path_says_of_which_part_a_rule_is(path: str, part: Part) -> None:
    assert typed_rule("* /**", path, "") == NoiseRule("* /**", path, part)


def test_rules_are_listed_exported_and_taken_back_by_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_DATABASE_URL", f"sqlite:///{tmp_path}/store.db")
    (tmp_path / "understudy.toml").write_text(FILE)
    assert main(["rules", "export"]) == 0
    said = capsys.readouterr()
    assert (said.out, "keeps no rule" in said.err) == ("", True)
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        store.add_rule(KEPT)
    assert main(["rules", "list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert "file" in rows[1]
    assert rows[2][-5:-2] == ["store", KEPT.id, "ann"]
    assert main(["rules", "export"]) == 0
    (tmp_path / "understudy.toml").write_text(FILE + capsys.readouterr().out)
    assert noise_rules(load_settings())[1] == RULE
    assert main(["rules", "withdraw", "a1b2", "--author", "bob", "--reason", "it was a change"]) == 0
    assert capsys.readouterr().out == "Took back GET /o/<int:id> $['a \"b\"'].n (int).\n"
    assert main(["rules", "withdraw", "a1b2", "--author", "bob"]) == 2
    assert "taken back already, by bob" in capsys.readouterr().err
    assert main(["rules", "withdraw", "ffff"]) == 2
    assert "keeps no rule 'ffff'" in capsys.readouterr().err
