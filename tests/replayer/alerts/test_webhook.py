"""The signed webhook, received by what the document says."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from replayer.alert_settings import WebhookSettings
from replayer.alerts.message import Message
from replayer.alerts.messenger import Letter, Outcome
from replayer.alerts.ways import open_ways
from replayer.alerts.webhook import Webhook, signature
from replayer.settings import Settings
from replayer.store import Store

from .release import FORTY, SECRET, alerting, report_of, sent_so_far, started

KEY = "a secret of some length"


@pytest.fixture(scope="module")
def is_genuine() -> Callable[..., bool]:
    """The snippet of the document."""
    document = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text("utf-8")
    (snippet,) = re.findall(r"^```python\n(.*?)^```$", document, re.M | re.S)
    names: dict[str, Any] = {}
    exec(snippet, names)
    found: Callable[..., bool] = names["is_genuine"]
    return found


class Received:
    def __init__(self) -> None:
        self.deliveries: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = ""


@pytest.fixture
def received() -> Iterator[Received]:
    given = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            given.deliveries.append((dict(self.headers), body))
            self.send_response(given.statuses.pop(0) if given.statuses else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    given.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield given
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_run_is_delivered_signed_and_without_values(
    store: Store, received: Received, is_genuine: Callable[..., bool]
) -> None:
    ways = open_ways(Settings(webhook=WebhookSettings(received.url)), {"UNDERSTUDY_WEBHOOK_SECRET": KEY})
    run = started(store)
    with alerting(store, run, ways) as alerts:
        alerts.confirmed(FORTY)
        sent_so_far(alerts)
        report = alerts.finished(report_of(run, FORTY))
    assert [alert.state for alert in report.alerts] == ["delivered"]
    first, last = (json.loads(body) for _, body in received.deliveries)
    assert (first["verdict"], len(first["items"]), last["verdict"], len(last["items"])) == ("", 3, "fail", 40)
    assert first["delivery"] == last["delivery"]
    for headers, body in received.deliveries:
        assert is_genuine(headers["Understudy-Signature"], body, KEY)
        assert headers["Understudy-Delivery"] == str(last["delivery"])
        assert SECRET.encode() not in body


def test_the_snippet_refuses_what_is_changed_old_or_signed_by_somebody_else(is_genuine: Callable[..., bool]) -> None:
    now = int(time.time())
    header = signature(KEY.encode(), b"{}", now)
    assert is_genuine(header, b"{}", KEY)
    assert not is_genuine(header, b"{ }", KEY)
    assert not is_genuine(header, b"{}", KEY + "x")
    assert not is_genuine(header.replace(str(now), str(now + 1)), b"{}", KEY)
    assert not is_genuine(signature(KEY.encode(), b"{}", now - 301), b"{}", KEY)
    assert not is_genuine("", b"{}", KEY)
    assert not is_genuine("t=é,v1=é", b"{}", KEY)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (500, Outcome.LATER),
        (401, Outcome.LATER),
        (302, Outcome.LATER),
        (400, Outcome.REFUSED),
        (200, Outcome.DELIVERED),
    ],
)
def test_what_an_answer_means(received: Received, status: int, outcome: Outcome) -> None:
    received.statuses = [status]
    webhook = Webhook(received.url, KEY)
    receipt = webhook.send(Letter(Message(), 1, ""))
    webhook.close()
    assert receipt.outcome is outcome
    assert received.url not in receipt.said


def test_without_a_secret_nothing_is_sent_and_that_is_told() -> None:
    ways = open_ways(Settings(webhook=WebhookSettings("http://127.0.0.1:9/")), {})
    assert (ways.ways, ways.closed) == ((), ("Nothing is sent to the webhook: UNDERSTUDY_WEBHOOK_SECRET is not set.",))
    ways = open_ways(Settings(webhook=WebhookSettings("https://x/${HOOK}")), {})
    assert ways.closed == ("Nothing is sent to the webhook: its url names HOOK, which is not set.",)
    ways = open_ways(Settings(webhook=WebhookSettings("http://127.0.0.1:9/")), {"UNDERSTUDY_WEBHOOK_SECRET": "short"})
    assert "is shorter than 16 characters" in ways.closed[0]
