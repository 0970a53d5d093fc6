"""Cutting requests into slots and putting values back: nothing between the slots may move."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.exchange import Body, BodyState, Headers, RecordedRequest
from replayer.spans import json_slots, slots, substitute

JSON: Headers = (("Content-Type", "application/json"),)


def request(target: str = "/", headers: Headers = (), body: bytes = b"", method: str = "POST") -> RecordedRequest:
    return RecordedRequest(method, target, headers, Body.of(body))


def places(of: RecordedRequest, route: str = "") -> dict[str, str]:
    return {slot.location: slot.text for slot in slots(of, route)}


def replaced(of: RecordedRequest, new: dict[str, str], route: str = "") -> RecordedRequest:
    return substitute(of, {slot: new[slot.location] for slot in slots(of, route) if slot.location in new})


def test_only_the_variable_segments_of_a_template_are_slots() -> None:
    one = request("/api/orders/17/lines/3?sort=id")
    assert places(one, "/api/orders/<int:order_id>/lines/<int:line_id>") == {
        "path[2]": "17",
        "path[4]": "3",
        "query.sort": "id",
    }


def test_a_placeholder_within_a_segment_is_cut_from_it() -> None:
    one = request("/invoices/INV-17.pdf")
    assert places(one, "/invoices/INV-<int:number>.pdf") == {"path[1]": "17"}
    assert replaced(one, {"path[1]": "58"}, "/invoices/INV-<int:number>.pdf").target == "/invoices/INV-58.pdf"


def test_a_path_converter_takes_all_that_follows() -> None:
    assert places(request("/files/a/b%20c"), "/files/<path:name>") == {"path[1]": "a", "path[2]": "b c"}


@pytest.mark.parametrize(
    ("target", "new", "expected"),
    [
        ("/o/17?x=17&y=%7e", {"path[1]": "58"}, "/o/58?x=17&y=%7e"),
        ("/o/17?x=17&y=%7e", {"query.x": "58"}, "/o/17?x=58&y=%7e"),
        ("/o/a%2fb", {"path[1]": "c/d"}, "/o/c%2Fd"),
        ("/o//17", {"path[1]": "58"}, "/o//58"),
        ("/o?q=a+b", {"query.q": "c d+e"}, "/o?q=c+d%2Be"),
        ("http://h:1/o/17", {"path[1]": "58"}, "http://h:1/o/58"),
        ("/o/17?empty=&flag", {"path[1]": "58"}, "/o/58?empty=&flag"),
    ],
)
def test_the_target_changes_only_where_it_is_told(target: str, new: dict[str, str], expected: str) -> None:
    assert replaced(request(target), new, "/o/<id>").target == expected


def test_cookies_and_credentials_are_replaced_in_place() -> None:
    one = request(headers=(("Cookie", 'a=1; sid="abc";  b=2'), ("authorization", "Bearer t0"), ("Host", "h")))
    two = replaced(one, {"cookie.sid": "xyz", "header.authorization": "Bearer t1"})
    assert two.headers == (("Cookie", 'a=1; sid="xyz";  b=2'), ("authorization", "Bearer t1"), ("Host", "h"))


def test_json_keeps_its_spelling_around_a_new_value() -> None:
    body = b'{ "id":17,\n "tags" : ["a", "17"], "n": 1.50, "deep": {"id": "x\\u00e9"}, "ok":true }'
    one = request(headers=JSON, body=body)
    assert places(one) == {"$.id": "17", "$.tags[0]": "a", "$.tags[1]": "17", "$.deep.id": "xé"}
    two = replaced(one, {"$.id": "58", "$.tags[1]": 'q"', "$.deep.id": "é"})
    assert two.body.data == (b'{ "id":58,\n "tags" : ["a", "q\\""], "n": 1.50, "deep": {"id": "\\u00e9"}, "ok":true }')


def test_a_number_that_became_text_is_quoted() -> None:
    one = request(headers=JSON, body=b'{"id": 17}')
    assert replaced(one, {"$.id": "b7c1"}).body.data == b'{"id": "b7c1"}'


def test_forms_and_multipart_fields() -> None:
    form = request(headers=(("Content-Type", "application/x-www-form-urlencoded"),), body=b"a=1&csrf=t%2B0&b=")
    assert replaced(form, {"form.csrf": "n+w"}).body.data == b"a=1&csrf=n%2Bw&b="
    parts = (
        b'--B\r\nContent-Disposition: form-data; name="order_id"\r\n\r\n17\r\n'
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\n\r\n\xff\x0017\r\n--B--\r\n'
    )
    multipart = request(headers=(("Content-Type", "multipart/form-data; boundary=B"),), body=parts)
    assert places(multipart) == {"form.order_id": "17"}
    assert replaced(multipart, {"form.order_id": "58"}).body.data == parts.replace(
        b"\r\n17\r\n--B\r\n", b"\r\n58\r\n--B\r\n"
    )


def test_a_gzipped_body_is_opened_and_closed_again() -> None:
    one = request(headers=(*JSON, ("Content-Encoding", "gzip")), body=gzip.compress(b'{"id": 17}'))
    assert gzip.decompress(replaced(one, {"$.id": "58"}).body.data) == b'{"id": 58}'


@pytest.mark.parametrize("body", [b"{", b'{"a": }', b'{"a" 1}', b"[1,,2]", b'{"a":"\\q"}', b"\xff\xfe", b"{1:2}"])
def test_what_is_no_json_gives_no_error(body: bytes) -> None:
    one = request(headers=JSON, body=body)
    assert substitute(one, {}) is one
    list(slots(one, ""))


def test_an_incomplete_body_is_left_alone() -> None:
    cut = RecordedRequest("POST", "/", JSON, Body(b'{"id": 17', 40, BodyState.TRUNCATED))
    assert slots(cut, "") == ()


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=6), v, max_size=4))


@given(values, st.booleans())
def test_every_json_leaf_that_can_be_replaced_is_found_where_it_stands(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    found = list(json_slots(text))
    for slot in found:
        token = json.loads(text[slot.start : slot.end])
        assert slot.text == str(token)
    assert len(found) == sum(1 for leaf in flat(value) if _replaceable(leaf))


@given(values)
def test_replacing_by_the_same_changes_the_meaning_of_nothing(value: object) -> None:
    one = request(headers=JSON, body=json.dumps({"v": value}).encode())
    same = substitute(one, {slot: slot.text for slot in slots(one, "")})
    assert json.loads(same.body.data) == json.loads(one.body.data)


def flat(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for child in value.values() for leaf in flat(child)]
    if isinstance(value, list):
        return [leaf for child in value for leaf in flat(child)]
    return [value]


def _replaceable(leaf: object) -> bool:
    return (isinstance(leaf, str) and leaf != "") or (isinstance(leaf, int) and not isinstance(leaf, bool))
