from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from recorder.exchange import Body, Observed, OutboundCall, RecordedRequest, RecordedResponse, SqlStatement
from replayer.errors import UsageError
from replayer.store import ResultRow, RunInfo, Store, StoredAnswer, codec


def new_run(store: Store, name: str = "r") -> str:
    known = {info.name: info for info in store.recordings()}
    info = known.get(name) or store.create_recording(name, service="s", release="", key_id="k", source="")
    return store.create_run(info.id, candidate="staging", baselines=["base", "run:1"], branch="main", commit="abc")


def answer(number: int, body: bytes = b"ok") -> StoredAnswer:
    response = RecordedResponse(200, "OK", (("A", "b"), ("a", "\xe9")), Body.of(body))
    return StoredAnswer(f"{number:032x}", response, "", 1.5, 2.5)


def test_a_run_goes_from_created_to_finished(store: Store) -> None:
    run_id = new_run(store)
    created = store.run(run_id)
    assert created == RunInfo(
        id=run_id,
        recording="r",
        recording_id=store.recording("r").id,
        candidate="staging",
        baselines=("base", "run:1"),
        state="running",
        started=created.started,
        ended=None,
        verdict="",
        exit_code=None,
        branch="main",
        commit="abc",
        beat=created.beat,
    )
    assert created.beat is not None
    assert created.beat >= created.started
    store.set_run_state(run_id, "comparing")
    assert store.run(run_id).state == "comparing"
    with pytest.raises(UsageError, match="has no report"):
        store.run_report(run_id)
    report = {"version": 1, "ledger": {"seen": 3}, "findings": [{"path": "$.é"}], "fidelity": 0.5, "none": None}
    store.finish_run(run_id, "fail", 1, report)
    done = store.run(run_id)
    assert (done.state, done.verdict, done.exit_code) == ("finished", "fail", 1)
    assert done.ended is not None
    assert store.run_report(run_id) == report


def test_runs_are_listed_newest_first_and_found_by_prefix(store: Store) -> None:
    ids = [new_run(store) for _ in range(3)]
    assert [run.id for run in store.runs()] == ids[::-1]
    assert store.run(ids[0][:10]).id == ids[0]
    for unknown in ("zz", "", "%", "_"):
        with pytest.raises(UsageError, match="There is no run"):
            store.run(unknown)
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE runs SET id = 'aa' || number"))
    with pytest.raises(UsageError, match="Several runs"):
        store.run("aa")
    assert store.run("aa1").id == "aa1"


def test_a_run_needs_a_recording(store: Store) -> None:
    with pytest.raises(UsageError, match="There is no recording 5"):
        store.create_run(5, candidate="x")


def test_results_come_back_and_the_later_one_counts(store: Store) -> None:
    run_id = new_run(store)
    rows = [ResultRow(f"{n:032x}", "matched") for n in range(1200)]
    store.add_results(run_id, rows)
    assert list(store.results(run_id)) == rows
    changed = ResultRow("0" * 32, "not_compared", "truncated", "1 of 2 bytes")
    store.add_results(run_id, [changed])
    assert list(store.results(run_id)) == [*rows[1:], changed]


def test_answers_come_back_by_pass(store: Store) -> None:
    run_id = new_run(store)
    failed = StoredAnswer("f" * 32, None, "timeout", 3.0, 33.0)
    first = [*(answer(n, b"body %d" % (n % 7)) for n in range(700)), failed]
    store.add_answers(run_id, "candidate 1", first)
    store.add_answers(run_id, "baseline 1", [answer(1)])
    assert list(store.answers(run_id, "candidate 1")) == [(row.exchange_id, row) for row in first]
    assert list(store.answers(run_id, "baseline 1")) == [(answer(1).exchange_id, answer(1))]
    assert list(store.answers(run_id, "other")) == []
    assert store.pass_names(run_id) == ("candidate 1", "baseline 1")


def test_what_was_observed_is_kept_with_an_answer_and_older_records_are_read(store: Store) -> None:
    run_id = new_run(store)
    statement = SqlStatement("f00d", "SELECT … FROM t", 3, -1)
    call = OutboundCall(RecordedRequest("POST", "https://pay.example/", ()), None, 1.0, 2.0)
    rows = [
        replace(answer(1), observed=Observed((statement,), None)),
        replace(answer(2), observed=Observed((), (call,), partial=True)),
        answer(3),
    ]
    store.add_answers(run_id, "p", rows)
    assert [row for _, row in store.answers(run_id, "p")] == rows
    assert codec.answer_of([None, "timeout", 1.0, 2.0], b"") == (None, "timeout", 1.0, 2.0, None)


def test_an_answer_is_kept_once(store: Store) -> None:
    run_id = new_run(store)
    store.add_answers(run_id, "p", [answer(1, b"a")])
    store.add_answers(run_id, "p", [answer(1, b"b"), answer(2)])
    assert [row for _, row in store.answers(run_id, "p")] == [answer(1, b"a"), answer(2)]


def test_a_run_outlives_its_recording_and_keeps_its_bodies(store: Store) -> None:
    run_id = new_run(store)
    store.add_answers(run_id, "p", [answer(1)])
    store.delete_recording(store.recording("r").id)
    assert (store.run(run_id).recording, store.run(run_id).recording_id) == ("r", None)
    assert [row for _, row in store.answers(run_id, "p")] == [answer(1)]
    store.add_answers(run_id, "p", [answer(2, b"later")])
    assert [row for _, row in store.answers(run_id, "p")] == [answer(1), answer(2, b"later")]


def test_a_deleted_run_leaves_nothing(store: Store) -> None:
    run_id = new_run(store)
    store.add_answers(run_id, "p", [answer(1)])
    store.add_results(run_id, [ResultRow("0" * 32, "matched")])
    store.delete_run(run_id)
    with store._engine.connect() as connection:
        left = [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            for table in ("runs", "results", "passes", "answers", "blocks", "bodies")
        ]
    assert left == [0] * 6


def test_rows_of_an_unknown_run_are_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="There is no run 'x'"):
        store.add_results("x", [ResultRow("0" * 32, "matched")])
    with pytest.raises(UsageError, match="There is no run 'x'"):
        store.add_answers("x", "p", [answer(1)])
