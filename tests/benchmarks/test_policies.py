"""The reference policies, each on answers of a few lines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from benchmarks.accuracy.policies import Asked, diffy_thresholds, exact_templates, ignore_what_varies, leaves
from diffing.difference import Answer
from recorder.exchange import Body, RecordedResponse


def answer(value: object, status: int = 200) -> Answer:
    headers = (("Content-Type", "application/json"), ("Date", "now"))
    return Answer(RecordedResponse(status, "", headers, Body.of(json.dumps(value).encode())))


def asked(*answers: Sequence[object]) -> list[Asked]:
    return [("GET /things", [answer(value) for value in each]) for each in answers]


def test_leaves_have_paths() -> None:
    assert leaves(answer({"a": [1, {"b": None}]}, 201)) == {
        "status": 201,
        "header content-type": "application/json",
        "$.a.length": 2,
        "$.a[0]": 1,
        "$.a[1].b": None,
    }


def test_what_varies_is_ignored_and_all_else_is_reported() -> None:
    varying = asked(({"id": 1, "n": 1}, {"id": 2, "n": 1}, {"id": "x", "n": 1}))
    assert ignore_what_varies(varying) == set()
    assert ignore_what_varies(asked(({"n": 1}, {"n": 1}, {"n": "1"}))) == {("GET /things", "$.n")}


def test_the_thresholds_report_another_class_of_difference_at_a_place_that_varies() -> None:
    same = asked(({"id": 1}, {"id": 2}, {"id": 3}))
    assert diffy_thresholds(same) == set()
    assert diffy_thresholds(asked(({"id": 1}, {"id": 2}, {"id": "3"}))) == {("GET /things", "$.id")}


def test_a_template_stands_for_one_value() -> None:
    faithful = asked(({"id": "a"}, {"id": "b"}, {"id": "c"}), ({"id": "a"}, {"id": "b"}, {"id": "c"}))
    assert exact_templates(faithful) == set()
    other = asked(({"id": "a"}, {"id": "b"}, {"id": "c"}), ({"id": "a"}, {"id": "b"}, {"id": "d"}))
    assert exact_templates(other) == {("GET /things", "$.id")}


def test_the_thresholds_ask_for_more_than_a_little_more_than_the_noise() -> None:
    noisy = ({"n": 1}, {"n": 2}, {"n": 3})
    still = ({"n": 1}, {"n": 1}, {"n": 3})
    assert diffy_thresholds(asked(*[noisy] * 10, still)) == set()  # 11 against 10
    assert diffy_thresholds(asked(*[noisy] * 2, *[still] * 2)) == {("GET /things", "$.n")}  # 4 against 2
