"""A short number inside a text, at a place seen once: the same field elsewhere says whether it names a thing."""

from __future__ import annotations

import pytest

from diffing.bindings import Renaming
from diffing.leaf import BINDING, LeafJudge
from diffing.profile import NoiseProfile, Place

ORDER = "GET /orders|2xx|$.items[*].id"
RARE = "POST /orders/<int:order_id>/pay|2xx|$.number"


def judge(*places: tuple[str, str]) -> LeafJudge:
    profile = NoiseProfile(places={key: Place(sort=sort) for key, sort in places})
    judge = LeafJudge(profile, Renaming())
    judge.renaming.bind("order", "2", "43")
    judge.renaming.bind("user", "5", "6")
    return judge


def test_the_same_field_elsewhere_says_what_a_number_names() -> None:
    known = judge(("GET /orders|2xx|$.items[*].number~num", "order"), (ORDER, "order"))
    assert known.judge("ORD-000002", "ORD-000043", RARE).hidden == BINDING


@pytest.mark.parametrize("candidate", ["ORD-000006", "ORD-000044", "ORD-000002 ", "INV-000043"])
def test_another_thing_is_another_thing(candidate: str) -> None:
    known = judge(("GET /orders|2xx|$.items[*].number~num", "order"))
    assert known.judge("ORD-000002", candidate, RARE).kind is not None


def test_a_field_that_names_nothing_anywhere_is_a_figure() -> None:
    assert judge((ORDER, "order")).judge("ORD-000002", "ORD-000043", RARE).kind is not None


def test_a_field_that_names_several_kinds_says_nothing() -> None:
    several = judge(("GET /orders|2xx|$.number~num", "order"), ("GET /users|2xx|$.number~num", "user"))
    assert several.judge("ORD-000002", "ORD-000043", RARE).kind is not None


def test_the_profile_knows_it_after_it_was_kept() -> None:
    kept = NoiseProfile(places={"GET /orders|2xx|$.number~num": Place(sort="order")})
    assert NoiseProfile.from_json(kept.to_json()).sort_called(f"{RARE}~num") == "order"
