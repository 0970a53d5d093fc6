from __future__ import annotations

import json

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.selection.strata import MAX_STRATA, stratify

from .test_lives import surveyed


def got(number: int, answer: object, status: int = 200, **more: object) -> Exchange:
    request = RecordedRequest("GET", str(more.get("target", "/a")), ())
    response = RecordedResponse(status, "", (), Body.of(json.dumps(answer).encode()))
    principal = str(more.get("principal", ""))
    return Exchange(f"{number:032x}", request, response, 1000.0 + number, 1000.1 + number, "/a", principal=principal)


def counts(answers: list[object]) -> list[int]:
    found = stratify(surveyed([got(number, answer) for number, answer in enumerate(answers)]).survey)
    return sorted(stratum.count for stratum in found.strata)


def test_a_stratum_is_route_status_shapes_size_and_whether_somebody_was_known() -> None:
    exchanges = [
        got(0, {"a": 1}),
        got(1, {"a": 2}),
        got(2, {"a": 2}, 201),
        got(3, {"a": 2}, target="/a?page=1"),
        got(4, {"a": 2}, target="/a?page=2"),
        got(5, {"a": 2}, principal="P"),
        got(6, {"b": 2}),
        got(7, {"rows": [1] * 3}),
        got(8, {"rows": [1] * 5}),
        got(9, {"rows": [1] * 10}),
    ]
    found = stratify(surveyed(exchanges).survey)
    assert [found.members_of(number).tolist() for number in range(len(found.strata))] == [
        [0, 1], [2], [3, 4], [5], [6], [7, 8], [9],
    ]  # fmt: skip
    assert [(one.status, one.known, one.rows, one.variant) for one in found.strata] == [
        (200, False, "", 1),
        (201, False, "", 1),
        (200, False, "", 2),
        (200, True, "", 1),
        (200, False, "", 3),
        (200, False, "3-9", 1),
        (200, False, "10+", 1),
    ]
    assert found.strata[5].first == 1007.1


def test_an_object_with_ever_other_keys_is_a_map() -> None:
    words = [f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]
    maps: list[object] = [{"prices": {words[n]: {"net": 1}, words[n + 1]: {"net": 2}}} for n in range(0, 98, 2)]
    assert counts(maps) == [49]
    assert counts([*maps, {"prices": {"ak": {"net": None}}}]) == [1, 49]


def test_a_wide_object_is_none() -> None:
    wide = dict.fromkeys((f"field_{a}{b}" for a in "abcdef" for b in "klmnop"), 1)
    less = {key: value for key, value in wide.items() if key != "field_ak"}
    assert counts([wide, wide, less]) == [1, 2]


def test_many_fields_that_come_and_go_make_no_strata() -> None:
    def answer(number: int) -> dict[str, object]:
        return {letter: None if number >> place & 1 else 1 for place, letter in enumerate("abcdefgh")}

    assert len(counts([answer(number) for number in range(MAX_STRATA)])) == MAX_STRATA
    assert counts([answer(number) for number in range(MAX_STRATA + 1)]) == [MAX_STRATA + 1]
