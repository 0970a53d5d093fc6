"""What `docs/alerts.md` shows is what is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from replayer.store import Store

from ...services.slack import FakeSlack, fake_slack
from .release import FORTY, SECRET, alerting, report_of, sent_so_far, started, ways_to

DOCUMENT = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text("utf-8")
RUN = "4f2a9c01d3e8"
CALLS = re.compile(r"^\| \d+ \| `([\w.]+)` \| `([#\w-]+)` \| (.*) \|$", re.M)
FENCES = re.compile(r"^```json\n(\{.*?)^```$", re.M | re.S)


def sent_by(store: Store, slack: FakeSlack) -> list[tuple[str, dict[str, Any]]]:
    """The calls of the release with forty findings, with the run's id as the document has it."""
    run = started(store)
    with alerting(store, run, ways_to(slack), patience=5.0) as alerts:
        alerts.confirmed(FORTY)
        sent_so_far(alerts)
        alerts.finished(report_of(run, FORTY))
    return [(call.method, json.loads(json.dumps(call.arguments).replace(run, RUN))) for call in slack.calls]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, dict[str, Any]]]:
    path = tmp_path_factory.mktemp("alerts") / "store.db"
    with fake_slack() as slack, Store.open(f"sqlite:///{path}") as store:
        return sent_by(store, slack)


def test_forty_findings_are_told_in_the_documented_calls(sent: list[tuple[str, dict[str, Any]]]) -> None:
    names = {"C1": "#releases", "C2": "#payments-alerts"}
    calls = [(method, names.get(each["channel"], each["channel"])) for method, each in sent]
    assert calls == [(method, channel) for method, channel, _ in CALLS.findall(DOCUMENT)]
    assert [bool(each.get("thread_ts")) for _, each in sent] == [
        "thread" in what for _, _, what in CALLS.findall(DOCUMENT)
    ]


def test_the_documented_messages_are_sent_word_for_word(sent: list[tuple[str, dict[str, Any]]]) -> None:
    documented = [json.loads(text) for text in FENCES.findall(DOCUMENT)]
    assert documented == [sent[0][1], sent[2][1]]


def test_no_recorded_value_is_sent(sent: list[tuple[str, dict[str, Any]]]) -> None:
    assert SECRET not in json.dumps(sent)
