"""Sends what waits in the outbox, with bounded patience: what can not be sent now stays there for a later attempt."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..store.alerts import DELIVERED, REFUSED, WAITING, AlertStore, StoredAlert
from .message import from_data
from .messenger import Letter, Messenger, Outcome, Receipt

FIRST_PAUSE = 30.0
"""Seconds after the first failure; twice as long after each further one."""
LONGEST_PAUSE = 3600.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What an attempt to empty the outbox came to."""

    delivered: int = 0
    failed: int = 0  # attempts that came to nothing


def send_waiting(
    store: AlertStore,
    messengers: Mapping[str, Messenger],
    patience: float,
    first: str = "",
    clock: Callable[[], float] = time.time,
    wait: Callable[[float], None] = time.sleep,
) -> Sent:
    """Sends until nothing is left that can be sent within `patience` seconds, a pause that Slack asks for included.

    The messages of the run `first` go first.
    No attempt begins after that time, and none takes longer than a messenger's own limit.
    """
    end = clock() + patience
    delivered = failed = 0
    while True:
        alert = store.claim_alert(messengers, first)
        if alert is not None:
            receipt = messengers[alert.way].send(_letter(alert))
            delivered += receipt.outcome is Outcome.DELIVERED
            failed += receipt.outcome is not Outcome.DELIVERED
            _settle(store, alert, receipt, clock())
            if clock() <= end:
                continue
            return Sent(delivered, failed)
        due = store.next_alert_at(messengers)
        if due is None or due > end:
            return Sent(delivered, failed)
        wait(max(0.0, due - clock()))


def _letter(alert: StoredAlert) -> Letter:
    return Letter(from_data(alert.content), alert.number, alert.destination, alert.ref, alert.thread)


def _settle(store: AlertStore, alert: StoredAlert, receipt: Receipt, now: float) -> None:
    if receipt.outcome is Outcome.DELIVERED:
        store.settle_alert(alert, DELIVERED, ref=receipt.ref)
        return
    if receipt.outcome is Outcome.REFUSED:
        store.settle_alert(alert, REFUSED, said=receipt.said)
        return
    asked = receipt.after is not None
    pause = receipt.after if receipt.after is not None else min(FIRST_PAUSE * 2**alert.attempts, LONGEST_PAUSE)
    store.settle_alert(alert, WAITING, said=receipt.said, not_before=now + pause)
    if receipt.way_is_shut:
        store.rest_alerts(alert.way, now + pause, receipt.said, asked=asked)
