"""Noise profiles in the store: one for each recording and build."""

from __future__ import annotations

from replayer.store import Store


def recording(store: Store, name: str) -> int:
    return store.create_recording(name, service="s", release="", key_id="k", source="").id


def test_the_profile_of_a_build_comes_back_and_a_new_one_takes_its_place(store: Store) -> None:
    number = recording(store, "r")
    assert store.profile(number) is None
    store.keep_profile(number, "abc", "run1", {"version": 1, "places": {"GET /a|2xx|$.x": {}}})
    store.keep_profile(number, "def", "run2", {"version": 1})
    store.keep_profile(number, "abc", "run3", {"version": 2})
    found = store.profile(number, "abc")
    assert found is not None
    assert (found.build, found.run, found.data) == ("abc", "run3", {"version": 2})
    newest = store.profile(number)
    assert newest is not None
    assert newest.run == "run3"
    assert store.profile(number, "other") is None


def test_profiles_belong_to_their_recording(store: Store) -> None:
    first, second = recording(store, "first"), recording(store, "second")
    store.keep_profile(first, "", "run1", {"version": 1})
    assert store.profile(second, "") is None
