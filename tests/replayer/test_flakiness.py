"""In which share of the latest runs a route had findings that came and went."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diffing.grouping import FLAKY, Finding
from diffing.ledger import Ledger, RouteTally, Tally
from replayer.flakiness import FLAKY_RUNS, Flakiness, FlakyShelf, latest
from replayer.reports.json_report import to_json
from replayer.store import Store

from .test_report import PRICES, REPORT

SHAKY = replace(PRICES, state=FLAKY)  # of GET /api/orders/<int:id> and GET /api/cart
ORDERS, CART, OTHER = ("GET", "/api/orders/<int:id>"), ("GET", "/api/cart"), ("GET", "/other")


def finished(store: Store, recording: int, findings: tuple[Finding, ...], *compared: tuple[str, str]) -> str:
    run = store.create_run(recording, candidate="next")
    ledger = Ledger(routes=tuple(RouteTally(*route, Tally(recorded=1, matched=1)) for route in compared))
    store.finish_run(run, "fail", 1, to_json(replace(REPORT, run_id=run, findings=findings, ledger=ledger)))
    return run


def test_a_route_is_flaky_in_a_share_of_the_runs_that_compared_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, foreign = (
        store.create_recording(name, service=service, release="", key_id="", source="").id
        for name, service in (("a", "shop"), ("b", "shop"), ("c", "bank"))
    )
    finished(store, first, (SHAKY,), ORDERS, CART)
    finished(store, first, (PRICES,), ORDERS, OTHER)
    last = finished(store, second, (SHAKY,), ORDERS)
    finished(store, foreign, (SHAKY,), ORDERS)
    store.create_run(second, candidate="running")
    shelf = FlakyShelf()
    found = shelf.of(store, store.run(last))
    assert found == {ORDERS: Flakiness(2, 3), CART: Flakiness(1, 1), OTHER: Flakiness(0, 1)}
    assert found[ORDERS].share == pytest.approx(2 / 3)
    monkeypatch.setattr(Store, "run_report", None)  # what was read once is not unpacked again
    assert shelf.of(store, store.run(last)) == found


def test_only_the_latest_runs_count_and_few_are_remembered(store: Store) -> None:
    recording = store.create_recording("a", service="", release="", key_id="", source="").id
    old = finished(store, recording, (SHAKY,), ORDERS)
    runs = [finished(store, recording, (), ORDERS) for _ in range(FLAKY_RUNS)]
    assert [each.id for each in latest(store, store.run(old))] == runs[::-1]
    shelf = FlakyShelf(most=3)
    assert shelf.of(store, store.run(old)) == {ORDERS: Flakiness(0, FLAKY_RUNS)}
    assert len(shelf._kept) == 3
