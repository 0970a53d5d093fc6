"""`understudy alerts`: what was told to people outside, what waits to be sent, and whether messages arrive."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from ..alerts.alerting import alert_reports
from ..alerts.message import TEST, Message
from ..alerts.messenger import Letter, Outcome
from ..alerts.outbox import send_waiting
from ..alerts.ways import Ways, chosen, open_ways
from ..errors import ExitCode, UsageError
from ..reports.json_report import alert_json
from ..service import open_context
from ..settings import Settings, load_settings
from . import output
from .alert_words import listed, tried
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False, help="List alerts, send those that wait, and try whether they arrive.")


@app.command("list")
def list_(
    run: Annotated[str, typer.Option(metavar="RUN", help="Those of one run: its id, or the beginning of it.")] = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that are still to be sent.")] = False,
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Every alert, the oldest first, and whether it was delivered."""
    with open_context(policy, db).store as store:
        found = store.alerts(store.run(run).id if run else "", waiting=waiting)
    if json:
        output.data(
            [
                {"number": each.number, "run": each.run, **alert_json(report), "content": each.content}
                for each, report in zip(found, alert_reports(found), strict=True)
            ]
        )
    else:
        listed(found)


@app.command()
def send(
    wait: Annotated[float, typer.Option(min=0, max=3600, metavar="SECONDS", help="Wait so long for pauses.")] = 30.0,
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Send what waits. Ends with 3 when something still waits afterwards."""
    context = open_context(policy, db)
    with context.store as store:
        ways = _open(context.settings)
        try:
            store.hurry_alerts(ways.messengers)
            sent = send_waiting(store, ways.messengers, wait)
        finally:
            ways.close()
        left = store.alerts(waiting=True)
    if json:
        output.data({**asdict(sent), "waiting": len(left)})
    else:
        output.say(f"delivered {sent.delivered}, waiting {len(left)}")
        listed(left)
    return int(ExitCode.INCONCLUSIVE if left else ExitCode.PASS)


@app.command("test")
def try_out(
    way: Annotated[str, typer.Option(metavar="slack|webhook", help="Try this one alone.")] = "",
    json: AsJson = False,
    policy: SettingsFile = None,
) -> int:
    """Send a test message to every channel that the settings name. Ends with 3 when one did not arrive."""
    ways = _open(load_settings(policy))
    rows = []
    try:
        for each in chosen(ways.ways, way):
            channels = [each.channel, *each.tag_channels.values()] if each.many else [""]
            for channel in dict.fromkeys(filter(None, channels)) if each.many else channels:
                receipt = ways.messengers[each.name].send(Letter(Message(kind=TEST), 0, channel))
                rows.append((each.name, channel, receipt))
    finally:
        ways.close()
    if not rows:
        raise UsageError(f"There is no way {way!r} here.", f"Open: {', '.join(each.name for each in ways.ways)}.")
    if json:
        output.data([{"way": n, "destination": c, "delivered": r.outcome.value, "said": r.said} for n, c, r in rows])
    else:
        tried(rows)
    delivered = all(receipt.outcome is Outcome.DELIVERED for _, _, receipt in rows)
    return int(ExitCode.PASS if delivered else ExitCode.INCONCLUSIVE)


def _open(settings: Settings) -> Ways:
    ways = open_ways(settings, os.environ)
    if not ways.ways:
        raise UsageError(
            " ".join(ways.closed) or "The settings name nobody to be told: there is no [slack] and no [webhook].",
            "docs/alerts.md says how to set them up.",
        )
    for sentence in ways.closed:
        output.note(sentence)
    return ways
