"""Descriptions that are inferred: valid, true of what they were inferred from, and no more than that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from recorder.exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse
from replayer.openapi.checking import check_openapi
from replayer.openapi.conformance import surprises
from replayer.openapi.inferring import infer_openapi
from replayer.openapi.measured import Measured
from replayer.openapi.reading import read_openapi

from ..tiny import record, route_of

SCHEMA = json.loads((Path(__file__).parents[2] / "data" / "schemas" / "openapi-3.1.schema.json").read_text("utf-8"))
JSON: Headers = (("Content-Type", "application/json"),)


def problems(document: Any) -> list[str]:
    """What the official schema says, and JSON Schema's own of every schema in it."""
    found = [problem.message for problem in Draft202012Validator(SCHEMA).iter_errors(document)]
    for schema in schemas_in(document):
        found += [
            problem.message for problem in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema)
        ]
    return found


def schemas_in(node: Any) -> list[Any]:
    if isinstance(node, dict):
        own = [node["schema"]] if "schema" in node else []
        return own + [found for key, inner in node.items() if key != "schema" for found in schemas_in(inner)]
    return [found for inner in node for found in schemas_in(inner)] if isinstance(node, list) else []


def get(target: str, value: object = None, status: int = 200, route: str = "", method: str = "GET") -> Exchange:
    body = Body.of(json.dumps(value).encode()) if value is not None else Body()
    request = RecordedRequest(method, target, (("Host", "h"),))
    return Exchange("0" * 32, request, RecordedResponse(status, "", JSON if body.size else (), body), 1.0, 2.0, route)


def inferred(*exchanges: Exchange) -> dict[str, Any]:
    document = infer_openapi(lambda: iter(exchanges), "t", "")
    assert problems(document) == []
    return document


def response_schema(*values: object) -> Any:
    document = inferred(*(get("/a", value) for value in values))
    return document["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]


def test_a_recording_is_described_validly_and_agrees_with_its_description(tmp_path: Path) -> None:
    exchanges = [replace(each, route=route_of(each)) for each in record(users=4, rounds=12).exchanges]
    document = inferred(*exchanges)
    assert set(document["paths"]) == {
        "/login", "/orders", "/orders/{order_id}", "/orders/{order_id}/pay", "/orders/{order_id}/share",
        "/products", "/shared/{code}", "/stats",
    }  # fmt: skip
    order = document["paths"]["/orders/{order_id}"]
    assert order["parameters"] == [{"name": "order_id", "in": "path", "required": True, "schema": {"type": "integer"}}]
    assert set(order) >= {"get", "delete"}
    login = document["paths"]["/login"]["post"]["requestBody"]
    assert login == {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": {"user": {"type": "integer"}}, "required": ["user"]}
            }
        },
    }
    assert document["paths"]["/products"]["get"]["parameters"] == [
        {"name": "page", "in": "query", "required": True, "schema": {"type": "integer"}}
    ]
    path = tmp_path / "api.json"
    path.write_text(json.dumps(document))
    checked = check_openapi(read_openapi(path), lambda: iter(exchanges))
    assert (checked.found, checked.unseen, checked.exchanges) == ((), (), len(exchanges))


def test_what_is_always_there_is_required_and_what_may_be_null_says_so() -> None:
    schema = response_schema({"a": 1, "b": None, "c": 1.5}, {"a": 2, "b": "x"}, {"a": 3, "b": "y", "c": 2})
    assert schema == {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": ["string", "null"]}, "c": {"type": "number"}},
        "required": ["a", "b"],
    }


def test_words_that_come_again_and_again_are_an_enumeration() -> None:
    states = [{"state": state, "id": f"n{n}"} for n, state in enumerate(["new", "paid"] * 20)]
    assert response_schema(states)["items"]["properties"] == {
        "state": {"type": "string", "enum": ["new", "paid"]},
        "id": {"type": "string"},
    }
    assert "enum" not in response_schema(states[:6])["items"]["properties"]["state"]
    with_null = response_schema([{"state": None}, *({"state": state} for state in ["new", "paid"] * 20)])
    assert with_null["items"]["properties"]["state"] == {"type": ["string", "null"], "enum": ["new", "paid", None]}


def test_formats_are_named_where_all_values_have_them() -> None:
    value = {"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "at": "2026-01-31T12:00:00Z", "mail": "ann@example.com"}
    assert response_schema(value)["properties"] == {
        "id": {"type": "string", "format": "uuid"},
        "at": {"type": "string", "format": "date-time"},
        "mail": {"type": "string", "format": "email"},
    }


def test_an_object_whose_names_are_values_is_a_map() -> None:
    assert response_schema({str(n): {"x": 1} for n in range(3)}) == {
        "type": "object",
        "additionalProperties": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
    }


@pytest.mark.parametrize(
    ("route", "path", "names"),
    [
        ("/users/<int:id>/orders/<order_id>", "/users/{id}/orders/{order_id}", ["id", "order_id"]),
        ("/a/<id>/b/<id>", "/a/{id}/b/{id2}", ["id", "id2"]),
        ("^articles/(?P<year>[0-9]{4})/$", "/articles/{year}/", ["year"]),
        ("/files/<path:name>", "/files/{name}", ["name"]),
        ("/items/{item_id}", "/items/{item_id}", ["item_id"]),
        ("/items/{int}", "/items/{int}", ["int"]),
    ],
)
def test_templates_of_all_frameworks_become_paths(route: str, path: str, names: list[str]) -> None:
    document = inferred(get("/x", {}, route=route))
    assert [path, *names] == [*document["paths"], *(p["name"] for p in document["paths"][path]["parameters"])]


def test_two_templates_of_one_path_are_one_path() -> None:
    document = inferred(get("/a/1", {}, route="/a/<int:id>"), get("/a/1", {}, route="/a/<int:a_id>", method="PUT"))
    assert {path: sorted(item) for path, item in document["paths"].items()} == {"/a/{id}": ["get", "parameters", "put"]}


def test_what_nothing_answered_or_nobody_described_is_left_out() -> None:
    document = inferred(
        get("/a", {}), get("/wp-login.php", status=404), get("*", method="OPTIONS"), replace(get("/b"), response=None)
    )
    assert list(document["paths"]) == ["/a"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=5))
def test_a_schema_fits_everything_that_it_was_measured_from(values: list[object]) -> None:
    measured = Measured()
    for value in values:
        measured.add(value)
    schema = measured.schema()
    validator = Draft202012Validator(schema)
    for value in values:
        assert [problem.message for problem in validator.iter_errors(value)] == []
        assert surprises(value, schema, lambda node: node) == []
