"""A description of an API held against a recording: routes, statuses and fields that it does not name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from diffing.bodies import Form, comparable
from diffing.media import media_type
from diffing.routes import RouteTable
from recorder.exchange import Body, Exchange, Headers, RecordedResponse, header

from .conformance import surprises
from .reading import OpenApi, Operation

ROUTE = "route"
STATUS = "status"
MEDIA = "media"
QUERY = "query"

_ORDER = (ROUTE, STATUS, MEDIA, "type", "missing", "field", "enum", QUERY)
_VARIABLE = re.compile(r"\{[^{}/]+\}")
_NO_ROUTE = (404, 405)


@dataclass(frozen=True, slots=True)
class Undescribed:
    """Something that the recording shows and the description does not say. `place` is empty for routes and statuses."""

    kind: str
    method: str
    route: str
    status: int = 0  # of a response; 0 for requests and routes
    place: str = ""  # "response $.items[*].price", "request $.name", "query page"
    said: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check."""

    exchanges: int  # that were looked at
    operations: int  # that are described
    found: tuple[tuple[Undescribed, int, str], ...]  # each with how many exchanges show it, and the id of the first
    unseen: tuple[tuple[str, str], ...]  # operations that the recording does not reach


@dataclass(slots=True)
class _Finder:
    """Which operation answers a request: of several that fit, the fewest variables and the longest words win."""

    operations: Sequence[Operation]
    _patterns: list[tuple[int, re.Pattern[str], Operation]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for operation in self.operations:
            pieces = _VARIABLE.split(operation.route.rstrip("/"))
            pattern = re.compile("[^/]+".join(map(re.escape, pieces)) + "/?")
            self._patterns.append((len(pieces), pattern, operation))
        self._patterns.sort(key=lambda each: (each[0], -len(_VARIABLE.sub("", each[2].route))))

    def find(self, method: str, path: str) -> Operation | None:
        wanted = ("HEAD", "GET") if method == "HEAD" else (method,)
        for name in wanted:
            for _, pattern, operation in self._patterns:
                if operation.method == name and pattern.fullmatch(path):
                    return operation
        return None


def check_openapi(api: OpenApi, exchanges: Callable[[], Iterable[Exchange]]) -> Checked:
    """Everything that the exchanges show and the description does not say, routes first.

    `exchanges` gives them anew each time. A 404 or 405 of a route that nobody described is no route.
    """
    table = RouteTable((e.request.method, e.request.target, e.route) for e in exchanges())
    finder = _Finder(api.operations)
    counts: Counter[Undescribed] = Counter()
    first: dict[Undescribed, str] = {}
    seen: set[tuple[str, str]] = set()
    looked = 0
    for exchange in exchanges():
        response, request = exchange.response, exchange.request
        if response is None or not request.target.startswith("/"):
            continue
        looked += 1
        operation = finder.find(request.method, request.path)
        if operation is None:
            if response.status in _NO_ROUTE or request.method == "OPTIONS":
                continue
            route = table.route(request.method, request.target, exchange.route)
            shown: Iterable[Undescribed] = [Undescribed(ROUTE, request.method, route)]
        else:
            seen.add((operation.method, operation.route))
            shown = _shown(api, operation, exchange, response)
        for each in set(shown):
            counts[each] += 1
            first.setdefault(each, exchange.id)
    ordered = sorted(
        counts, key=lambda each: (_ORDER.index(each.kind), each.route, each.method, each.status, each.place)
    )
    every = sorted({(each.method, each.route) for each in api.operations} - seen, key=lambda each: each[::-1])
    return Checked(looked, len(api.operations), tuple((e, counts[e], first[e]) for e in ordered), tuple(every))


def _shown(api: OpenApi, operation: Operation, exchange: Exchange, response: RecordedResponse) -> Iterator[Undescribed]:
    method, route = operation.method, operation.route
    if response.status < 400:
        yield from _of_request(api, operation, exchange)
    described = _response(api, operation, response.status)
    if described is None:
        yield Undescribed(STATUS, method, route, response.status)
        return
    if exchange.request.method == "HEAD" or not response.body.size:
        return
    media, schema = _schema(api, described, response.headers)
    if schema is None:
        yield Undescribed(MEDIA, method, route, response.status, said=media or "a body")
        return
    for each in _surprises(api, response.headers, response.body, schema):
        yield Undescribed(each.kind, method, route, response.status, f"response {each.path}", each.said)


def _of_request(api: OpenApi, operation: Operation, exchange: Exchange) -> Iterator[Undescribed]:
    """What of a request that was granted is not described."""
    method, route, request = operation.method, operation.route, exchange.request
    given = operation.item.get("parameters")
    parameters = [api.resolved(each) for each in (*operation.shared, *(given if isinstance(given, list) else ()))]
    known = {str(each.get("name")) for each in parameters if isinstance(each, Mapping) and each.get("in") == "query"}
    for name, _ in parse_qsl(request.query, keep_blank_values=True, encoding="utf-8", errors="replace"):
        if name not in known and name.partition("[")[0] not in known and f"{name.partition('[')[0]}[]" not in known:
            yield Undescribed(QUERY, method, route, place=f"query {name}")
    described = api.resolved(operation.item.get("requestBody"))
    in_body = [each for each in parameters if isinstance(each, Mapping) and each.get("in") == "body"]
    if in_body:  # Swagger 2.0
        described = {"schema": in_body[0].get("schema", {})}
    if not isinstance(described, Mapping) or not request.body.size:
        return
    _, schema = _schema(api, described, request.headers)
    for each in _surprises(api, request.headers, request.body, schema) if schema is not None else ():
        yield Undescribed(each.kind, method, route, place=f"request {each.path}", said=each.said)


def _response(api: OpenApi, operation: Operation, status: int) -> Mapping[str, Any] | None:
    """What is said of a status: of itself, of its class, or of all others. None: nothing."""
    responses = operation.item.get("responses")
    given = {str(key).upper(): value for key, value in responses.items()} if isinstance(responses, Mapping) else {}
    for name in (str(status), f"{status // 100}XX", "DEFAULT"):
        if name in given:
            found = api.resolved(given[name])
            return found if isinstance(found, Mapping) else {}
    return None


def _schema(api: OpenApi, described: Mapping[str, Any], headers: Headers) -> tuple[str, object | None]:
    """The media type of a message, and the schema for it: {} where there is none, None where it is not described."""
    media = media_type(header(headers, "content-type"))
    content = described.get("content")
    if not isinstance(content, Mapping):
        return media, described.get("schema", {})  # Swagger 2.0, or nothing is said of a body
    for name, entry in content.items():
        wanted = media_type(str(name))
        if wanted in (media, "*/*") or (wanted.endswith("/*") and media.startswith(wanted[:-1])):
            found = api.resolved(entry)
            return media, found.get("schema", {}) if isinstance(found, Mapping) else {}
    return media, None


def _surprises(api: OpenApi, headers: Headers, body: Body, schema: object) -> Iterable[Any]:
    if not body.complete:
        return ()
    parsed = comparable(RecordedResponse(200, "", headers, body))
    return surprises(parsed.value, schema, api.resolved) if parsed.form is Form.JSON and not parsed.problem else ()
