"""The places that traffic shows, by kind."""

from __future__ import annotations

import json
from collections.abc import Mapping

from benchmarks.accuracy.places import Place, find_places
from diffing.difference import Answer
from recorder.exchange import Body, Headers, RecordedResponse

JSON: Headers = (("Content-Type", "application/json"),)
TOKENS = ("a1" * 16, "b2" * 16)


def answer(value: object, headers: Headers = JSON, status: int = 200) -> Answer:
    return Answer(RecordedResponse(status, "", headers, Body.of(json.dumps(value).encode())))


def found(first: object, second: object) -> Mapping[str, Place]:
    return {f"{p.part} {p.path}": p for p in find_places([("GET /a", [answer(first), answer(second)])])}


def test_each_value_has_a_place_of_a_kind() -> None:
    first = {"id": 1, "at": "2026-01-02T03:04:05Z", "token": TOKENS[0], "n": 3, "on": True, "took": 1.5, "name": "A b"}
    second = first | {"id": 2, "at": "2026-01-02T03:04:06Z", "token": TOKENS[1], "took": 1.7}
    kinds = {path: place.kind for path, place in found(first, second).items()}
    assert kinds == {
        "status ": "status",
        "header content-type": "header",
        "body ": "body",
        "json $": "object",
        "json $.id": "identifier",
        "json $.at": "time",
        "json $.token": "token",
        "json $.n": "number",
        "json $.on": "flag",
        "json $.took": "noise",
        "json $.name": "text",
    }


def test_words_that_repeat_are_an_enumeration_and_rows_share_their_place() -> None:
    rows = [{"state": each} for each in ("open", "open", "closed", "closed", None)]
    place = found(rows, rows)["json $[*].state"]
    assert (place.kind, place.null_share, place.varies) == ("enum", 0.2, False)
    assert place.steps == ("*", "state")


def test_a_list_whose_order_is_chance_is_no_ordered_one() -> None:
    places = found({"a": [1, 2], "b": [1, 2]}, {"a": [2, 1], "b": [1, 2]})
    assert places["json $.a"].kind == "unordered list"
    assert places["json $.b"].kind == "list"


def test_a_cookie_and_each_of_its_flags_are_places() -> None:
    headers = (*JSON, ("Set-Cookie", "sid=1; HttpOnly; Path=/"))
    places = find_places([("GET /a", [answer({}, headers)])])
    assert [p.steps for p in places if p.part == "cookie"] == [("sid",), ("sid", "httponly"), ("sid", "path")]
