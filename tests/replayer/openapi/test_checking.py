"""A description held against a recording."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.cli.main import main
from replayer.openapi.checking import Checked, check_openapi
from replayer.openapi.conformance import Surprise, surprises
from replayer.openapi.reading import read_openapi
from replayer.store import Store

ORDER = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "state": {"enum": ["new", "paid"]}, "note": {"type": ["string", "null"]}},
    "required": ["id"],
}
SHOP: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "https://shop.example/api"}],
    "paths": {
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {}}],
            "get": {
                "parameters": [{"name": "expand", "in": "query", "schema": {}}],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                    "4XX": {"description": "no"},
                },
            },
        },
        "/orders/latest": {"get": {"responses": {"default": {}}}},
        "/orders": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                "responses": {"201": {}},
            }
        },
    },
    "components": {"schemas": {"Order": ORDER}},
}


def exchange(
    target: str,
    value: object = None,
    status: int = 200,
    method: str = "GET",
    sent: object = None,
    media: str = "application/json",
) -> Exchange:
    headers = (("Content-Type", media),)
    request = RecordedRequest(method, target, headers, body(sent))
    identity = sha256(f"{method} {target} {status} {value}".encode()).hexdigest()[:32]
    return Exchange(identity, request, RecordedResponse(status, "", headers, body(value)), 1.0, 2.0)


def body(value: object) -> Body:
    return Body() if value is None else Body.of(json.dumps(value).encode())


def checked(folder: Path, *exchanges: Exchange, document: object = SHOP) -> Checked:
    path = folder / "api.json"
    path.write_text(json.dumps(document))
    return check_openapi(read_openapi(path), lambda: iter(exchanges))


def found(result: Checked) -> list[tuple[object, ...]]:
    return [(e.kind, e.method, e.route, e.status, e.place, e.said, count) for e, count, _ in result.found]


def test_what_agrees_is_silent(tmp_path: Path) -> None:
    result = checked(
        tmp_path,
        exchange("/api/orders/7?expand=1", {"id": 7, "state": "new", "note": None}),
        exchange("/api/orders/7", {"error": "x"}, status=404),
        exchange("/api/orders/7", method="HEAD"),
        exchange("/api/orders/latest", "anything", status=500),
        exchange("/api/orders", method="POST", sent={"id": 1}, status=201),
        exchange("/favicon.ico", status=404),
    )
    assert (result.found, result.exchanges, result.operations, result.unseen) == ((), 6, 3, ())


def test_what_is_not_described_is_named_where_it_is(tmp_path: Path) -> None:
    result = checked(
        tmp_path,
        exchange("/api/orders/7?page=2", {"id": "7", "colour": 1, "state": "lost"}),
        exchange("/api/orders/8", {"note": 5}, status=200),
        exchange("/api/orders/9", {}, status=503),
        exchange("/api/orders/9", {"id": 9}, media="text/csv"),
        exchange("/api/orders/9", method="DELETE", status=204),
        exchange("/api/users/1", {}),
        exchange("/api/orders", method="POST", sent={"id": 1, "gift": True}, status=201),
        exchange("/api/orders", method="POST", sent={"nonsense": True}, status=201 + 199),
    )
    order = ("GET", "/api/orders/{id}", 200)
    assert found(result) == [
        ("route", "DELETE", "/api/orders/{int}", 0, "", "", 1),
        ("route", "GET", "/api/users/{int}", 0, "", "", 1),
        ("status", "POST", "/api/orders", 400, "", "", 1),
        ("status", "GET", "/api/orders/{id}", 503, "", "", 1),
        ("media", *order, "", "text/csv", 1),
        ("type", *order, "response $.id", "string, described as integer", 1),
        ("type", *order, "response $.note", "integer, described as null or string", 1),
        ("missing", *order, "response $.id", "described as required", 1),
        ("field", "POST", "/api/orders", 0, "request $.gift", "boolean", 1),
        ("field", *order, "response $.colour", "integer", 1),
        ("enum", *order, "response $.state", "another value than the 2 that are described", 1),
        ("query", "GET", "/api/orders/{id}", 0, "query page", "", 1),
    ]
    assert result.unseen == (("GET", "/api/orders/latest"),)


def test_of_two_paths_that_fit_the_one_with_more_words_is_meant(tmp_path: Path) -> None:
    paths = {path: {"get": {"responses": {status: {}}}} for path, status in (("/i/{id}", 200), ("/i/{id}.csv", 201))}
    result = checked(
        tmp_path, exchange("/i/7.csv", status=201), exchange("/i/7"), document={**SHOP, "servers": [], "paths": paths}
    )
    assert result.found == ()


def test_swagger_2_is_checked_too(tmp_path: Path) -> None:
    document = {
        "swagger": "2.0",
        "paths": {
            "/a": {
                "post": {
                    "parameters": [
                        {"in": "body", "name": "body", "schema": {"properties": {"x": {"type": "integer"}}}}
                    ],
                    "responses": {"200": {"schema": {"type": "object", "properties": {"y": {"type": "string"}}}}},
                }
            }
        },
    }
    result = checked(tmp_path, exchange("/a", {"y": 1, "z": 1}, method="POST", sent={"x": "1"}), document=document)
    assert [(e.kind, e.place) for e, _, _ in result.found] == [
        ("type", "request $.x"),
        ("type", "response $.y"),
        ("field", "response $.z"),
    ]


def said(value: object, schema: object) -> list[Surprise]:
    return surprises(value, schema, lambda node: node)


def test_combined_schemas_are_read_in_the_kindest_way() -> None:
    named = {"type": "object", "properties": {"name": {"type": "string"}}}
    counted = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
    both = {"allOf": [named, counted]}
    assert said({"name": "a", "count": 1}, both) == []
    assert said({"name": "a", "count": 1, "x": 1}, both) == [Surprise("field", "$.x", "integer")]
    either = {"oneOf": [named, counted, {"type": "null"}]}
    for value in ({"name": "a"}, {"count": 1}, None):
        assert said(value, either) == []
    assert said({"count": "1"}, either) == [Surprise("field", "$.count", "string")]
    assert said(5, either)[0].kind == "type"
    assert said({"name": 1, "x": 2}, {**named, "anyOf": [{"properties": {"x": {"type": "integer"}}}, {}]}) == [
        Surprise("type", "$.name", "integer, described as string")
    ]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"a": 1}, {"type": "object"}),
        ({"a": 1}, {"properties": {"b": {}}, "additionalProperties": True}),
        ({"a": 1}, {"additionalProperties": {"type": "integer"}}),
        (None, {"type": "string", "nullable": True}),
        (None, {"type": "string", "enum": ["a"], "nullable": True}),
        (1.0, {"type": "integer"}),
        (1, {"type": "number"}),
        ([1, 2], {"type": "array"}),
        ({"a": 1}, True),
        ({"a": 1}, {}),
    ],
)
def test_what_is_open_lets_everything_pass(value: object, schema: object) -> None:
    assert said(value, schema) == []


def test_rows_and_maps_are_looked_into() -> None:
    rows = {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    assert said([{"n": 1}, {"n": "a"}, {"n": "b", "m": 1}], rows) == [
        Surprise("type", "$[*].n", "string, described as integer"),
        Surprise("field", "$[*].m", "integer"),
    ]
    assert said({"k": "x", "l": 1}, {"additionalProperties": {"type": "integer"}}) == [
        Surprise("type", "$.*", "string, described as integer")
    ]


WORDS = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "allOf",
        "oneOf",
        "anyOf",
        "enum",
        "required",
        "additionalProperties",
        "object",
        "a",
    ]
)
NONSENSE = st.recursive(
    WORDS | st.none() | st.integers(0, 3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None)
@given(NONSENSE, NONSENSE)
@example({"a": 1}, {"required": [["a"]]})
def test_no_schema_however_wrong_ends_in_a_traceback(value: object, schema: object) -> None:
    assert isinstance(said(value, schema), list)


def test_a_schema_that_holds_itself_ends() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    value: dict[str, Any] = {}
    for _ in range(200):
        value = {"next": value}
    assert surprises(value, node, lambda each: node if each == {"$ref": "#"} else each) == []


def test_the_command_says_it_as_a_table_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_DATABASE_URL", f"sqlite:///{tmp_path}/store.db")
    (tmp_path / "api.json").write_text(json.dumps(SHOP))
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        info = store.create_recording("shop", service="s", release="", key_id="k", source="a test")
        store.add_exchanges(info.id, [exchange("/api/orders/7", {"id": 7, "colour": "red"})])
        store.close_recording(info.id)
    assert main(["openapi", "check", "api.json", "shop"]) == 1
    said = capsys.readouterr().out
    (row,) = [line for line in said.splitlines() if line.startswith("field")]
    assert row.split()[1:7] == ["GET", "/api/orders/{id}", "200", "response", "$.colour", "string"]
    assert "1 thing that is not described, in 1 exchange; 1 of 3 described operations recorded" in said
    assert main(["openapi", "check", "api.json", "shop", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert [each["place"] for each in data["undescribed"]] == ["response $.colour"]
    assert "red" not in json.dumps(data)
    assert main(["export", "openapi", "shop", "-o", "own.json"]) == 0
    assert main(["openapi", "check", "own.json", "shop"]) == 0
    for arguments in (["none.json", "shop"], ["api.json", "none"], ["store.db", "shop"]):
        assert main(["openapi", "check", *arguments]) == 2
