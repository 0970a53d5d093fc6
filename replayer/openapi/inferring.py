"""A recording -> a description of the API in OpenAPI 3.1: what was seen, and no promise beyond it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from diffing.bodies import Form, comparable
from diffing.media import media_type
from diffing.routes import RouteTable, canonical
from recorder.exchange import Body, Exchange, Headers, RecordedResponse, header

from .measured import Measured

MAX_PARAMETERS = 100
"""Query parameters of one operation that are told apart."""

_PLACEHOLDER = re.compile(
    r"<(?:(?P<converter>\w+)(?:\([^<>]*\))?:)?(?P<name>\w+)>|\{(?P<braced>[^{}/:]*)[^{}/]*\}|:(?P<colon>\w+)|\(\?P<(?P<group>\w+)>(?:[^()]|\([^()]*\))*\)"
)
_CONVERTED: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
}
_METHODS = frozenset("GET PUT POST DELETE OPTIONS HEAD PATCH TRACE".split())


@dataclass(slots=True)
class _Operation:
    """What was seen of one method of one path."""

    requests: int = 0
    granted: int = 0  # answered below 400: what these hold, a request may hold
    endpoint: str = ""
    query: dict[str, tuple[Measured, Counter[str]]] = field(default_factory=dict)  # and where it was: "granted", "many"
    bodies: dict[str, Measured] = field(default_factory=dict)  # by media type
    with_body: int = 0
    answers: dict[int, dict[str, Measured]] = field(default_factory=dict)  # status -> media type -> values


def infer_openapi(exchanges: Callable[[], Iterable[Exchange]], title: str, version: str) -> dict[str, Any]:
    """The description. `exchanges` gives them anew: the routes have to be known before the first one is looked at."""
    table = RouteTable((e.request.method, e.request.target, e.route) for e in exchanges())
    paths: dict[str, tuple[str, list[dict[str, Any]]]] = {}
    found: dict[str, dict[str, _Operation]] = {}
    count = 0
    for exchange in exchanges():
        request = exchange.request
        if exchange.response is None or request.method not in _METHODS or not request.target.startswith("/"):
            continue
        if not 100 <= exchange.response.status <= 599:
            continue  # OpenAPI has no place for it
        route = table.route(request.method, request.target, exchange.route)
        if not exchange.route and exchange.response.status in (404, 405):
            continue  # nothing says that there is such a route
        count += 1
        path, _ = paths.setdefault(canonical(route), _path(route))
        _see(found.setdefault(path, {}).setdefault(request.method.lower(), _Operation()), exchange, exchange.response)
    parameters = dict(paths.values())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version or "recorded",
            "description": f"Inferred from {count} recorded exchanges. What is required, nullable or an enumeration was"
            " so in all of them.",
        },
        "paths": {
            path: {
                **({"parameters": parameters[path]} if parameters[path] else {}),
                **{method: _operation(operation) for method, operation in sorted(operations.items())},
            }
            for path, operations in sorted(found.items())
        },
    }


def _path(route: str) -> tuple[str, list[dict[str, Any]]]:
    """A framework's template as a path, and its parameters."""
    parameters: list[dict[str, Any]] = []

    def placed(match: re.Match[str]) -> str:
        given = match["name"] or match["colon"] or match["group"] or match["braced"] or ""
        converter = match["converter"] or (given if given in _CONVERTED and not match["name"] else "")
        name = re.sub(r"\W", "_", given) or "part"
        taken = {each["name"] for each in parameters}
        name = name if name not in taken else f"{name}{len(parameters) + 1}"
        schema = _CONVERTED.get(converter, {"type": "string"})
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
        return "{" + name + "}"

    path = _PLACEHOLDER.sub(placed, route.removeprefix("^").removesuffix("$"))
    return "/" + path.lstrip("/"), parameters


def _see(operation: _Operation, exchange: Exchange, response: RecordedResponse) -> None:
    request = exchange.request
    granted = response.status < 400
    operation.requests += 1
    operation.granted += granted
    if granted:
        _see_query(operation, request.query)
        if request.body.size:
            operation.with_body += 1
            _see_body(operation.bodies, request.headers, request.body)
    answers = operation.answers.setdefault(response.status, {})
    if response.body.size and request.method != "HEAD":
        _see_body(answers, response.headers, response.body)


def _see_query(operation: _Operation, query: str) -> None:
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="replace"):
        given.setdefault(name, []).append(value)
    for name, values in given.items():
        if name not in operation.query and len(operation.query) >= MAX_PARAMETERS:
            continue
        measured, where = operation.query.setdefault(name, (Measured(), Counter()))
        where["granted"] += 1
        where["many"] += len(values) > 1
        for value in values:
            measured.add(_typed(value))


def _typed(text: str) -> object:
    """The text as what it can only be meant for."""
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text)


def _see_body(seen: dict[str, Measured], headers: Headers, body: Body) -> None:
    media = media_type(header(headers, "content-type")) or "application/octet-stream"
    measured = seen.setdefault(media, Measured())
    if not body.complete:
        return
    parsed = comparable(RecordedResponse(200, "", headers, body))
    if parsed.form in (Form.JSON, Form.FORM) and not parsed.problem:
        measured.add(parsed.value)


def _operation(operation: _Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if operation.query:
        found["parameters"] = [
            _parameter(name, *operation.query[name], operation.granted) for name in sorted(operation.query)
        ]
    if operation.bodies:
        found["requestBody"] = {
            "required": operation.with_body == operation.granted,
            "content": _content(operation.bodies),
        }
    found["responses"] = {str(status): _answer(status, bodies) for status, bodies in sorted(operation.answers.items())}
    return found


def _parameter(name: str, measured: Measured, where: Counter[str], granted: int) -> dict[str, Any]:
    schema = measured.schema()
    if isinstance(schema.get("type"), list):
        schema = {"type": "string"}
    if where["many"]:
        schema = {"type": "array", "items": schema}
    return {"name": name, "in": "query", "required": where["granted"] == granted, "schema": schema}


def _answer(status: int, bodies: dict[str, Measured]) -> dict[str, Any]:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = f"Status {status}"
    return {"description": phrase, **({"content": _content(bodies)} if bodies else {})}


def _content(bodies: dict[str, Measured]) -> dict[str, Any]:
    return {media: {"schema": schema} if (schema := bodies[media].schema()) else {} for media in sorted(bodies)}
