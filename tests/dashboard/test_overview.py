"""What the page of a run shows beside its findings."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dashboard.overview import Jump, Overview, jumps, overview, reason_parts, words
from diffing.difference import Location, Part
from replayer.accounts import Role
from replayer.store import Store
from replayer.tokens import TokenScope
from tests.replayer.test_report import COLOUR, HOSTILE, PRICES, REPORT

from .desk import Desk, many, run_of

STATUS = replace(PRICES, fingerprint="c" * 16, kind="status", location=Location(Part.STATUS, ""), tags=())


@pytest.fixture
def desk(empty_database: str) -> Desk:
    return Desk(empty_database)


def test_figures_of_a_run() -> None:
    assert overview(REPORT) == Overview(
        severities=(("breaking", 1), ("info", 1)),
        differences=12 + 3 + 1,
        tags=(("payments", 2),),
        replayed=44,
        skipped=1,
        noise=125,
        rules=0,
    )
    assert overview(replace(REPORT, suppressed={"rule GET /a $.b": 4, "binding": 3})).rules == 4


def test_keys_lead_to_the_first_of_each_sort() -> None:
    report = replace(REPORT, findings=(PRICES, STATUS, COLOUR))
    assert jumps(report, [STATUS, COLOUR, PRICES]) == [
        Jump(1, "blocks", 1, PRICES.fingerprint),
        Jump(2, "undecided", 2, STATUS.fingerprint),
        Jump(3, "tagged", 1, PRICES.fingerprint),
        Jump(4, "status", 1, STATUS.fingerprint),
        Jump(6, "flaky", 1, COLOUR.fingerprint),
        Jump(7, "approved", 1, COLOUR.fingerprint),
    ]


def test_the_filter_proposes_what_there_is_as_it_is_typed() -> None:
    found = words(replace(REPORT, findings=(PRICES, replace(COLOUR, route=HOSTILE, tags=("a b",)))))
    assert {"tag:'a b'", "tag:payments", "kind:type", "route:'/api/orders/<int:id>'", "route:/api/cart"} <= set(found)
    assert not any("onerror" in each for each in found)


def test_a_long_reason_is_one_sentence_first() -> None:
    assert reason_parts("Too little was compared: 3 of 50.") == ("Too little was compared: 3 of 50.", "")
    assert reason_parts("37 findings: " + "x" * 200) == ("37 findings", "x" * 200)


def test_a_run_shows_its_figures_and_what_to_press(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES, COLOUR])
    text = desk.client(Role.VIEWER).get(f"/runs/{run}").text
    shown = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    assert "findings 2 1 breaking 1 info" in shown
    assert "raw differences 16 in 12 exchanges of 42 compared" in shown
    assert "tagged payments 2 routes changed" in shown
    assert "replayed 44 1 skipped, 0 errored" in shown
    assert "age of the recording" in shown
    assert 'id="jump-4"' not in text
    assert f'id="jump-1" href="/runs/{run}/findings/{PRICES.fingerprint}"' in text
    with Store.open(desk.url) as store:
        store.delete_recording(store.recordings()[0].id)
    assert "age of the recording" not in desk.client(Role.VIEWER).get(f"/runs/{run}").text


def test_a_run_is_one_file_to_be_kept(desk: Desk) -> None:
    run = run_of(desk.url, [PRICES, *many(3)])
    client = desk.client(Role.VIEWER)
    answer = client.get(f"/runs/{run}/export")
    assert answer.headers["content-disposition"] == f'attachment; filename="understudy-{run}.html"'
    assert answer.text.startswith("<!doctype html>")
    assert all(each.fingerprint in answer.text for each in (PRICES, *many(3)))
    program = desk.client()
    program.headers["Authorization"] = f"Bearer {desk.token(TokenScope.READ)}"
    assert program.get(f"/api/v1/runs/{run}/export").content == answer.content
