"""The plain comparison: silent on what is the same, never silent on what is not, never an exception."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from diffing.compare import MAX_DIFFERENCES, compare
from diffing.difference import Difference, DifferenceKind, Location, Part
from diffing.walk import TOO_LARGE
from recorder.exchange import Body, Headers, RecordedResponse

JSON = "application/json"


def reply(data: bytes, media: str = JSON, *headers: tuple[str, str], status: int = 200) -> RecordedResponse:
    return RecordedResponse(status, "OK", (("Content-Type", media), *headers), Body.of(data))


def of(value: Any) -> RecordedResponse:
    return reply(json.dumps(value).encode())


def told(a: RecordedResponse, b: RecordedResponse) -> list[tuple[str, str, str]]:
    return [(d.location.path, d.kind.value, d.transition) for d in compare(a, b)]


leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
values = st.recursive(
    leaf,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=25,
)
names = st.sampled_from(
    ["X-A", "Set-Cookie", "Vary", "Location", "ETag", "Cache-Control", "Link", "Age", "Content-Encoding"]
)
headers = st.lists(st.tuples(names, st.text(st.characters(max_codepoint=255), max_size=30)), max_size=6).map(tuple)
media = st.sampled_from(
    [
        JSON,
        "text/html",
        "text/plain",
        "text/csv",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "image/png",
        "",
        "text/html; charset=nope",
    ]
)


@given(values, headers)
@settings(deadline=None)
def test_a_response_equals_itself(value: Any, fields: Headers) -> None:
    one = reply(json.dumps(value).encode(), JSON, *fields)
    other = reply(json.dumps(value, indent=2).encode(), JSON, *fields)
    assert compare(one, one) == []
    if not any(name == "Content-Encoding" for name, _ in fields):
        assert compare(one, other) == []


@given(st.binary(max_size=200), st.binary(max_size=200), media, media, headers, headers)
@settings(max_examples=400, deadline=None)
def test_nothing_raises(a: bytes, b: bytes, media_a: str, media_b: str, fields_a: Headers, fields_b: Headers) -> None:
    found = compare(reply(a, media_a, *fields_a), reply(b, media_b, *fields_b))
    json.dumps([(d.baseline, d.candidate, d.detail) for d in found], allow_nan=False).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a value."""
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        node = stack.pop()
        entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in entries:
            found.append((node, key))
            stack.append(child)
    return found


def _mutate(value: Any, chance: random.Random) -> Any:
    """A copy with one change that a client can see."""
    root = [json.loads(json.dumps(value))]
    container, key = chance.choice(_places(root))
    old = container[key]
    how = chance.choice(["drop", "null", "type", "value", "append", "case"])
    if how == "drop" and container is not root:
        del container[key]
    elif how == "null" and old is not None:
        container[key] = None
    elif how == "append" and isinstance(old, list):
        old.append(chance.choice([0, None, "", {}, []]))
    elif (
        how == "case" and isinstance(container, dict) and str(key).swapcase() != key and key.swapcase() not in container
    ):
        container[key.swapcase()] = container.pop(key)
    elif how == "type" and isinstance(old, bool):
        container[key] = int(old)
    elif how == "type" and isinstance(old, int):
        container[key] = chance.choice([str(old), bool(old)])
    else:
        container[key] = {"was": repr(old)}
    return root[0]


@given(values, st.integers(min_value=0))
@settings(max_examples=400, deadline=None)
def test_a_change_is_never_missed(value: Any, seed: int) -> None:
    changed = _mutate(value, random.Random(seed))
    assert compare(of(value), of(changed)) != []


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (b'{"a": 1}', b'{"a": 1.0}', [("$.a", "type", "int -> float")]),
        (b'{"a": 1}', b'{"a": true}', [("$.a", "type", "int -> bool")]),
        (b'{"a": 1}', b'{"a": "1"}', [("$.a", "type", "int -> str")]),
        (b'{"a": 1}', b'{"a": null}', [("$.a", "null", "int -> null")]),
        (b'{"a": 1}', b'{"a": 2}', [("$.a", "value", "int -> other int")]),
        (b'{"a": true}', b'{"a": false}', [("$.a", "value", "true -> false")]),
        (b'{"a": [1, 2]}', b'{"a": [2, 1]}', [("$.a", "order", "order -> other order")]),
        (b"[1, 2, 3]", b"[1, 3]", [("$", "length", "array -> shorter array")]),
        (b'["a", "b"]', b'["a", "b", "c"]', [("$[2]", "extra", "missing -> present")]),
        (b'[{"id": 1}, {"id": 2}]', b'[{"id": 0}, {"id": 1}, {"id": 2}]', [("$[0]", "extra", "missing -> present")]),
        (b"18446744073709551617", b"18446744073709551618", [("$", "value", "int -> other int")]),
        (
            b'{"a": 1, "a": 2}',
            b'{"a": 2}',
            [("$", "media", "repeated key -> sound"), ("$['a (repeated)']", "missing", "present -> missing")],
        ),
        (b"[1.5]", b"[NaN]", [("$", "media", "sound -> NaN"), ("$[0]", "type", "float -> nan")]),
        (b'"\\ud800"', b'"\\ud801"', [("$", "value", "str -> other str")]),
        (b'{"we.ird": 1}', b'{"we.ird": 2}', [("$['we.ird']", "value", "int -> other int")]),
        (
            b'{"at": "2024-01-01T00:00:00Z"}',
            b'{"at": "1704067200"}',
            [("$.at", "format", "time 0000-00-00T00:00:00Z -> number")],
        ),
        (b'{"a": 1}', b"<h1>no</h1>", [("$", "media", "json -> html")]),
        (b'{"a": 1}', b"", [("$", "missing", "present -> missing")]),
    ],
)
def test_json_is_compared_type_by_type(a: bytes, b: bytes, expected: list[tuple[str, str, str]]) -> None:
    assert told(reply(a), reply(b)) == expected


def test_a_repeated_value_under_repeated_keys_is_not_lost() -> None:
    assert told(reply(b'{"a": 1, "b": "x", "a": 1}'), reply(b'{"a": 1, "b": "x"}')) != []


@pytest.mark.parametrize(
    "code",
    [
        gzip.compress,
        lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:]),
        zlib.compress,
        lambda data: zlib.compress(data)[2:-4],
        brotli.compress,
        zstandard.compress,
    ],
    ids=["gzip", "gzip in two members", "deflate", "raw deflate", "br", "zstd"],
)
def test_a_coding_is_undone_before_comparing(code: Any, request: pytest.FixtureRequest) -> None:
    coding = request.node.callspec.id.replace("raw ", "").replace(" in two members", "")
    packed = reply(code(b'{"price": 10}'), JSON, ("Content-Encoding", coding))
    assert told(packed, reply(b'{"price": 10}')) == []
    assert told(packed, reply(b'{"price": 11}')) == [("$.price", "value", "int -> other int")]


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [
        ("gzip", gzip.compress(b"0" * 200_000_000, 9)),
        ("br", brotli.compress(b"0" * 200_000_000, quality=1)),
        ("zstd", zstandard.compress(b"0" * 200_000_000)),
    ],
)
def test_a_bomb_is_not_unpacked(coding: str, bomb: bytes) -> None:
    found = compare(reply(b'{"price": 10}'), reply(bomb, JSON, ("Content-Encoding", coding)))
    assert [(d.location, d.kind) for d in found] == [(Location(Part.BODY, "$"), DifferenceKind.MEDIA)]
    assert "more than 16777216 bytes" in found[0].detail


NASTY = {
    "a long array of numbers": (json.dumps(list(range(150_000))), json.dumps(list(range(1, 150_001)))),
    "an array shuffled": (
        json.dumps(list(range(150_000))),
        json.dumps(random.Random(1).sample(range(150_000), 150_000)),
    ),
    "rows all different": (
        json.dumps([{"id": i, "a": i, "b": str(i)} for i in range(20_000)]),
        json.dumps([{"id": i, "a": i + 1, "b": str(i)} for i in range(20_000)]),
    ),
    "rows with other identities": (
        json.dumps([{"id": i, "a": i} for i in range(40_000)]),
        json.dumps([{"id": -1 - i, "a": -i} for i in range(40_000)]),
    ),
    "rows without identity, one inserted and all changed": (
        json.dumps([{"a": i, "b": [i]} for i in range(30_000)]),
        json.dumps([{"a": -1, "b": []}, *({"a": i, "b": [i, i]} for i in range(30_000))]),
    ),
    "two strings of one megabyte": (json.dumps("a" * 1_000_000), json.dumps("a" * 999_999 + "b")),
    "an object of many keys": (
        json.dumps({f"k{i}": i for i in range(60_000)}),
        json.dumps({f"k{i}": i + 1 for i in range(60_000)}),
    ),
    "10,000 levels": ("[" * 10_000 + "]" * 10_000, "[" * 10_001 + "]" * 10_001),
    "500 levels": ("[" * 500 + "1" + "]" * 500, "[" * 500 + "2" + "]" * 500),
    "900 levels of objects": ('{"a":' * 900 + "1" + "}" * 900, '{"a":' * 900 + "2" + "}" * 900),
    "an integer of 100,000 digits": ("1" * 100_000, "1" * 99_999 + "2"),
}


@pytest.mark.parametrize(("a", "b"), NASTY.values(), ids=NASTY.keys())
def test_large_and_deep_bodies_are_told_apart_in_bounds(a: str, b: str) -> None:
    one, other = reply(a.encode()), reply(b.encode())
    found = compare(one, other)
    assert 1 <= len(found) <= MAX_DIFFERENCES
    assert len(json.dumps([(d.baseline, d.candidate) for d in found])) < 1_000_000


def test_what_is_too_deep_is_told_at_the_deepest_place() -> None:
    found = compare(reply(b"[" * 500 + b"1" + b"]" * 500), reply(b"[" * 500 + b"2" + b"]" * 500))
    assert [(d.location.path, d.kind, d.detail) for d in found] == [("$" + "[0]" * 64, DifferenceKind.VALUE, TOO_LARGE)]


HEADERS = [
    (("Vary", "Accept, Cookie"), ("Vary", "cookie,accept"), []),
    (("Vary", "Accept, Cookie"), ("Vary", "Accept"), [("vary.cookie", "missing", "present -> missing")]),
    (
        ("Cache-Control", "private, max-age=60"),
        ("Cache-Control", "max-age=600, private"),
        [("cache-control.max-age", "value", "str -> other str")],
    ),
    (("Date", "Mon, 01 Jan 2024 00:00:00 GMT"), ("Date", "Tue, 02 Jan 2024 00:00:00 GMT"), []),
    (("Server-Timing", "db;dur=5"), ("Server-Timing", "db;dur=9"), []),
    (("Understudy-Sql", "count=5"), ("X-A", "1"), [("x-a", "extra", "missing -> present")]),
    (
        ("Set-Cookie", "sid=1; Path=/; Secure"),
        ("Set-Cookie", "sid=2; Path=/"),
        [
            ("set-cookie[sid].value", "value", "str -> other str"),
            ("set-cookie[sid].secure", "missing", "present -> missing"),
        ],
    ),
    (
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=1"),
        [("set-cookie[a]", "missing", "present -> missing"), ("set-cookie[b]", "extra", "missing -> present")],
    ),
    (("Content-Type", "application/json; charset=utf-8"), ("content-type", "application/json"), []),
    (("X-A", "1"), ("x-a", "1"), []),
]


@pytest.mark.parametrize(("a", "b", "expected"), HEADERS)
def test_headers_are_compared_by_what_they_say(
    a: tuple[str, str], b: tuple[str, str], expected: list[tuple[str, str, str]]
) -> None:
    one = RecordedResponse(200, "OK", (a,), Body.of(b"{}"))
    other = RecordedResponse(200, "OK", (b,), Body.of(b"{}"))
    assert told(one, other) == expected


def test_a_repeated_header_keeps_its_multiplicity() -> None:
    once, twice = reply(b"", JSON, ("Link", "</a>")), reply(b"", JSON, ("Link", "</a>"), ("Link", "</b>"))
    assert told(once, twice) == [("link[1]", "extra", "missing -> present")]


def test_a_status_is_a_difference_of_its_own() -> None:
    assert compare(reply(b"{}"), reply(b"{}", status=500)) == [
        Difference(Location(Part.STATUS), DifferenceKind.STATUS, 200, 500, "200 -> 500")
    ]


@pytest.mark.parametrize(
    ("kind", "a", "b", "expected"),
    [
        (
            "text/csv",
            b"id,price\n1,10\n2,20\n",
            b"id,price\n1,10\n2,21\n",
            [("$[1].price", "value", "str -> other str")],
        ),
        ("text/csv", b"id,price\n1,10\n", b"id\n1\n", [("$[0].price", "missing", "present -> missing")]),
        ("text/csv", b"id,price\n", b"id\n", [("$[*].price", "missing", "present -> missing")]),
        ("text/csv", b"id,price\n1,10\n", b"price,id\n10,1\n", [("$", "order", "order -> other order")]),
        ("application/x-ndjson", b'{"id":1}\n{"id":2}\n', b'{"id":1}\n', [("$[1]", "missing", "present -> missing")]),
        ("application/x-www-form-urlencoded", b"a=1&b=2", b"a=1&b=3", [("$.b", "value", "str -> other str")]),
        ("text/plain", b"one\ntwo\n", b"one\ntoo\n", [("$text[1]", "value", "str -> other str")]),
        ("text/plain", b"one\r\ntwo", b"one\ntwo", [("$text[0]", "value", "str -> other str")]),
        ("image/png", b"\x89PNG1", b"\x89PNG2", [("$.digest", "value", "str -> other str")]),
        (
            "text/html",
            b"<title>A</title><p>Hello <b>you</b></p><a href='/x'>x</a>",
            b"<title>B</title><p>Hello\n<b>you</b></p><a href='/y'>x</a>",
            [("$html.title", "value", "str -> other str"), ("$html.link[0]", "value", "str -> other str")],
        ),
        (
            "text/html",
            b"<input name=csrf value=1>",
            b"<input name=csrf>",
            [("$html.input.csrf", "value", "str -> other str")],
        ),
    ],
)
def test_every_kind_of_content_is_compared_by_its_parts(
    kind: str, a: bytes, b: bytes, expected: list[tuple[str, str, str]]
) -> None:
    assert told(reply(a, kind), reply(b, kind)) == expected


def test_another_content_type_for_the_same_json_is_told_once() -> None:
    assert told(reply(b'{"a": 1}'), reply(b'{"a": 1}', "text/plain")) == [
        ("content-type", "media", "application/json -> text/plain")
    ]


def test_keys_and_columns_and_fields_that_repeat_stay_apart_in_linear_time() -> None:
    """Twenty thousand of them: what looks each one up among all before it takes minutes."""
    many = 20_000
    keys = b"{" + b",".join(b'"k":%d' % number for number in range(many)) + b"}"
    assert [d.location.path for d in compare(reply(keys, JSON), reply(keys.replace(b":7,", b":8,", 1), JSON))] == [
        "$['k (repeated 8)']"
    ]
    columns = b"a," * many + b"\n" + b"1," * many
    found = compare(reply(columns, "text/csv"), reply(columns[:-2] + b"2,", "text/csv"))
    assert [d.location.path for d in found] == [f"$[0]['a {many}']"]
    form = b"a=1&" * many
    found = compare(
        reply(form, "application/x-www-form-urlencoded"), reply(form + b"a=2", "application/x-www-form-urlencoded")
    )
    assert len(found) == 1


def test_of_a_time_that_answering_took_presence_counts_and_not_the_figure() -> None:
    def took(*values: str) -> RecordedResponse:
        return reply(b"{}", JSON, *(("X-Response-Time", value) for value in values))

    assert compare(took("3ms"), took("4ms")) == []
    assert [d.kind.value for d in compare(took("3ms"), took(" "))] == ["value"]
    assert [d.kind.value for d in compare(took("3ms"), took())] == ["missing"]
