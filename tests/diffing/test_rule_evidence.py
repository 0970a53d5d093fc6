"""Which places a release's answers have, which varied, and which a rule covers."""

from __future__ import annotations

import json

import pytest

from diffing.difference import Location, Part
from diffing.noise import NoiseRule
from diffing.profile import NoiseProfile, Place
from diffing.rule_evidence import MAX_VALUES, Spot, covered, observe, varied_spots
from recorder.exchange import Body, RecordedResponse


def reply(value: object, *headers: tuple[str, str], status: int = 200) -> RecordedResponse:
    body = Body.of(json.dumps(value).encode())
    return RecordedResponse(status, "", (("Content-Type", "application/json"), *headers), body)


def body(path: str, route: str = "/a", method: str = "GET") -> Spot:
    return Spot(method, route, Location(Part.BODY, path))


def header(path: str, route: str = "/a") -> Spot:
    return Spot("GET", route, Location(Part.HEADER, path))


def test_the_places_of_answers_are_shapes_with_some_of_their_values() -> None:
    answers = [
        ("GET", "/a", reply({"rows": [{"n": 1}, {"n": 2}], "to": {"odd key": None}}, ("X-Id", "q"))),
        (
            "GET",
            "/a",
            reply({"rows": [{"n": 1}, {"n": True}], "to": {"odd key": "x"}}, ("Set-Cookie", "sid=7; Path=/")),
        ),
    ]
    assert observe(answers, NoiseProfile()) == {
        body("$.rows[*].n"): [1, 2, True],
        body("$.to['odd key']"): [None, "x"],
        header("x-id"): ["q"],
        header("set-cookie[sid].value"): ["7"],
        header("set-cookie[sid].path"): ["/"],
    }


def test_keys_that_are_data_are_one_place() -> None:
    learned = NoiseProfile(maps=frozenset({"GET /a|2xx|$.by"}))
    answers = [("GET", "/a", reply({"by": {"ann": 1, "ben": 2}}))]
    assert observe(answers, learned) == {body("$.by.*"): [1, 2]}


def test_no_more_values_are_kept_than_tell_their_kind() -> None:
    (values,) = observe([("GET", "/a", reply(list(range(100))))], NoiseProfile()).values()
    assert values == list(range(MAX_VALUES))


def test_a_place_varied_when_the_profile_says_so_in_any_way() -> None:
    profile = NoiseProfile(
        {
            "GET /a|2xx|$.at": Place(varies=True),
            "GET /a|4xx|$.rows": Place(order_varies=True),
            "GET /a|2xx|$.code~num": Place(inside_varies=True),
            "GET /a|2xx|header:x-id": Place(presence_varies=True),
            "GET /a|2xx|$.id": Place(sort="order"),
            "GET /a|2xx|outbound:$calls['POST pay/charges'][*].body.at": Place(varies=True),
        }
    )
    assert varied_spots(profile) == {
        body("$.at"),
        body("$.rows"),
        body("$.code"),
        body("$.code~num"),
        header("x-id"),
        Spot("GET", "/a", Location(Part.OUTBOUND, "$calls['POST pay/charges'][*].body.at")),
    }


VALUES = {
    body("$.rows[*].at"): ["2026-01-01T00:00:00Z"],
    body("$.rows[*].n"): [1, None],
    body("$.at", "/b"): ["2026-01-01T00:00:00Z"],
    header("x-id"): ["q"],
}


@pytest.mark.parametrize(
    ("rule", "spots"),
    [
        (NoiseRule("GET /a", "$.rows[*].at"), [body("$.rows[*].at")]),
        (NoiseRule("GET /a", "$.rows[3].at"), [body("$.rows[*].at")]),
        (NoiseRule("* /**", "$.**", kind="timestamp"), [body("$.rows[*].at"), body("$.at", "/b")]),
        (NoiseRule("* /**", "$.**", kind="null"), [body("$.rows[*].n")]),
        (NoiseRule("* /**", "$.**", Part.BODY), [body("$.rows[*].at"), body("$.rows[*].n"), body("$.at", "/b")]),
        (NoiseRule("* /**", "x-id", Part.HEADER), [header("x-id")]),
        (NoiseRule("POST /a", "$.rows[*].at"), []),
    ],
)
def test_a_rule_covers_the_places_that_it_names_with_values_of_its_kind(rule: NoiseRule, spots: list[Spot]) -> None:
    assert covered(rule, VALUES) == spots
