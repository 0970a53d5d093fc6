"""An OpenAPI file (3.x, or Swagger 2.0; JSON or YAML) -> the operations that it describes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import UsageError

METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
MAX_BYTES = 64 * 1024 * 1024
"""Of a file that is read: the largest published descriptions have about 15 MB."""
_MAX_REFERENCES = 32  # that lead to one another before it is a circle
_VARIABLE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `item` is the operation as the file has it, `shared` the path's own parameters."""

    method: str  # in capital letters
    route: str  # the path with the base path of the first server before it: "/api/orders/{id}"
    statuses: tuple[str, ...]  # as written: "200", "4XX", "default"
    item: Mapping[str, Any]
    shared: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenApi:
    """A description of an API. `document` is all of the file, for what is not an operation."""

    source: Path
    title: str
    operations: tuple[Operation, ...]
    document: Mapping[str, Any]

    def resolved(self, node: object) -> Any:
        """The node, or what its `$ref` leads to. Raises UsageError for one that leads nowhere, or out of the file."""
        return _resolved(self.source, self.document, node)


def read_openapi(path: Path) -> OpenApi:
    """Read a description. Raises UsageError, with one sentence, for whatever is no such file."""
    document = _document(path)
    version = document.get("openapi", document.get("swagger"))
    if not isinstance(version, str | int | float) or not re.match(r"[23]\b", str(version)):
        raise UsageError(
            f"{path}: the file is no OpenAPI description: it has no key 'openapi' with a version 3.x.",
            "Swagger 2.0 is read too.",
        )
    paths = document.get("paths", {})
    if not isinstance(paths, Mapping):
        raise UsageError(f"{path}: 'paths' must be a table of paths.")
    base = _base_path(document)
    operations: list[Operation] = []
    for route, entry in paths.items():
        item = _resolved(path, document, entry)
        if not isinstance(route, str) or not isinstance(item, Mapping):
            raise UsageError(f"{path}: the path {str(route)[:80]!r} has no table of operations.")
        if not route.startswith("/"):
            continue  # an extension: "x-…"
        shared = item.get("parameters")
        for method in METHODS:
            operation = item.get(method.lower())
            if operation is None:
                continue
            if not isinstance(operation, Mapping):
                raise UsageError(f"{path}: {method} {route} must be a table.")
            responses = operation.get("responses")
            statuses = tuple(str(status) for status in responses) if isinstance(responses, Mapping) else ()
            parameters = tuple(shared) if isinstance(shared, list) else ()
            operations.append(Operation(method, base + route, statuses, operation, parameters))
    info = document.get("info")
    title = info.get("title") if isinstance(info, Mapping) else ""
    return OpenApi(path, str(title or ""), tuple(operations), document)


def _document(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: the file has more than {MAX_BYTES:,} bytes.", "Is it an OpenAPI description?")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"The OpenAPI file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: the file is not UTF-8 text.") from None
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else _yaml(path, text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: the file is not valid: {_line(error)}.") from None
    if not isinstance(found, Mapping):
        raise UsageError(f"{path}: the file is no OpenAPI description: it holds no table.")
    return found


def _yaml(path: Path, text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise UsageError(
            f"{path}: a YAML file is read with PyYAML, which is not installed.",
            "pip install pyyaml, or give the description as JSON.",
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(_line(error)) from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _base_path(document: Mapping[str, Any]) -> str:
    """What stands before every path: that of the first server's URL, its variables at their defaults."""
    base = document.get("basePath", "")
    servers = document.get("servers")
    if isinstance(servers, list) and servers and isinstance(servers[0], Mapping):
        variables = servers[0].get("variables")
        known = variables if isinstance(variables, Mapping) else {}

        def default(match: re.Match[str]) -> str:
            variable = known.get(match[1])
            return str(variable.get("default", "")) if isinstance(variable, Mapping) else ""

        base = _VARIABLE.sub(default, str(servers[0].get("url", "")))
    try:
        path = urlsplit(str(base)).path
    except ValueError:
        return ""
    return "/" + path.strip("/") if path.strip("/") else ""


def _resolved(source: Path, document: Mapping[str, Any], node: object) -> Any:
    for _ in range(_MAX_REFERENCES):
        if not isinstance(node, Mapping) or not isinstance(reference := node.get("$ref"), str):
            return node
        if not reference.startswith("#/"):
            raise UsageError(
                f"{source}: the reference {reference[:80]!r} leads out of the file.",
                "Give a bundled description: one file with everything in it.",
            )
        node = document
        for word in reference[2:].split("/"):
            name = word.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, Mapping) or name not in node:
                raise UsageError(f"{source}: the reference {reference[:80]!r} leads nowhere.")
            node = node[name]
    raise UsageError(f"{source}: references lead in a circle.")
