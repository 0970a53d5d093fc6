"""What the request thread notes of one exchange, and the exchange that the background thread makes of it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from .capture import Tally
from .exchange import Body, BodyState, Exchange, Headers, Outcome, RecordedRequest, RecordedResponse
from .layout import HEADERS, RequestFacts

_PATH_SAFE = "/:@!$&'()*+,;=~-._"  # RFC 3986 pchar and the slash: what a client would not have escaped


class CapturedExchange(NamedTuple):
    """One finished exchange, as references; `weight` is what it holds of the application's memory, in bytes."""

    request: RequestFacts
    request_body: tuple[Tally, int, BodyState] | None  # what came by, its true size, and whether that is all
    status: str | None
    response_headers: list[tuple[str, str]]
    response_body: Tally
    started: float
    ended: float
    outcome: Outcome
    route: str
    endpoint: str
    principal: str
    weight: int


def as_exchange(captured: CapturedExchange, producer: str, sequence: int) -> Exchange:
    """The exchange, before it is identified and redacted; runs in the background thread."""
    method, script, path, query, scheme, protocol, raw_target = captured.request.values[:HEADERS]
    if raw_target:
        target = native(raw_target)
    else:
        target = _rebuilt_target(native(script) + native(path), native(query))
    return Exchange(
        id=f"{producer[:16]:0>16}{sequence:016x}",
        request=RecordedRequest(
            method=native(method),
            target=target,
            headers=_request_headers(captured.request),
            body=_request_body(captured.request_body),
            scheme=native(scheme),
            protocol=native(protocol),
            target_exact=bool(raw_target),
        ),
        response=None if captured.status is None else _response(captured, captured.status),
        started=captured.started,
        ended=captured.ended,
        route=captured.route,
        endpoint=captured.endpoint,
        producer=producer,
        sequence=sequence,
        outcome=captured.outcome,
    )


def native(text: object) -> str:
    """A string of one character per byte, as WSGI wants them, out of whatever a server or an application gave."""
    value = text if isinstance(text, str) else str(text)
    if value.isascii():
        return value
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass").decode("latin-1")
    return value


def _rebuilt_target(path: str, query: str) -> str:
    escaped = quote(path.encode("latin-1"), safe=_PATH_SAFE) or "/"
    return f"{escaped}?{query}" if query else escaped


def _request_headers(request: RequestFacts) -> Headers:
    headers = []
    for name, value in zip(request.names, request.values[HEADERS:], strict=True):
        plain = name.removeprefix("HTTP_")
        if value or plain is not name:  # CGI leaves CONTENT_TYPE and CONTENT_LENGTH empty where there are none
            headers.append((_TITLES.get(plain) or _title_case(plain), native(value)))
    return tuple(headers)


_TITLES: dict[str, str] = {}
_TITLES_KEPT = 1024  # names come from clients: bounded


def _title_case(name: str) -> str:
    title = native("-".join(part.capitalize() for part in name.split("_")))
    if len(_TITLES) < _TITLES_KEPT:
        _TITLES[name] = title
    return title


def _request_body(found: tuple[Tally, int, BodyState] | None) -> Body:
    if found is None:
        return Body()
    tally, size, state = found
    return Body(b"".join(tally.chunks), size, state)


def _response(captured: CapturedExchange, status: str) -> RecordedResponse:
    code, _, reason = status.partition(" ")
    body = captured.response_body
    cut = body.kept < body.size
    return RecordedResponse(
        status=int(code) if code.isdecimal() and len(code) == 3 else 0,
        reason=native(reason),
        headers=tuple((native(name), native(value)) for name, value in captured.response_headers),
        body=Body(b"".join(body.chunks), body.size, BodyState.TRUNCATED if cut else BodyState.COMPLETE),
    )
