"""What the reports say of a self-test: what was planted, what was caught, and where the comparison is blind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from diffing.difference import Part
from diffing.inventory import Knowledge
from diffing.judge import DOWNSTREAM
from diffing.leaf import BINDING, NOISE, TIME
from diffing.mutations import Mutation
from diffing.sensitivity import APPROVED, NOT_COMPARED, RULE, BlindSpot, Sensitivity, Share

from .wording import counted, number, reason_sentence, share

TITLE = "Self-test"
REACHES = {"exchange": "in one exchange", "route": "in a whole route"}

MUTATIONS: Mapping[Mutation, str] = {
    Mutation.DROP: "a key is gone",
    Mutation.NULL: "null, or null no more",
    Mutation.TYPE: "another JSON type",
    Mutation.NEGATE: "a number with its sign changed",
    Mutation.SCALE: "a number times 10 or 100",
    Mutation.STEP: "a number plus 1",
    Mutation.TEXT: "another text of the same format",
    Mutation.TRUNCATE: "half of a text",
    Mutation.EMPTY: "an empty text",
    Mutation.FLIP: "a flag turned over",
    Mutation.UNSEEN: "a word that a closed set never had",
    Mutation.SWAP: "two identifiers of one answer exchanged",
    Mutation.OTHER_ID: "the identifier of another object",
    Mutation.TIME_FORMAT: "a time in another notation",
    Mutation.TIME_ZONE: "a time in another zone",
    Mutation.STALE: "a time an hour or a day too early",
    Mutation.DROP_ELEMENT: "an element of an array, or a line, is gone",
    Mutation.DUPLICATE: "an element, or a line, is there twice",
    Mutation.REVERSE: "an array in reverse order",
    Mutation.ADD_ELEMENT: "an element more",
    Mutation.STATUS: "another status",
    Mutation.DROP_HEADER: "a header or a cookie is gone",
    Mutation.HEADER: "another value in a header, or a cookie without a flag",
    Mutation.HTML: "a page of HTML in the place of JSON",
    Mutation.EMPTY_BODY: "an empty body",
}

KNOWLEDGE: Mapping[Knowledge, str] = {
    Knowledge.FIXED: "the same in every pass",
    Knowledge.IDENTIFIER: "holds an identifier",
    Knowledge.TIME: "a time of the pass",
    Knowledge.UNSTEADY: "presence, order, number, type or null vary",
    Knowledge.VARIES: "varies",
}

_WHYS = {
    NOISE: "it varies between passes, and what was put there may well be there",
    BINDING: "an identifier that nothing else in the recording names, so that another one is as good",
    TIME: "a time that fits what the pass had done so far",
    DOWNSTREAM: "it follows from what already differs",
    APPROVED: "the change is approved",
    "": "nothing explains it: a weakness of the comparison",
}


def why_sentence(spot: BlindSpot) -> str:
    """What let faults pass at a place."""
    if spot.why.startswith(RULE):
        return f"noise {spot.why}"
    if spot.why.startswith(NOT_COMPARED):
        reason = spot.why.partition(": ")[2]
        return f"not compared: {reason_sentence(reason) or reason}"
    if not spot.explained and spot.why == BINDING:
        return "taken for a name that is known from elsewhere, where no identifier is known to be: a weakness"
    return _WHYS.get(spot.why, spot.why)


def summary(found: Sensitivity) -> str:
    """The result in one sentence or two."""
    total = found.total
    if not total.planted:
        return "No fault could be planted: no answer matched."
    low, high = total.interval
    text = (
        f"{share(total.value)} of {counted(total.planted, 'planted fault')} {'was' if total.planted == 1 else 'were'}"
        f" caught ({number(total.caught)}; 95 % interval {share(low)} to {share(high)}), in the answers of"
        f" {found.source}."
    )
    if found.equivalent:
        text += f" {number(found.equivalent)} more turned out to be no faults: other names that nothing else names."
    return text


def breakdown(found: Sensitivity) -> Iterator[str]:
    """Caught and planted by what is known of the place and by reach; then the kinds of fault of which some passed."""
    yield ", ".join(f"{known.value} {_of(each)}" for known, each in found.by_knowledge)
    yield ", ".join(f"{REACHES[reach]} {_of(each)}" for reach, each in found.by_reach)
    missed = [f"{MUTATIONS[kind]} {_of(each)}" for kind, each in found.by_mutation if each.caught < each.planted]
    yield f"not all caught: {', '.join(missed)}" if missed else "every kind of fault was caught wherever it was planted"


def _of(one: Share) -> str:
    return f"{one.caught}/{one.planted}"


def place(spot: BlindSpot) -> str:
    """Where, in words: `GET /orders $.items[*].id`."""
    where = spot.path if spot.part is Part.BODY else f"{spot.part.value} {spot.path}".rstrip()
    return f"{spot.method} {spot.route} {where}"


def blind_spot(spot: BlindSpot) -> str:
    """One place at which faults pass, in a line."""
    faults = ", ".join(mutation.value for mutation in spot.mutations)
    return f"{place(spot)} ({spot.knowledge.value}), {spot.survived} of {spot.planted}: {faults}; {why_sentence(spot)}"


def self_test_document(found: Sensitivity | None) -> dict[str, Any] | None:
    """The self-test in the JSON report."""
    if found is None:
        return None
    low, high = found.total.interval
    return {
        "source": found.source,
        **_counts(found.total),
        "share": round(found.total.value, 6),
        "interval": [round(low, 6), round(high, 6)],
        "equivalent": found.equivalent,
        "unexplained": found.unexplained,
        "by_mutation": [{"mutation": kind.value, **_counts(each)} for kind, each in found.by_mutation],
        "by_knowledge": [{"knowledge": known.value, **_counts(each)} for known, each in found.by_knowledge],
        "by_reach": [{"reach": reach, **_counts(each)} for reach, each in found.by_reach],
        "by_route": [{"method": method, "route": route, **_counts(each)} for (method, route), each in found.by_route],
        "blind_spots": [
            {
                "method": spot.method,
                "route": spot.route,
                "location": {"part": spot.part.value, "path": spot.path},
                "knowledge": spot.knowledge.value,
                "mutations": [mutation.value for mutation in spot.mutations],
                "survived": spot.survived,
                "planted": spot.planted,
                "explained": spot.explained,
                "why": spot.why,
                "sentence": why_sentence(spot),
                "exemplar": spot.exemplar,
            }
            for spot in found.blind_spots
        ],
        "untested": [{"method": method, "route": route} for method, route in found.untested],
    }


def _counts(one: Share) -> dict[str, int]:
    return {"planted": one.planted, "caught": one.caught}
