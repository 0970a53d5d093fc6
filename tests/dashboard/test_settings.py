"""The page of the settings, and its twin in the API: everything that is in force, and nothing secret."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from replayer.accounts import Role
from replayer.settings import load_settings
from replayer.settings_shown import shown_settings
from replayer.store import Store
from replayer.tokens import TokenScope

from .desk import Desk, run_of
from .test_api import program

SECRET = "s3cr3t-of-the-house"
FILE = """
broker_url = "redis://worker:${SECRET}@broker.example:6379/0?password=${SECRET}"
[targets.next]
start = ["gunicorn", "--token", "${SECRET}", "-b", "127.0.0.1:{port}"]
reset = ["psql", "postgres://u:${SECRET}@db"]
env = { API_KEY = "${SECRET}" }
ready = "/health?key=s3cr3t-of-the-house"
canary = ["/stats?key=s3cr3t-of-the-house"]
rate = 12.5
[targets.staging]
url = "https://staging.example/s3cr3t-of-the-house"
[targets.missing]
url = "https://${NOT_SET}.example"
[[tags]]
name = "payments"
routes = ["* /api/orders/**"]
[policy]
min_replayed = 99
[policy.tags.payments]
reviewers = 2
[[policy.budgets]]
route = "GET /nowhere"
max_slowdown = 2.0
[slack]
channel = "#releases"
link = "https://ci.example/s3cr3t-of-the-house/{run}"
[webhook]
url = "https://hooks.example/${SECRET}"
[ingest]
token = "${SECRET}-for-recorders"
"""


@pytest.fixture
def desk(empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name in ("SECRET", "UNDERSTUDY_SLACK_TOKEN", "UNDERSTUDY_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, SECRET)
    for name in ("UNDERSTUDY_DATABASE_URL", "UNDERSTUDY_BROKER_URL", "UNDERSTUDY_INGEST_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "understudy.toml").write_text(FILE)
    run_of(empty_database)
    return Desk(empty_database, base=load_settings(cwd=tmp_path))


def test_the_settings_are_shown_without_their_secrets(desk: Desk) -> None:
    text = desk.client(Role.ADMIN).get("/settings").text
    told = program(desk, TokenScope.RUNS).get("/api/v1/settings")
    assert SECRET not in text
    assert SECRET not in told.text
    sections = told.json()["sections"]
    assert sections["Server"]["broker"] == "redis://broker.example:6379/…"
    wanted = {
        "start": "gunicorn and 4 arguments", "reset": "psql and 1 argument", "env": "API_KEY", "ready": "/health?…",
        "canary": "/stats?…", "rate": "12.5", "disposable": "no",
    }  # fmt: skip
    assert {key: sections["Target next"][key] for key in wanted} == wanted
    assert sections["Target staging"]["url"] == "https://staging.example/…"
    assert sections["Tag payments"] == {"routes": "* /api/orders/**"}
    assert (sections["Policy"]["min_replayed"], sections["Policy for the tag payments"]["reviewers"]) == ("99", "2")
    assert sections["Slack"]["channel"] == "#releases"
    assert sections["Slack"]["UNDERSTUDY_SLACK_TOKEN"] == "set, and not shown"
    assert sections["Slack"]["UNDERSTUDY_SLACK_WEBHOOK"] == ""
    assert (sections["Slack"]["link"], sections["Webhook"]["url"]) == (
        "https://ci.example/…",
        "https://hooks.example/…",
    )
    assert sections["Receiving"] == {"token": "set, and not shown", "max_body": "16777216"}
    assert sections["Versions"]["schema"].isdigit()
    for shown in ("gunicorn and 4 arguments", "hooks.example", "#releases", "16777216"):
        assert shown in text


def test_what_is_wrong_with_the_policy_and_with_the_file_is_said(desk: Desk, tmp_path: Path) -> None:
    told = program(desk, TokenScope.RUNS).get("/api/v1/settings").json()
    assert [(each["flaw"], each["key"]) for each in told["check"]["problems"]] == [
        ("dead", "policy.budgets[1]"),
        ("unreachable", "policy.min_replayed"),
    ]
    assert len(told["notes"]) == 1
    assert "names the environment variable NOT_SET" in told["notes"][0]
    client = desk.client(Role.ADMIN)
    assert "names no route of any recording" in client.get("/settings").text
    (tmp_path / "understudy.toml").write_text(FILE.replace("99", "1"))
    assert "The settings file says something else by now" in client.get("/settings").text
    (tmp_path / "understudy.toml").write_text(f"token = '{SECRET}'\n[[[")
    assert "not valid TOML" in client.get("/settings").text


def test_a_description_that_is_not_there_is_told(desk: Desk) -> None:
    absent = replace(desk.settings.policy, routes_from="openapi", openapi="/absent.json")
    with Store.open(desk.url) as store:
        found = shown_settings(replace(desk.settings, policy=absent), store)
    assert "/absent.json" in found.check.not_judged[0]
