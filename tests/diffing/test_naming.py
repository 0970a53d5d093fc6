"""Which places reveal themselves as identifiers, and which only show values that are new each time."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from diffing.bindings import Renaming
from diffing.difference import DifferenceKind
from diffing.leaf import BINDING, LeafJudge, Verdict
from diffing.naming import Observed, Pairs, is_called_after, name_sorts
from diffing.profile import AT, NoiseProfile, Place


def observed(pairs: Iterable[tuple[str, str]]) -> Observed:
    found = Pairs()
    for baseline, candidate in pairs:
        found.add(baseline, candidate)
    return Observed({0: found}, varies=True)


def test_a_counter_whose_values_never_come_again_names_nothing() -> None:
    key = "GET /me|2xx|header x-ratelimit-remaining"
    counted = observed((str(4000 - n), str(3700 - 2 * n)) for n in range(40))

    assert name_sorts({key: counted}, {}, trusted=True) == ({}, set())


def test_values_that_come_again_and_are_called_the_same_again_are_names() -> None:
    key = "GET /me|2xx|$.desk"
    named = observed((str(40 + n % 20), str(700 + n % 20)) for n in range(40))

    assert name_sorts({key: named}, {}, trusted=True) == ({key: f"own:{key}"}, set())


def test_a_place_that_is_called_like_a_name_need_not_show_its_values_again() -> None:
    key = "POST /desks|2xx|$.desk_id"
    named = observed((str(40 + n), str(700 + n)) for n in range(5))

    assert name_sorts({key: named}, {}, trusted=True) == ({key: f"own:{key}"}, set())


@pytest.mark.parametrize(
    ("place", "called"),
    [
        ("$[*].visit", True),
        ("$.visit", True),
        ("$.visits[*]", False),
        ("$.company", False),
        ("$.amount", False),
        ("$.is", False),
    ],
)
def test_a_column_is_called_after_the_things_of_a_route(place: str, called: bool) -> None:
    sorts = {"POST /visits/bulk|2xx|$.results[*].id#0"}

    assert is_called_after(f"GET /invoices.csv|2xx|{place}", sorts) is called


def test_a_company_is_one_of_the_companies() -> None:
    assert is_called_after("GET /invoices.csv|2xx|$[*].company", {"GET /companies|2xx|$[*].id#0"})


def test_a_place_whose_values_were_not_sighted_says_nothing_of_what_was_there_before() -> None:
    key = "GET /parcels|2xx|$.items[*].code"

    def judged(*loose: str) -> Verdict:
        profile = NoiseProfile({key: Place(sort="code")}, anchored=frozenset({"code"}), loose=frozenset(loose))
        return LeafJudge(profile, Renaming(), first_seen_reading=True).judge("H529370DE", "K644248DE", key)

    assert judged().kind is DifferenceKind.IDENTITY
    assert judged(f"{AT}{key}") == judged("code H529370DE") == Verdict(BINDING)
