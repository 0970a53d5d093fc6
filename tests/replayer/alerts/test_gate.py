"""Alerts of whole runs through the installed command: a release that turns quantities into texts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from recorder.keys import Key
from replayer.store import Store

from ...services.slack import TOKEN, FakeSlack, Fault, fake_slack
from ..tiny import record, route_of

ROOT = Path(__file__).parents[3]
UNDERSTUDY = Path(sys.executable).with_name("understudy")
KEY = "a key of at least thirty-two bytes"
SETTINGS = """
[targets.old]
start = {start}
cwd = {cwd}
ready = "/products"
disposable = true

[targets.new]
start = {wrong}
cwd = {cwd}
ready = "/products"
disposable = true

[[tags]]
name = "orders"
routes = ["* /orders/**"]

[slack]
channel = "#releases"
tag_channels = {{ orders = "#payments-alerts" }}
"""


@dataclass(frozen=True)
class Home:
    """A folder with a settings file and a recording."""

    folder: Path

    def environ(self, slack: FakeSlack | None) -> dict[str, str]:
        found = {name: value for name, value in os.environ.items() if not name.startswith("UNDERSTUDY_")}
        return {**found, "UNDERSTUDY_KEY": KEY, **reaching(slack)}

    def run(self, *arguments: str, slack: FakeSlack | None = None) -> subprocess.CompletedProcess[str]:
        environ = self.environ(slack)
        return subprocess.run(
            [UNDERSTUDY, *arguments],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def gate(self, slack: FakeSlack | None = None) -> tuple[int, dict[str, Any], str]:
        """Exit code, JSON report, standard error."""
        done = self.run(
            "gate", "tiny", "--candidate", "new", "--baseline", "old", "--passes", "2", "--json", "-", slack=slack
        )
        return done.returncode, json.loads(done.stdout), done.stderr


def reaching(slack: FakeSlack | None) -> Mapping[str, str]:
    return {"UNDERSTUDY_SLACK_TOKEN": TOKEN, "UNDERSTUDY_SLACK_API": slack.api} if slack else {}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    server = [sys.executable, "-m", "tests.replayer.tiny_server", "{port}"]
    settings = SETTINGS.format(
        start=json.dumps([*server, "--offset", "500"]),
        wrong=json.dumps([*server, "--wrong"]),
        cwd=json.dumps(str(ROOT)),
    )
    (tmp_path / "understudy.toml").write_text(settings)
    with Store.open(f"sqlite:///{tmp_path}/.understudy/understudy.db") as store:
        info = store.create_recording("tiny", service="tiny", release="1", key_id=Key(KEY.encode()).id, source="a test")
        store.add_exchanges(
            info.id, [replace(each, route=route_of(each)) for each in record(users=3, rounds=6).exchanges]
        )
        store.close_recording(info.id)
    return Home(tmp_path)


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as server:
        yield server


@pytest.mark.slow
def test_confirmed_changes_on_tagged_routes_are_told_before_the_verdict(home: Home, slack: FakeSlack) -> None:
    status, report, errors = home.gate(slack)
    assert (status, report["verdict"]) == (1, "fail"), errors
    first = slack.calls[0]
    assert (first.method, first.channel) == ("chat.postMessage", "#payments-alerts")
    assert "while the release is judged" in first.arguments["text"]
    assert {alert["state"] for alert in report["alerts"]} == {"delivered"}
    assert [call.channel for call in slack.calls].count("#releases") == 1
    assert report["notes"] == []

    status, report, errors = home.gate(slack)
    assert (status, report["alerts"]) == (1, []), errors  # nothing of it is new
    replayed = home.run("replay", "tiny", "--candidate", "new", "--passes", "2", slack=slack)
    assert replayed.returncode == 0
    assert len({call.arguments["text"] for call in slack.calls if call.channel == "#releases"}) == 1


@pytest.mark.slow
def test_a_revoked_token_leaves_the_verdict_alone_and_the_alerts_in_the_outbox(home: Home, slack: FakeSlack) -> None:
    slack.faults.extend([Fault(error="token_revoked")] * 9)
    status, report, errors = home.gate(slack)
    assert (status, report["verdict"]) == (1, "fail"), errors
    assert {alert["state"] for alert in report["alerts"]} == {"waiting"}
    assert "alerts not delivered (slack #payments-alerts: Slack refused: token_revoked" in report["notes"][-1]
    run = report["run"]["id"]
    shown = json.loads(home.run("runs", "show", run).stdout)
    assert {alert["state"] for alert in shown["alerts"]} == {"waiting"}

    slack.faults.clear()
    listed = home.run("alerts", "list", "--waiting")
    assert "token_revoked (the token was revoked)" in listed.stdout
    sent = home.run("alerts", "send", slack=slack)
    assert (sent.returncode, sent.stderr) == (0, "")
    assert sent.stdout.endswith("waiting 0\n")
    shown = json.loads(home.run("runs", "show", run).stdout)
    assert {alert["state"] for alert in shown["alerts"]} == {"delivered"}
    assert TOKEN not in json.dumps(shown) + listed.stdout + errors


@pytest.mark.slow
def test_an_approval_that_a_gate_waits_for_edits_what_was_told(home: Home, slack: FakeSlack) -> None:
    command = ["gate", "tiny", "--candidate", "new", "--baseline", "old", "--passes", "2", "--wait", "100"]
    with subprocess.Popen(
        [UNDERSTUDY, *command], cwd=home.folder, env=home.environ(slack),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as gate:  # fmt: skip
        assert gate.stderr is not None
        said = iter(gate.stderr)
        assert any("waiting for approval" in line for line in said)
        (run,) = json.loads(home.run("runs", "list", "--json").stdout)
        for finding in json.loads(home.run("findings", "list", run["id"], "--json").stdout):
            done = home.run("findings", "approve", finding["fingerprint"], "--reason", "wanted", "--author", "ann")
            assert done.returncode == 0, done.stderr
        rest = "".join(said)
    assert gate.returncode == 0, rest
    tops = [each["text"] for each in slack.messages.values() if "thread_ts" not in each]
    assert tops == ["tiny: the release passes."] * 2
    assert {call.method for call in slack.calls[-2:]} == {"chat.update"}


def test_a_test_message_is_marked_and_goes_to_every_channel(home: Home, slack: FakeSlack) -> None:
    done = home.run("alerts", "test", slack=slack)
    assert (done.returncode, done.stderr) == (0, "")
    assert [(call.channel, call.arguments["text"]) for call in slack.calls] == [
        (channel, "This is a test message of Understudy") for channel in ("#releases", "#payments-alerts")
    ]
    del slack.channels["#releases"]
    done = home.run("alerts", "test", slack=slack)
    assert done.returncode == 3
    assert "channel_not_found (there is no such channel, or the app is not in it)" in done.stdout


def test_without_a_token_the_command_says_what_to_set(home: Home) -> None:
    for command in ("test", "send"):
        done = home.run("alerts", command)
        assert done.returncode == 2
        assert "neither UNDERSTUDY_SLACK_TOKEN nor UNDERSTUDY_SLACK_WEBHOOK is set" in done.stderr
