"""What the request thread notes of one exchange, and the exchange that the background thread makes of it."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from .capture import Tally
from .exchange import Body, BodyState, Exchange, Headers, Outcome, RecordedRequest, RecordedResponse

_PATH_SAFE = "/:@!$&'()*+,;=~-._"  # RFC 3986 pchar and the slash: what a client would not have escaped

EnvironHeaders = list[tuple[str, str]]


class RequestFacts(NamedTuple):
    """A request as its environ described it before the application could change that."""

    method: str
    raw_target: str | None  # RAW_URI or REQUEST_URI, where the server gives it
    script: str
    path: str
    query: str
    headers: EnvironHeaders  # under their environ names, in the environ's order
    scheme: str
    protocol: str
    remote_addr: str


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
    sequence: int
    weight: int


def request_facts(environ: dict[str, Any], remote_addr: str) -> RequestFacts:
    """Notes a request; runs in the request thread, before the application is called."""
    get = environ.get
    raw = get("RAW_URI")
    return RequestFacts(
        get("REQUEST_METHOD", "GET"),
        raw if raw is not None else get("REQUEST_URI"),
        get("SCRIPT_NAME", ""),
        get("PATH_INFO", ""),
        get("QUERY_STRING", ""),
        [item for item in environ.items() if item[0][:5] == "HTTP_" or item[0][:8] == "CONTENT_"],
        get("wsgi.url_scheme", "http"),
        get("SERVER_PROTOCOL", "HTTP/1.1"),
        remote_addr,
    )


def as_exchange(captured: CapturedExchange, producer: str) -> Exchange:
    """The exchange, before it is identified and redacted; runs in the background thread."""
    request = captured.request
    target, exact = _target(request)
    return Exchange(
        id=f"{producer[:16]:0>16}{captured.sequence:016x}",
        request=RecordedRequest(
            method=native(request.method),
            target=target,
            headers=_request_headers(request.headers),
            body=_request_body(captured.request_body),
            scheme=request.scheme,
            protocol=request.protocol,
            target_exact=exact,
        ),
        response=None if captured.status is None else _response(captured, captured.status),
        started=captured.started,
        ended=captured.ended,
        route=captured.route,
        endpoint=captured.endpoint,
        producer=producer,
        sequence=captured.sequence,
        outcome=captured.outcome,
    )


def native(text: object) -> str:
    """A string of one character per byte, as WSGI wants them, out of whatever a server or an application gave."""
    value = text if isinstance(text, str) else str(text)
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass").decode("latin-1")
    return value


def _target(request: RequestFacts) -> tuple[str, bool]:
    if request.raw_target:
        return native(request.raw_target), True
    path = quote(native(request.script + request.path).encode("latin-1"), safe=_PATH_SAFE) or "/"
    query = native(request.query)
    return f"{path}?{query}" if query else path, False


def _request_headers(found: EnvironHeaders) -> Headers:
    headers = []
    names = {name for name, _ in found}
    for name, value in found:
        if name.startswith("HTTP_"):
            plain = name[5:]
            if plain in names and plain in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                continue  # some servers give these under both names
        else:
            plain = name
            if plain not in ("CONTENT_TYPE", "CONTENT_LENGTH") or not value:
                continue
        headers.append((_title_case(plain), native(value)))
    return tuple(headers)


_TITLES: dict[str, str] = {}
_TITLES_KEPT = 1024  # names come from clients: bounded


def _title_case(name: str) -> str:
    known = _TITLES.get(name)
    if known is None:
        known = native("-".join(part.capitalize() for part in name.split("_")))
        if len(_TITLES) < _TITLES_KEPT:
            _TITLES[name] = known
    return known


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
