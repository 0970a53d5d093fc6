"""What is said of alerts."""

from __future__ import annotations

from collections.abc import Sequence

from ..alerts.alerting import alert_reports
from ..alerts.messenger import Outcome, Receipt
from ..reports.wording import visible
from ..store.alerts import StoredAlert
from . import output


def listed(alerts: Sequence[StoredAlert]) -> None:
    """One line for each message."""
    rows = [
        (each.number, each.run, visible(report.where), each.slot, each.state, each.attempts, visible(report.said))
        for each, report in zip(alerts, alert_reports(alerts), strict=True)
    ]
    if rows:
        output.table(("alert", "run", "to", "message", "state", "failed attempts", "said"), rows)


def tried(rows: Sequence[tuple[str, str, Receipt]]) -> None:
    """Whether test messages arrived."""
    output.table(
        ("way", "to", "state", "said"),
        [
            (way, channel, "delivered" if receipt.outcome is Outcome.DELIVERED else "not delivered", receipt.said)
            for way, channel, receipt in rows
        ],
    )
