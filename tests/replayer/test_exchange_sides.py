"""One exchange side by side: marked is what the comparison found, and nothing else."""

from __future__ import annotations

import json

from diffing.difference import Part
from recorder.exchange import (
    Body,
    CallOutcome,
    Headers,
    Observed,
    OutboundCall,
    RecordedRequest,
    RecordedResponse,
    SqlStatement,
)
from replayer.reports.exchange_sides import MAX_LINES, Place, Section, places_of, sections, text_of
from replayer.reports.sides import ALIKE, Row
from replayer.store import StoredAnswer

from .test_report import COLOUR, PRICES

PRICE = Place(Part.BODY, "$.items[*].price", "type")


def answer(value: object, status: int = 200, headers: Headers = (), observed: Observed | None = None) -> StoredAnswer:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    response = RecordedResponse(status, "OK", headers, Body.of(data))
    return StoredAnswer("x", response, started=1.0, ended=1.0125, observed=observed)


def body(before: object, after: object, *places: Place, whole: bool = True) -> list[Row]:
    return list(sections(answer(before), answer(after), places, whole)[0].rows)


def marks(rows: list[Row]) -> list[str]:
    return [f"{row.mark} {(row.baseline or row.candidate).strip()}" for row in rows if row.mark != " "]


def test_what_was_renamed_is_not_marked_as_different() -> None:
    before = {"items": [{"id": 7, "price": 3, "name": "a"}, {"id": 8, "price": 4, "name": "b"}], "total": 2}
    after = {"items": [{"id": 91, "price": "3", "name": "a"}, {"id": 92, "price": "4", "name": "b"}], "total": 2}
    rows = body(before, after, PRICE)
    assert marks(rows) == [f'{ALIKE} "id": 7,', '~ "price": 3,', f'{ALIKE} "id": 8,', '~ "price": 4,']
    assert Row("~", '      "price": 3,', '      "price": "3",') in rows
    folded = body(before, after, PRICE, whole=False)
    assert folded[0] == Row("…", *["1 equal line"] * 2)
    assert body(before, after, whole=False) == [Row("…", *["15 lines, 4 taken for equal"] * 2)]


def test_a_row_that_is_missing_is_marked_and_what_the_others_have_of_it_is_not() -> None:
    before = {"items": [{"name": name, "id": number} for number, name in enumerate("abc")]}
    after = {"items": [{"name": name, "id": number + 90} for number, name in enumerate("abc") if name != "b"]}
    found = marks(body(before, after, Place(Part.BODY, "$.items[*]", "missing")))
    assert [each for each in found if each[0] == "-"] == ["- },", "- {", '- "name": "b",', '- "id": 1']
    assert [each for each in found if "id" in each] == [f'{ALIKE} "id": 0', '- "id": 1', f'{ALIKE} "id": 2']


def test_a_comma_that_something_follows_is_no_difference() -> None:
    found = marks(body({"a": 1}, {"a": 1, "b": 2}, Place(Part.BODY, "$.b", "extra")))
    assert found == ['+ "b": 2']


def test_what_was_not_held_together_is_marked_as_it_is() -> None:
    assert marks(body(b"one\ntwo", b"one\nthree")) == ["~ two"]
    other = sections(answer({"a": 1}), answer({"a": 2}, status=500), [Place(Part.STATUS, "", "status")], True)
    assert marks(list(other[0].rows)) == ['~ "a": 1']
    assert marks(list(other[1].rows)) == ["~ 200 OK"]
    assert other[1].differs
    gone = sections(None, StoredAnswer("x", None, "timed \x1b out"), [], True)
    assert gone == [Section(Part.BODY, (Row("~", "(not kept)", "(no response: timed \\x1b out)"),), False)]


def test_header_fields_are_marked_by_their_names() -> None:
    before, after = (("Date", "a"), ("X-Limit", "9")), (("Date", "b"), ("x-limit", "8"))
    place = Place(Part.HEADER, "x-limit", "value")
    rows = sections(answer({}, headers=before), answer({}, headers=after), [place], True)[1].rows
    assert marks(list(rows)) == [f"{ALIKE} Date: a", "~ X-Limit: 9"]


def test_statements_calls_and_time_are_shown() -> None:
    request = RecordedRequest("POST", "http://pay.example/charges", (), Body.of(b'{"amount": 1}'))
    other = RecordedRequest("POST", "http://pay.example/charges", (), Body.of(b'{"amount": 100}'))
    refused = RecordedResponse(402, "", (), Body.of(b""))
    before, after = (
        Observed(
            sql=(SqlStatement("f", "SELECT …", count, 3),),
            outbound=(OutboundCall(sent, refused, 0.0, 0.0, CallOutcome.PLAYED),),
        )
        for count, sent in ((1, request), (7, other))
    )
    found = {each.part: each for each in sections(answer({}, observed=before), answer({}, observed=after), [], True)}
    assert found[Part.SQL].rows == (Row("~", "1 × SELECT … (3 rows)", "7 × SELECT … (3 rows)"),)
    assert found[Part.OUTBOUND].rows[0] == Row(" ", *["POST http://pay.example/charges: 402, played"] * 2)
    assert Row("~", '      "amount": 1', '      "amount": 100') in found[Part.OUTBOUND].rows
    assert found[Part.LATENCY].rows == (Row(ALIKE, "12.5 ms", "12.5 ms"),)


def test_places_are_those_of_the_route() -> None:
    found = places_of([PRICES, COLOUR], "GET", "/api/products")
    assert found == (Place(Part.BODY, "$.colour", "extra"),)
    assert places_of([PRICES, COLOUR], "GET", "/api/cart") == (PRICE,)


def test_bodies_that_are_too_deep_or_no_json_are_shown_as_they_are() -> None:
    deep = b"[" * 100_000
    assert text_of(deep) == deep.decode()
    assert text_of(b'{"a": [1, {}]}') == '{\n  "a": [\n    1,\n    {}\n  ]\n}'
    assert text_of(b"{no") == "{no"
    assert text_of(b"\xff\xfe") == "(2 bytes that are no text)"


def test_the_worst_bodies_take_no_seconds() -> None:
    """All lines of one kind on both sides: held against each other one by one, they take longer than a test may."""
    before = {"items": [{"id": number, "ok": True} for number in range(50_000)]}
    after = {"items": [{"id": number + 10_000, "ok": True} for number in range(49_999)]}
    rows = body(before, after, PRICE)
    assert rows[-1].baseline.endswith("more lines")
    assert len(rows) <= 2 * MAX_LINES
