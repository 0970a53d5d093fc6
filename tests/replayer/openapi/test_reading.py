from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replayer.errors import UsageError
from replayer.openapi.reading import read_openapi

SHOP: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "https://{host}/{base}/", "variables": {"host": {"default": "h"}, "base": {"default": "api"}}}],
    "paths": {
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path"}],
            "get": {"responses": {"200": {}, "4XX": {}, "default": {}}},
            "delete": {},
        },
        "/carts": {"$ref": "#/components/pathItems/a~1b"},
        "x-note": {},
    },
    "components": {"pathItems": {"a/b": {"post": {"responses": {201: {}}}}}},
}


def written(folder: Path, content: object, name: str = "openapi.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_operations_are_read_with_their_base_path_and_what_references_lead_to(tmp_path: Path) -> None:
    api = read_openapi(written(tmp_path, SHOP))

    assert api.title == "Shop"
    assert [(each.method, each.route, each.statuses) for each in api.operations] == [
        ("GET", "/api/orders/{id}", ("200", "4XX", "default")),
        ("DELETE", "/api/orders/{id}", ()),
        ("POST", "/api/carts", ("201",)),
    ]
    assert api.operations[0].shared == ({"name": "id", "in": "path"},)


def test_yaml_and_the_older_version_are_read(tmp_path: Path) -> None:
    text = "swagger: '2.0'\nbasePath: /v1\npaths:\n  /a:\n    get:\n      responses:\n        404: {}\n"

    (only,) = read_openapi(written(tmp_path, text, "api.yml")).operations

    assert (only.method, only.route, only.statuses) == ("GET", "/v1/a", ("404",))


def test_without_servers_a_path_is_what_it_is(tmp_path: Path) -> None:
    (only,) = read_openapi(written(tmp_path, {"openapi": "3.0.0", "paths": {"/a": {"put": {}}}})).operations

    assert only.route == "/a"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not valid"),
        ("a: [", "is not valid"),
        ("", "holds no table"),
        ("[1]", "holds no table"),
        ({"paths": {}}, "no OpenAPI description"),
        ({"openapi": "1.2"}, "no OpenAPI description"),
        ({"openapi": "3.0", "paths": []}, "'paths' must be"),
        ({"openapi": "3.0", "paths": {"/a": 3}}, "no table of operations"),
        ({"openapi": "3.0", "paths": {"/a": {"get": 3}}}, "GET /a must be"),
        ({"openapi": "3.0", "paths": {"/a": {"$ref": "other.yaml#/a"}}}, "leads out of the file"),
        ({"openapi": "3.0", "paths": {"/a": {"$ref": "#/nowhere"}}}, "leads nowhere"),
        ({"openapi": "3.0", "paths": {"/a": {"$ref": "#/paths/~1a"}}}, "in a circle"),
        ("[" * 100_000, "is not valid"),
    ],
)
def test_what_is_no_description_is_refused_with_one_sentence(tmp_path: Path, content: object, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as refused:
        read_openapi(written(tmp_path, content))

    assert "\n" not in refused.value.message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_openapi(tmp_path / "none.json")
