"""What the service looks up in the store before a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from diffing.difference import Answer
from diffing.profile import NoiseProfile, Place
from replayer.known import Known
from replayer.selection.recorded import Budget
from replayer.service import GateOptions, known_profile
from replayer.store import Store
from replayer.store.records import StoredAnswer
from replayer.target_settings import TargetSettings

from .tiny import record

PROFILE = NoiseProfile({"GET /stats|2xx|$.count": Place(varies=True)}, pairs=9)
BUILT = (TargetSettings("current", build="abc"),)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path / 'understudy.db'}")


def learned(store: Store, passes: int, version: int | None = None) -> tuple[int, str, Answer]:
    """A recording, the run that learned from it, and the answer that the run kept."""
    one = record(users=1, rounds=1).exchanges[0]
    recording = store.create_recording("tiny", service="tiny", release="1", key_id="k", source="a test").id
    store.add_exchanges(recording, [one])
    run = store.create_run(recording, candidate="next")
    store.add_answers(run, "baseline 1", [StoredAnswer(one.id, one.response)])
    data = PROFILE.to_json() if version is None else {"version": version}
    store.keep_profile(recording, "abc", run, {**data, "passes": passes})
    return recording, run, Answer(one.response)


def test_what_as_many_passes_taught_of_a_build_is_known(store: Store) -> None:
    recording, run, answer = learned(store, passes=3)
    found = known_profile(store, recording, BUILT, 3)
    assert found is not None
    assert found == Known(run, PROFILE, found.answers, 3)
    assert [each.response for each in found.answers.values()] == [answer.response]


def test_what_fewer_passes_taught_than_are_asked_for_is_learned_anew(store: Store) -> None:
    recording, _, _ = learned(store, passes=3)
    assert known_profile(store, recording, BUILT, 4) is None


def test_without_a_build_with_another_one_and_from_another_version_nothing_is_known(store: Store) -> None:
    recording, _, _ = learned(store, passes=3, version=0)
    assert known_profile(store, recording, BUILT, 3) is None
    assert known_profile(store, recording, (TargetSettings("current"),), 3) is None
    assert known_profile(store, recording, (TargetSettings("current", build="abd"),), 3) is None


def test_what_another_selection_taught_is_not_known(store: Store) -> None:
    recording, run, _ = learned(store, passes=3)
    store.keep_profile(recording, "abc", run, {**PROFILE.to_json(), "passes": 3, "selection": "500:1"})
    assert known_profile(store, recording, BUILT, 3) is None
    assert known_profile(store, recording, BUILT, 3, "500:2") is None
    assert known_profile(store, recording, BUILT, 3, "500:1") is not None


def test_a_run_that_is_taken_up_keeps_its_budget() -> None:
    asked = GateOptions("r", "next", budget=Budget(500, seed=7))
    assert GateOptions.from_json(asked.to_json()) == asked
    older = json.loads(asked.to_json())
    del older["budget"]
    assert GateOptions.from_json(json.dumps(older)).budget == Budget()


def test_a_budget_is_for_what_is_larger() -> None:
    assert [Budget(10).fits(count) for count in (10, 11)] == [True, False]
    assert [Budget().fits(count) for count in (20_000, 20_001)] == [True, False]
    assert Budget(10, everything=True).fits(10**6)
