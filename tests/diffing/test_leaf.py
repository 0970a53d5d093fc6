"""What was there before the passes began has the same name in all of them; what is known to be new has not."""

from __future__ import annotations

from diffing.bindings import Renaming
from diffing.difference import DifferenceKind
from diffing.leaf import BINDING, LeafJudge
from diffing.profile import NoiseProfile, Place

KEY = "GET /customers/<id>|2xx|header:etag"


def test_the_version_of_what_is_called_otherwise_here_is_no_older_than_the_passes() -> None:
    profile = NoiseProfile(places={f"{KEY}~etag": Place(sort="tag")}, anchored=frozenset({"tag"}))
    judge = LeafJudge(profile, Renaming(), first_seen_reading=True)
    verdict = judge.judge('W/"customer-16-1"', 'W/"customer-15-1"', KEY)
    assert (verdict.kind, verdict.hidden) == (DifferenceKind.IDENTITY, "")
    judge.renaming.bind("customer", "16", "15")
    assert judge.judge('W/"customer-16-1"', 'W/"customer-15-1"', KEY).hidden == BINDING
