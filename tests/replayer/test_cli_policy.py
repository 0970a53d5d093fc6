"""What policy asks of routes, as a person sees it: a recording, two releases of a Flask application, a gate."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from recorder.keys import Key
from replayer.cli.main import main
from replayer.reports.json_report import to_json
from replayer.store import Store

from .test_report import REPORT

KEY = "a key of at least thirty-two bytes"
RELEASE = """
from flask import Flask
app = Flask("shop", static_folder=None)
for name in {routes}:
    app.add_url_rule("/" + name, name, lambda **_: "hello")
"""
SETTINGS = """
[targets.old]
wsgi = "shop_of_policy:app"
cwd = "old"

[targets.new]
wsgi = "shop_of_policy:app"
cwd = "new"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two releases, and a recording of the older one."""
    monkeypatch.chdir(tmp_path)
    for name in ("UNDERSTUDY_DATABASE_URL", "UNDERSTUDY_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UNDERSTUDY_KEY", KEY)
    for release, routes in (("old", ["a", "b", "<name>"]), ("new", ["a", "b", "c", "d"])):
        (tmp_path / release).mkdir()
        (tmp_path / release / "shop_of_policy.py").write_text(RELEASE.format(routes=routes))
    with Store.open("sqlite:///.understudy/understudy.db") as store:
        info = store.create_recording("shop", service="shop", release="1", key_id=Key(KEY.encode()).id, source="a test")
        store.add_exchanges(info.id, [exchange(number, path) for number, path in enumerate(("/a", "/a", "/c"))])
        store.close_recording(info.id)
    return tmp_path


def exchange(number: int, path: str) -> Exchange:
    at = time.time() - 3600
    return Exchange(
        id=f"{number:032x}",
        request=RecordedRequest("GET", path, (("Host", "shop.example"),)),
        response=RecordedResponse(200, "", (), Body.of(b"hello")),
        started=at,
        ended=at + 0.01,
        route="/a" if path == "/a" else "/<name>",
    )


def gate(home: Path, policy: str) -> int:
    (home / "understudy.toml").write_text(SETTINGS + policy)
    return main(["gate", "shop", "--candidate", "new", "--baseline", "old", "--passes", "2", "--json", "report.json"])


def test_what_the_application_has_and_what_of_it_is_new_decides(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = '[policy]\nfail_on = "breaking"\nroutes_from = "app"\nmin_route_coverage = 0.75\nmin_new = 0.8\n'

    assert gate(home, asked) == 3

    report = json.loads((home / "report.json").read_text())
    assert report["reasons"] == [
        "2 of 4 known routes were replayed (50 %); policy asks for 75 %.",
        "1 of 2 new routes had traffic (50 %); policy asks for 80 %. Without any: GET /d.",
    ]
    assert report["coverage"]["routes_from"] == "app"
    capsys.readouterr()

    assert main(["runs", "explain", report["run"]["id"]]) == 0

    told = capsys.readouterr().out
    assert told.startswith("INCONCLUSIVE, exit code 3\n  2 of 4 known routes were replayed")
    assert "1 of 2 new routes (50 %)" in told
    assert main(["runs", "explain", report["run"]["id"], "--json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert explained["policy"] == report["policy"]
    assert {each["key"]: each["holds"] for each in explained["policy"]}["policy.min_new"] == "inconclusive"


def test_at_their_thresholds_both_hold(home: Path) -> None:
    assert gate(home, '[policy]\nroutes_from = "app"\nmin_route_coverage = 0.5\nmin_new = 0.5\n') == 0


def test_a_description_and_earlier_recordings_say_which_routes_there_are_too(home: Path) -> None:
    described = {"openapi": "3.0.0", "paths": {path: {"get": {}} for path in ("/a", "/x", "/y")}}
    (home / "api.json").write_text(json.dumps(described))

    for source, counts in (('"openapi"\nopenapi = "api.json"', (1, 3)), ('"earlier"', (2, 2))):
        assert gate(home, f"[policy]\nmin_route_coverage = 0.3\nroutes_from = {source}\n") == 0
        coverage = json.loads((home / "report.json").read_text())["coverage"]
        assert (coverage["routes_replayed"], coverage["routes_known"]) == counts


def test_a_description_that_is_not_there_is_wrong_usage(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate(home, '[policy]\nroutes_from = "openapi"\nopenapi = "none.json"\n') == 2
    assert "none.json cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(("age", "code"), [("1h", 3), ("2h", 0)])
def test_a_recording_expires(home: Path, age: str, code: int) -> None:
    assert gate(home, f'[policy]\nmax_age = "{age}"\n') == code


def test_a_run_of_an_earlier_version_has_no_arithmetic(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = to_json(REPORT)
    del kept["policy"]
    with Store.open("sqlite:///.understudy/understudy.db") as store:
        run_id = store.create_run(store.recording("shop").id, candidate="new")
        store.finish_run(run_id, "fail", 1, kept)

    assert main(["runs", "explain", run_id]) == 2
    assert "earlier version, which did not keep its arithmetic" in capsys.readouterr().err


FLAWED = """
[policy]
min_replayed = 4
exclude_routes = ["GET /static/**"]
inconclusive = "pass"
"""


def test_a_policy_is_checked_beside_the_newest_recording(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "understudy.toml").write_text(FLAWED)

    assert main(["policy", "check"]) == 1
    assert capsys.readouterr().out == (
        "policy.exclude_routes: dead\n"
        "  'GET /static/**' names no route of any recording. `understudy recordings show` lists the routes.\n"
        "policy.min_replayed: unreachable\n"
        "  4 exchanges are asked for, and the recording shop has 3. Record more, or ask for less.\n"
        "policy.min_replayed: toothless\n"
        "  inconclusive = 'pass' lets a run pass that falls short of it, but for tagged routes."
        " Leave 'inconclusive' out to hold it.\n"
        "2 wrong, 1 to be known, held against the recording shop.\n"
    )
    assert main(["policy", "check", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["recording"], told["wrong"], len(told["problems"]), told["not_judged"]) == ("shop", 2, 3, [])


def test_a_policy_without_a_flaw_passes_and_what_was_not_looked_at_is_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "understudy.toml").write_text('[policy]\nroutes_from = "app"\nmin_route_coverage = 0.9\n')

    assert main(["policy", "check", "--db", "sqlite:///empty.db"]) == 0
    told = capsys.readouterr()
    assert told.out == "0 wrong, 0 to be known.\n"
    assert "There is no recording" in told.err
    assert "Which routes the candidate has was not looked at" in told.err


def test_a_wrong_key_and_a_recording_that_is_not_there_are_wrong_usage(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "understudy.toml").write_text("[policy]\nmin_replay = 3\n")
    assert main(["policy", "check"]) == 2
    assert "Did you mean 'min_replayed'?" in capsys.readouterr().err

    (home / "understudy.toml").write_text("")
    assert main(["policy", "check", "--recording", "none"]) == 2


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "understudy.toml"
