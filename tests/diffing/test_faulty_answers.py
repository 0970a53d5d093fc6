"""One fault in one answer: at the place that it names, and nowhere else."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from diffing.bindings import Renaming
from diffing.difference import Part
from diffing.faulty_answers import Fault, Names, with_fault
from diffing.knowledge import Scope
from diffing.mutations import Mutation
from diffing.profile import NoiseProfile, Place
from recorder.exchange import Body, Headers, RecordedResponse

PREFIX = "GET /orders|2xx|"
PROFILE = NoiseProfile(
    places={
        f"{PREFIX}$.items[*].id": Place(sort="order"),
        f"{PREFIX}$.latest": Place(sort="order"),
        f"{PREFIX}$.self~url[orders:1]": Place(sort="order"),
    },
    maps=frozenset([f"{PREFIX}$.by_day"]),
)
SCOPE = Scope(PREFIX, PROFILE, Renaming())
NAMES = Names({"order": (7, 8, 9, 10)}, {f"{PREFIX}$.items[*].status": "unforeseen"})
JSON = ("Content-Type", "application/json")
ORDERS: dict[str, Any] = {
    "items": [{"id": 7, "status": "open", "total": 2.5}, {"id": 8, "status": "paid", "total": 4.0}],
    "latest": 8,
    "self": "/orders/8",
    "by_day": {"2026-01-01": 1, "2026-01-02": 2},
    "next": None,
}


def answer(value: object, *headers: tuple[str, str], status: int = 200) -> RecordedResponse:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return RecordedResponse(status, "OK", headers or (JSON,), Body.of(data))


def planted(mutation: Mutation, shape: str, variant: int = 0, everywhere: bool = False) -> Any:
    made = with_fault(answer(ORDERS), Fault(mutation, Part.BODY, shape, variant), SCOPE, NAMES, everywhere)
    return None if made is None else json.loads(made.body.data)


def other(**changes: object) -> dict[str, Any]:
    return {**ORDERS, **changes}


def test_one_row_has_the_fault_or_all_have() -> None:
    first, second = ORDERS["items"]
    assert planted(Mutation.SCALE, "$.items[*].total") == other(items=[{**first, "total": 250.0}, second])
    assert planted(Mutation.SCALE, "$.items[*].total", 1) == other(items=[first, {**second, "total": 40.0}])
    everywhere = [{**first, "total": 250.0}, {**second, "total": 400.0}]
    assert planted(Mutation.SCALE, "$.items[*].total", everywhere=True) == other(items=everywhere)


def test_a_key_is_dropped() -> None:
    assert planted(Mutation.DROP, "$.latest") == {key: value for key, value in ORDERS.items() if key != "latest"}
    assert planted(Mutation.DROP, "$.by_day.*", 1) == other(by_day={"2026-01-01": 1})


def test_a_row_is_dropped_and_the_body_replaced() -> None:
    assert planted(Mutation.DROP_ELEMENT, "$.items") == other(items=ORDERS["items"][1:])
    assert planted(Mutation.TYPE, "$") == [ORDERS]


def test_a_word_of_a_closed_set_is_replaced_by_one_never_seen() -> None:
    first, second = ORDERS["items"]
    assert planted(Mutation.UNSEEN, "$.items[*].status", 1) == other(items=[first, {**second, "status": "unforeseen"}])
    assert planted(Mutation.UNSEEN, "$.self") is None


def test_an_identifier_becomes_that_of_another_object() -> None:
    assert planted(Mutation.OTHER_ID, "$.latest") == other(latest=7)
    assert planted(Mutation.OTHER_ID, "$.latest", 1) == other(latest=9)
    assert planted(Mutation.OTHER_ID, "$.self", 2) == other(self="/orders/10")
    assert planted(Mutation.OTHER_ID, "$.next") is None


def test_two_identifiers_of_one_answer_are_swapped() -> None:
    first, second = ORDERS["items"]
    swapped = other(items=[{**first, "id": 8}, {**second, "id": 7}])
    assert planted(Mutation.SWAP, "$.items[*].id") == swapped
    assert planted(Mutation.SWAP, "$.items[*].total") is None


def test_what_is_not_there_can_not_be_wrong() -> None:
    assert planted(Mutation.NULL, "$.nothing") is None
    assert planted(Mutation.FLIP, "$.latest") is None


@pytest.mark.parametrize(
    ("status", "variant", "wrong"), [(200, 0, 500), (200, 1, 404), (201, 0, 200), (404, 1, 200), (500, 0, 200)]
)
def test_the_status_is_another_one(status: int, variant: int, wrong: int) -> None:
    made = with_fault(answer({}, status=status), Fault(Mutation.STATUS, Part.STATUS, "", variant), SCOPE, NAMES)
    assert made is not None
    assert (made.status, made.body) == (wrong, answer({}).body)


def test_a_page_stands_where_json_was() -> None:
    page = with_fault(answer({}), Fault(Mutation.HTML, Part.BODY, "$", 0), SCOPE, NAMES)
    assert page is not None
    assert page.headers == (("Content-Type", "text/html; charset=utf-8"),)
    assert page.body.data.startswith(b"<!doctype html>")
    lying = with_fault(answer({}), Fault(Mutation.HTML, Part.BODY, "$", 1), SCOPE, NAMES)
    assert lying is not None
    assert (lying.headers, lying.body) == ((JSON,), page.body)
    assert with_fault(answer(b"a", ("Content-Type", "text/plain")), Fault(Mutation.HTML, Part.BODY, "$", 0), SCOPE,
                      NAMES) is None  # fmt: skip


def test_the_body_is_empty() -> None:
    made = with_fault(answer(ORDERS), Fault(Mutation.EMPTY_BODY, Part.BODY, "$", 0), SCOPE, NAMES)
    assert made is not None
    assert made.body == Body()
    assert with_fault(answer(b""), Fault(Mutation.EMPTY_BODY, Part.BODY, "$", 0), SCOPE, NAMES) is None


def test_a_coded_body_is_decoded_first() -> None:
    coded = answer(gzip.compress(b'{"total": 5}'), JSON, ("Content-Encoding", "gzip"))
    made = with_fault(coded, Fault(Mutation.STEP, Part.BODY, "$.total", 0), SCOPE, NAMES)
    assert made is not None
    assert (made.headers, made.body) == ((JSON,), Body.of(b'{"total":6}'))


def test_integers_beyond_64_bits_stay_what_they_are() -> None:
    made = with_fault(answer({"n": 2**80, "m": 1}), Fault(Mutation.STEP, Part.BODY, "$.m", 0), SCOPE, NAMES)
    assert made is not None
    assert json.loads(made.body.data) == {"n": 2**80, "m": 2}


@pytest.mark.parametrize(
    ("mutation", "variant", "text"),
    [
        (Mutation.TRUNCATE, 0, "first line\nseco"),
        (Mutation.DROP_ELEMENT, 1, "first line\nthird 17"),
        (Mutation.DUPLICATE, 0, "first line\nfirst line\nsecond line\nthird 17"),
        (Mutation.TEXT, 5, "first line\nsecond line\nthird 74"),
        (Mutation.REVERSE, 0, None),
    ],
)
def test_text_is_changed_by_lines_and_words(mutation: Mutation, variant: int, text: str | None) -> None:
    plain = answer(b"first line\nsecond line\nthird 17", ("Content-Type", "text/plain"))
    made = with_fault(plain, Fault(mutation, Part.BODY, "$text", variant), SCOPE, NAMES)
    assert (None if made is None else made.body.data.decode()) == text


def test_json_lines_are_changed_by_values() -> None:
    lines = answer(b'{"id": 1}\n{"id": 2}\n', ("Content-Type", "application/x-ndjson"))
    made = with_fault(lines, Fault(Mutation.STEP, Part.BODY, "$[*].id", 1), SCOPE, NAMES)
    assert made is not None
    assert made.body.data == b'{"id":1}\n{"id":3}\n'


HEADERS: Headers = (
    ("Content-Type", "application/json"),
    ("Set-Cookie", "sid=abc123; Path=/; HttpOnly; SameSite=Lax"),
    ("Set-Cookie", "theme=dark"),
    ("Cache-Control", "private, max-age=60"),
    ("X-Kind", "order"),
)


@pytest.mark.parametrize(
    ("mutation", "shape", "changes"),
    [
        (Mutation.HEADER, "header:content-type", {0: "text/plain"}),
        (Mutation.HEADER, "header:set-cookie[sid].value", {1: "sid=bcd234; Path=/; HttpOnly; SameSite=Lax"}),
        (Mutation.HEADER, "header:set-cookie[sid].httponly", {1: "sid=abc123; Path=/; SameSite=Lax"}),
        (Mutation.HEADER, "header:set-cookie[sid].samesite", {1: "sid=abc123; Path=/; HttpOnly"}),
        (Mutation.DROP_HEADER, "header:set-cookie[theme]", {2: None}),
        (Mutation.HEADER, "header:cache-control.max-age", {3: "private, max-age=70"}),
        (Mutation.HEADER, "header:cache-control.private", {3: "max-age=60"}),
        (Mutation.DROP_HEADER, "header:cache-control", {3: None}),
        (Mutation.HEADER, "header:x-kind", {4: "psefs"}),
        (Mutation.DROP_HEADER, "header:x-kind", {4: None}),
        (Mutation.DROP_HEADER, "header:x-other", None),
    ],
)
def test_a_header_field_is_wrong(mutation: Mutation, shape: str, changes: dict[int, str | None] | None) -> None:
    made = with_fault(answer({}, *HEADERS), Fault(mutation, Part.HEADER, shape, 0), SCOPE, NAMES)
    if changes is None:
        assert made is None
        return
    assert made is not None
    expected = [(name, changes.get(i, value)) for i, (name, value) in enumerate(HEADERS)]
    assert made.headers == tuple((name, value) for name, value in expected if value is not None)
