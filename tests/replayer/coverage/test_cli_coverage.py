"""`understudy coverage` as a person types it, on a recording, on a run of it, and on what is new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replayer.cli.main import main

from ..test_cli_policy import SETTINGS, gate
from ..test_cli_policy import home as home  # the fixture
from .test_lines import report as coverage_xml

DIFF = "--- a/shop/a.py\n+++ b/shop/a.py\n@@ -0,0 +1,5 @@\n+1\n+2\n+3\n+4\n+5\n"


def told(*options: str, code: int = 0) -> dict[str, Any]:
    assert main(["coverage", *options, "--json", "coverage.json"]) == code
    found: dict[str, Any] = json.loads(Path("coverage.json").read_text("utf-8"))
    return found


def counts(found: dict[str, Any], figure: str) -> tuple[int, int]:
    return found["figures"][figure]["count"], found["figures"][figure]["of"]


@pytest.fixture
def settings(home: Path) -> Path:
    (home / "understudy.toml").write_text(SETTINGS)
    return home


def test_a_recording_covers_its_own_routes_and_the_command_says_that_it_does(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told("shop")

    assert (counts(found, "covered"), found["run"], found["routes_from"]) == ((2, 2), None, "recording")
    assert "--app or --openapi say which there are" in capsys.readouterr().err


def test_an_application_says_what_was_never_seen_and_what_is_new(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told("shop", "--app", "new", "--baseline", "old", "--html", "coverage.html")

    assert (counts(found, "seen"), counts(found, "replayed"), counts(found, "new_routes")) == ((2, 4), (0, 4), (0, 2))
    assert {route["route"]: (route["state"], route["new"]) for route in found["routes"]} == {
        "/a": ("seen", False),
        "/b": ("unseen", False),
        "/c": ("seen", True),
        "/d": ("unseen", True),
    }
    assert found["routes"][0]["statuses"] == {"200": {"seen": 2, "replayed": 0}}
    assert "50 %" in Path("coverage.html").read_text("utf-8")
    assert capsys.readouterr().out.startswith(
        "shop, not replayed yet: 50 % (2 of 4) of the routes of the app new seen\n"
    )


def test_a_run_says_what_was_replayed_by_its_id_or_its_recording_s_name(home: Path) -> None:
    assert gate(home, '[policy]\nroutes_from = "app"\n') == 0
    run = json.loads((home / "report.json").read_text())["run"]["id"]

    for subject in (run[:6], "shop"):
        found = told(subject)
        assert (found["run"], found["routes_from"], counts(found, "replayed")) == (run, "run's candidate", (2, 4))


def test_a_description_says_which_statuses_there_are(settings: Path) -> None:
    operations = {"get": {"responses": {"200": {}, "404": {}, "default": {}}}}
    described = {"openapi": "3.0.0", "paths": {"/a": operations, "/z": operations}}
    (settings / "api.json").write_text(json.dumps(described))

    found = told("shop", "--openapi", "api.json")

    assert (counts(found, "covered"), counts(found, "statuses")) == ((1, 2), (1, 4))


@pytest.mark.parametrize(("hits", "code"), [(4, 0), (3, 3)])
def test_new_lines_are_held_to_the_policy(
    settings: Path, hits: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings / "understudy.toml").write_text(f"{SETTINGS}[policy]\nmin_new = 0.8\n")
    coverage_xml(settings, {"a.py": {number: int(number <= hits) for number in range(1, 6)}})
    (settings / "changes.diff").write_text(DIFF)

    found = told("shop", "--coverage-xml", "coverage.xml", "--diff", "changes.diff", code=code)

    assert counts(found, "new_lines") == (hits, 5)
    assert ("3 of 5 new lines ran; policy asks for 80 %" in capsys.readouterr().err) is (code == 3)


def test_what_policy_asks_of_the_new_is_not_passed_over_in_silence(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings / "understudy.toml").write_text(f"{SETTINGS}[policy]\nmin_new = 0.8\n")

    told("shop")

    assert "min_new of the policy was not judged" in capsys.readouterr().err
    told("shop", "--app", "new", "--baseline", "old", code=3)


@pytest.mark.parametrize(
    ("options", "sentence", "code"),
    [
        (["none"], "no recording and no run 'none'", 2),
        (["shop", "--app", "new", "--openapi", "x.json"], "contradict each other", 2),
        (["shop", "--baseline", "old"], "Give --app, too", 2),
        (["shop", "--diff", "x"], "belong together", 2),
        (["shop", "--openapi", "x.json"], "x.json cannot be read", 2),
        (["shop", "--app", "newer"], "no target 'newer'", 2),
        (["shop", "--app", "run:1"], "it can not be asked", 2),
        (["shop", "--json", "-", "--html", "-"], "both go to '-'", 2),
        (["shop", "--json", "no/where.json"], "can not be written", 2),
        (["shop", "--app", "wsgi:wsgiref.simple_server:demo_app"], "does not say which routes it has", 3),
    ],
)
def test_what_can_not_be_told_ends_in_one_sentence(
    settings: Path, options: list[str], sentence: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["coverage", *options]) == code
    assert sentence in capsys.readouterr().err
