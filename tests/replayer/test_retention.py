"""What goes when room or its time is over, and what never does."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest
from sqlalchemy import text, update

from replayer.ages import DAY, age
from replayer.cli.main import main
from replayer.errors import UsageError
from replayer.intake import Intake
from replayer.retention import Gone, Limits, Stayed, prune_recordings, prune_runs, size
from replayer.store import ResultRow, Store, StoredAnswer
from replayer.store.tables import recordings, runs

from .batches import batch, header, sent
from .test_store import bodies, exchange, rows
from .test_store_approvals import ANN
from .test_store_runs import answer

NOW = 2_000_000_000.0


def closed(store: Store, name: str, days: float, numbers: range, service: str = "shop", now: float = NOW) -> int:
    """An imported recording of that age, with bodies of its own."""
    dice = random.Random(name)
    info = store.create_recording(name, service=service, release="", key_id="k", source="", fingerprint=name)
    store.add_exchanges(info.id, [exchange(n, body=dice.randbytes(2000)) for n in numbers])
    store.close_recording(info.id)
    with store._engine.begin() as connection:
        connection.execute(update(recordings).where(recordings.c.id == info.id).values(closed=now - days * DAY))
    return info.id


def names(store: Store) -> list[str]:
    return sorted(info.name for info in store.recordings())


def test_what_is_older_goes_with_all_that_only_it_holds(store: Store) -> None:
    closed(store, "old", 40, range(5))
    closed(store, "new", 3, range(5))
    dry = prune_recordings(store, Limits(older_than=30 * DAY), NOW, dry_run=True)
    assert (dry.gone, dry.stayed, dry.dry_run) == ((Gone("old", 5, "closed 40 days ago"),), (), True)
    assert names(store) == ["new", "old"]
    done = prune_recordings(store, Limits(older_than=30 * DAY), NOW)
    assert (done.gone, done.bytes_left) == (dry.gone, dry.bytes_left)
    assert done.freed.bodies == 5
    assert done.freed.bytes == dry.freed.bytes > 10_000
    assert names(store) == ["new"]
    assert bodies(store) == 5
    assert prune_recordings(store, Limits(older_than=30 * DAY), NOW).gone == ()


def test_the_oldest_go_until_no_more_is_kept_than_is_wanted(store: Store) -> None:
    for number in range(4):
        closed(store, f"r{number}", 10 - number, range(5))
    quarter = store.kept_bytes() // 4
    dry = prune_recordings(store, Limits(max_bytes=2 * quarter + 500), NOW, dry_run=True)
    done = prune_recordings(store, Limits(max_bytes=2 * quarter + 500), NOW)
    assert [gone.name for gone in done.gone] == [gone.name for gone in dry.gone] == ["r0", "r1"]
    assert store.kept_bytes() == done.bytes_left == dry.bytes_left < 2 * quarter + 500
    assert names(store) == ["r2", "r3"]


def test_bodies_that_others_carry_stay_and_do_not_count_as_freed(store: Store) -> None:
    shared = [exchange(n, body=b"%d" % n * 2000) for n in range(3)]
    for name in ("one", "two"):
        number = closed(store, name, 40 if name == "one" else 1, range(0))
        store.add_exchanges(number, shared)
    done = prune_recordings(store, Limits(older_than=30 * DAY), NOW)
    assert done.freed.bodies == 0
    assert list(store.exchanges(store.recording("two").id)) == shared


def test_a_route_keeps_what_it_is_to_keep(store: Store) -> None:
    closed(store, "a", 9, range(5))
    closed(store, "b", 8, range(5))
    closed(store, "c", 7, range(5))
    closed(store, "other", 6, range(50), service="pay")
    done = prune_recordings(store, Limits(keep_per_route=10), NOW)
    assert [gone.name for gone in done.gone] == ["a"]
    of_it = "GET /items/<int:id> would be left"
    assert done.stayed == (
        Stayed("b", f"only 5 exchanges of {of_it}"),
        Stayed("c", f"only 5 exchanges of {of_it}"),
        Stayed("other", f"only 0 exchanges of {of_it}"),
    )
    done = prune_recordings(store, Limits(older_than=7.5 * DAY, keep_per_route=4), NOW)
    assert [gone.name for gone in done.gone] == ["b"]


def test_what_is_open_or_replayed_never_goes(store: Store) -> None:
    number = closed(store, "replayed", 40, range(3))
    store.create_recording("open", service="", release="", key_id="", source="")
    run_id = store.create_run(number, candidate="x")
    done = prune_recordings(store, Limits(older_than=DAY), NOW)
    assert (done.gone, done.stayed) == ((), (Stayed("replayed", f"the run {run_id} is replaying it"),))
    with pytest.raises(UsageError, match=f"'replayed' is being replayed by the run {run_id}") as caught:
        store.delete_recordings([number])
    assert caught.value.hint.endswith(f"understudy runs cancel {run_id}")
    with pytest.raises(UsageError, match="is under way"):
        store.delete_runs([run_id])
    with store._engine.begin() as connection:  # a run that died holds nothing back for ever
        connection.execute(update(runs).values(started=time.time() - 2 * DAY, beat=time.time() - 2 * DAY))
    assert [gone.name for gone in prune_recordings(store, Limits(older_than=DAY), NOW).gone] == ["replayed"]
    assert store.run(run_id).recording == "replayed"
    assert names(store) == ["open"]


def test_a_collected_recording_stays_until_another_one_follows_it(store: Store) -> None:
    """Where its producers stand is known from it alone."""
    intake = Intake(store, "a stream")
    begun = time.time()
    intake.take([batch(header(), sent(0, started=begun))])
    store.close_recording(store.recording("shop-1.0").id)
    later = time.time() + 3600
    done = prune_recordings(store, Limits(older_than=0.0), later)
    assert done.stayed == (Stayed("shop-1.0", "its producers may still be sending, and none has followed it"),)
    intake.take([batch(header(), sent(1, started=later))])
    assert [gone.name for gone in prune_recordings(store, Limits(older_than=0.0), later).gone] == ["shop-1.0"]
    assert store.gaps(store.recording("shop-1.0-2")).missing == 0


def test_runs_go_but_for_the_newest_and_what_was_approved_stays(store: Store) -> None:
    number = closed(store, "r", 1, range(2))
    ids = [store.create_run(number, candidate="x") for _ in range(4)]
    for place, run_id in enumerate(ids):
        store.add_answers(run_id, "p", [answer(1, b"%d" % place * 300)])
        store.add_results(run_id, [ResultRow("0" * 32, "matched")])
        store.finish_run(run_id, "pass", 0, {})
    store.add_approvals([ANN])
    store.keep_profile(number, "abc", ids[1], {})
    now = time.time() + 3 * DAY
    assert prune_runs(store, 4 * DAY, 0, now).gone == ()
    dry = prune_runs(store, 2 * DAY, 1, now, dry_run=True)
    assert len(store.runs()) == 4
    done = prune_runs(store, 2 * DAY, 1, now)
    assert [gone.name for gone in done.gone] == [gone.name for gone in dry.gone] == [ids[2], ids[0]]
    assert done.stayed == (Stayed(ids[1], "later runs use what it learned"),)
    assert done.freed.bodies == 2
    assert [run.id for run in store.runs()] == [ids[3], ids[1]]
    assert [row for _, row in store.answers(ids[3], "p")] == [answer(1, b"3" * 300)]
    assert [each.id for each in store.approvals()] == [ANN.id]
    store.delete_runs([run.id for run in store.runs()])
    assert rows(store).keys() & {"runs", "answers", "results", "passes"} == set()
    assert [each.id for each in store.approvals()] == [ANN.id]


def test_deleting_gives_the_space_of_a_file_back(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with Store.open(f"sqlite:///{file}") as store:
        closed(store, "old", 40, range(2000))
        full = file.stat().st_size
        prune_recordings(store, Limits(older_than=DAY), NOW)
        assert file.stat().st_size < full / 5


@pytest.mark.parametrize(("given", "seconds"), [("12h", 43200), ("30d", 2592000), (" 2 W", 1209600), ("0d", 0)])
def test_ages(given: str, seconds: float) -> None:
    assert age(given) == seconds


@pytest.mark.parametrize(
    ("given", "count"), [("5GB", 5 * 10**9), ("1.5 mb", 1_500_000), ("1000", 1000), ("7B", 7), ("2tb", 2 * 10**12)]
)
def test_sizes(given: str, count: int) -> None:
    assert size(given) == count


@pytest.mark.parametrize("given", ["", "30", "d", "-1d", "30 months", "1e3d", "9999999d"])
def test_what_is_no_age_is_told(given: str) -> None:
    with pytest.raises(UsageError, match="is no age"):
        age(given)


@pytest.mark.parametrize("given", ["", "GB", "-5GB", "5 gigabytes", "1.2.3MB"])
def test_what_is_no_size_is_told(given: str) -> None:
    with pytest.raises(UsageError, match="is no size"):
        size(given)


def test_the_commands(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(database_url) as store:
        closed(store, "old", 40, range(5), now=time.time())
        number = closed(store, "new", 3, range(5), now=time.time())
        run_id = store.create_run(number, candidate="x")
        store.add_answers(run_id, "p", [StoredAnswer("0" * 32, None, "timeout")])
        store.finish_run(run_id, "pass", 0, {})
    db = ("--db", database_url)
    assert main(["recordings", "prune", *db]) == 2
    assert "Nothing says what is to go." in capsys.readouterr().err
    assert main(["recordings", "prune", "--older-than", "30", *db]) == 2
    assert "'30' is no age." in capsys.readouterr().err
    assert main(["runs", "prune", *db]) == 2
    assert "Give --older-than or --keep." in capsys.readouterr().err
    assert main(["recordings", "prune", "--older-than", "1d", "--keep-per-route", "5", "--dry-run", *db]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "would be deleted: old, 5 exchanges: closed 40 days ago",
        "kept: new: only 0 exchanges of GET /items/<int:id> would be left",
    ]
    assert main(["recordings", "delete", "old", *db]) == 0
    assert capsys.readouterr().out.startswith("deleted: old\n  freed ")
    assert main(["recordings", "prune", "--max-size", "1KB", "--json", *db]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [gone["name"] for gone in said["gone"]] == ["new"]
    assert said["freed"]["bodies"] == 5
    assert main(["runs", "delete", run_id[:6], *db]) == 0
    assert capsys.readouterr().out.startswith(f"deleted: {run_id}\n")
    assert main(["runs", "prune", "--keep", "1", *db]) == 0
    assert capsys.readouterr().out.startswith("No runs to delete;")
    with Store.open(database_url) as store, store._engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM blocks")).scalar() == 0
