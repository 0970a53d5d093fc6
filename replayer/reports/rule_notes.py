"""What a run's report says of its noise rules without being asked: where one hid what nobody named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from diffing.noise import HiddenPlace, RuleUse
from diffing.routes import matches
from diffing.rule_evidence import Spot
from diffing.rule_review import Tags, beyond

MAX_NAMED = 3
"""Places that a sentence names."""


def rule_notes(uses: Iterable[RuleUse], varied: Set[Spot] | None, tags: Tags = ()) -> tuple[str, ...]:
    """Sentences; `varied` is None when it is not known what varies between passes of the baseline."""
    notes = []
    for use in uses:
        places = beyond(use, varied) if varied is not None else []
        if places:
            notes.append(
                f"The noise rule {use.rule.name} hid {_changes(places)} at places that it does not name exactly and at"
                f" which the baseline does not vary: {_named(places)}. See `understudy rules lint`."
            )
        for name, patterns in tags:
            hit = [place for place in use.places if any(matches(each, place.method, place.route) for each in patterns)]
            if hit:
                where = f"at routes with the tag {name!r}: {_named(hit)}"
                notes.append(f"The noise rule {use.rule.name} hid {_changes(hit)} {where}.")
    return tuple(notes)


def _changes(places: Sequence[HiddenPlace]) -> str:
    count = sum(place.count for place in places)
    return f"{count} change{'' if count == 1 else 's'}"


def _named(places: Sequence[HiddenPlace]) -> str:
    shown = ", ".join(f"{place.method} {place.route} {place.location.path}" for place in places[:MAX_NAMED])
    return shown if len(places) <= MAX_NAMED else f"{shown} and {len(places) - MAX_NAMED} more"
