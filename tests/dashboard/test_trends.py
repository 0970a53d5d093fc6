"""How the runs of a recording have gone, as lines and figures."""

from __future__ import annotations

from dataclasses import replace

from dashboard.charts import Chart, chart
from replayer.accounts import Role
from replayer.store import Store
from tests.replayer.test_report import COLOUR, PRICES, REPORT

from .desk import Desk, begin, finish


def test_a_line_has_a_gap_where_nothing_was_measured() -> None:
    assert chart("x", [0, 2, None, 4]) == Chart("x", 4, 4, ((5, 75), (101.7, 40), (295, 5)), ("5.0,75.0 101.7,40.0",))
    assert chart("x", [0.5, 1.0], 2.0).dots == ((5, 57.5), (295, 40))
    assert (chart("x", []).dots, chart("x", [0]).dots) == ((), ((5, 75),))


def test_the_latest_runs_of_a_recording_are_shown(empty_database: str) -> None:
    desk = Desk(empty_database)
    first = finish(desk.url, begin(desk.url), [PRICES, COLOUR], report=replace(REPORT, seconds=300.0))
    with Store.open(desk.url) as store:
        info = store.run(first)
        assert info.recording_id is not None
        second = store.create_run(info.recording_id, candidate="later")
        store.create_run(info.recording_id, candidate="running")
    finish(desk.url, second, [], report=replace(REPORT, seconds=60.0))
    client = desk.client(Role.VIEWER)
    assert 'href="/trends?recording=r0"' in client.get("/recordings").text
    text = client.get("/trends?recording=r0").text
    assert "The latest 2 finished runs" in text
    assert "findings: <b>0</b>" in text
    assert '<polyline points="5.0,5.0 295.0,75.0"/>' in text  # from two findings to none
    assert text.index(f"/runs/{second}") < text.index(f"/runs/{first}")
    assert "running" not in text
    with Store.open(desk.url) as store:
        summary = store.run(first).summary
        store.finish_run(first, "fail", 1, store.run_report(first))  # as a version without summaries kept it
        store.finish_run(second, "fail", 1, {}, summary)  # what has one is not unpacked
    text = client.get("/trends?recording=r0").text
    assert "findings: <b>2</b>" in text
    assert '<polyline points="5.0,5.0 295.0,5.0"/>' in text
    assert "No finished run" in client.get("/trends?recording=absent").text
