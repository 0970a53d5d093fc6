"""Since when a finding is there, over all runs of a service, and after these are gone."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, text

from diffing.grouping import Finding
from replayer.first_seen import FirstSeen, first_seen, noted, project_of
from replayer.reports.json_report import to_json
from replayer.reports.markdown import to_markdown
from replayer.reports.model import Came, Retrial, RunReport
from replayer.reports.reading import report_of
from replayer.reports.remarks import remarks
from replayer.store import Store
from replayer.store.schema import _upgrade
from replayer.store.tables import first_seen as table

from .report_schemas import report_problems
from .test_report import COLOUR, PRICES, REPORT


def report(run: str, at: float, *findings: Finding) -> RunReport:
    return replace(REPORT, run_id=run, started_at=at, findings=findings, commit=f"{run}-of-a-release")


def test_a_finding_is_new_once_and_known_by_any_of_its_places(store: Store) -> None:
    first = noted(store, "shop", report("one", 100.0, PRICES))
    assert first.is_new(PRICES)
    assert [*remarks(first, PRICES)][-1] == "new in this run"
    lasting = [*remarks(first, PRICES, lasting=True)][-1]
    assert lasting == "first seen on 1970-01-01 in the run one (one-of-a-rel)"  # a comment need not be written anew
    moved = replace(PRICES, fingerprint="f" * 16)  # another place leads it by now
    second = noted(store, "shop", report("two", 200.0, moved, COLOUR))
    here = FirstSeen("one", 100.0, REPORT.candidate, REPORT.branch, "one-of-a-release")
    assert (second.first_seen[moved.fingerprint], second.is_new(moved), second.is_new(COLOUR)) == (here, False, True)
    assert lasting in [*remarks(second, moved)]
    assert lasting in to_markdown(second).replace("\\", "")
    again = noted(store, "shop", report("one", 100.0, PRICES))  # the same run, taken up
    assert again.is_new(PRICES)
    assert not noted(store, "other", report("three", 300.0)).first_seen
    assert noted(store, "other", report("four", 400.0, PRICES)).is_new(PRICES)
    data = to_json(second)
    assert report_problems(data) == []
    assert report_of(data).first_seen == second.first_seen
    assert [each["first_seen"]["new"] for each in data["findings"]] == [False, True]


def test_what_is_replayed_alone_is_no_news(store: Store) -> None:
    found = Retrial("one", PRICES.fingerprint, "GET /a", Came.SEEN, 1, 5, 0, 2, 3, 9)
    assert noted(store, "shop", replace(report("alone", 1.0, PRICES), retrial=found)).first_seen == {}


def test_a_service_is_one_whatever_its_recordings_are_called(store: Store) -> None:
    infos = [
        store.create_recording(n, service=s, release="", key_id="", source="") for n, s in (("a", "shop"), ("b", ""))
    ]
    assert [project_of(info) for info in infos] == ["shop", "b"]


def test_what_earlier_versions_reported_is_not_new(store: Store) -> None:
    recording = store.create_recording("r", service="shop", release="", key_id="", source="").id
    runs = [store.create_run(recording, candidate="next", branch="main", commit=name) for name in ("c1", "c2", "c3")]
    for run, findings in zip(runs, ((PRICES,), (PRICES, COLOUR), ()), strict=True):
        store.finish_run(run, "fail", 1, to_json(report(run, 1.0, *findings)))
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE runs SET report = :data WHERE id = :run"), {"data": b"x", "run": runs[2]})
        table.drop(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '0013'"))
    with store._engine.begin() as connection:
        _upgrade(connection)
        assert connection.scalar(select(table.c.project).limit(1)) == "shop"
    found = first_seen(store, "shop", [PRICES, COLOUR])
    assert [(found[each.fingerprint].run, found[each.fingerprint].release) for each in (PRICES, COLOUR)] == [
        (runs[0], "c1"),
        (runs[1], "c2"),
    ]
