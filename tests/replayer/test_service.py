"""What the service looks up in the store before a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffing.difference import Answer
from diffing.profile import NoiseProfile, Place
from replayer.known import Known
from replayer.service import known_profile
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
