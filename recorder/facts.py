"""The exchange that the background thread makes of what the request thread noted."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any
from urllib.parse import quote

from .capture import Capture
from .exchange import Body, BodyState, Exchange, Headers, Observed, Outcome, RecordedRequest, RecordedResponse
from .layout import HEADERS, PEER

_PATH_SAFE = "/:@!$&'()*+,;=~-._"  # RFC 3986 pchar and the slash: what a client would not have escaped


def messages(captured: Capture) -> tuple[RecordedRequest, RecordedResponse | None]:
    """The request and the response, before anything in them is redacted; runs in the background thread."""
    method, script, path, query, scheme, protocol, raw_target = captured.values[:PEER]
    if raw_target:
        target = native(raw_target)
    else:
        target = _rebuilt_target(native(script) + native(path), native(query))
    request = RecordedRequest(
        native(method),
        target,
        _request_headers(captured.names, captured.values),
        _request_body(captured),
        native(scheme),
        native(protocol),
        bool(raw_target),
    )
    return request, None if captured.status is None else _response(captured, captured.status)


def observed_in(captured: Capture) -> Observed:
    """What the application did meanwhile, as values. What its threads still do is not noted any more."""
    return captured.observation.taken() if captured.observation is not None else _NOT_OBSERVED


def as_exchange(
    captured: Capture,
    request: RecordedRequest,
    response: RecordedResponse | None,
    observed: Observed,
    identity: tuple[str, tuple[str, ...], str],
    producer: str,
) -> Exchange:
    """The exchange that these two messages were, with its `client`, `links` and `principal`."""
    client, links, principal = identity
    return Exchange(
        id=f"{producer[:16]:0>16}{captured.sequence:016x}",
        request=request,
        response=response,
        started=captured.started,
        ended=captured.ended,
        route=captured.route,
        endpoint=captured.endpoint,
        client=client,
        links=links,
        principal=principal,
        producer=producer,
        sequence=captured.sequence,
        outcome=captured.outcome or Outcome.COMPLETE,
        sql=observed.sql,
        outbound=observed.outbound,
    )


_NOT_OBSERVED = Observed()


def native(text: object) -> str:
    """A string of one character per byte, as WSGI wants them, out of whatever a server or an application gave."""
    if isinstance(text, bytes):
        return text.decode("latin-1")
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


def _request_headers(names: tuple[str, ...], values: tuple[Any, ...]) -> Headers:
    titles = _LISTS.get(names)
    if titles is None:
        titles = tuple([_title(name) for name in names])
        if len(_LISTS) >= _LISTS_KEPT:
            _LISTS.clear()
        _LISTS[names] = titles
    fields = values[HEADERS:]
    if not _all_ascii(fields):
        fields = tuple([native(value) for value in fields])
    if "" in fields:  # CGI leaves CONTENT_TYPE and CONTENT_LENGTH empty where there are none
        kept = zip(names, titles, fields, strict=True)
        return tuple([(title, value) for name, title, value in kept if value or name.startswith("HTTP_")])
    return tuple(zip(titles, fields, strict=True))


def _all_ascii(texts: Iterable[Any]) -> bool:
    """Whether these are strings without a character beyond ASCII, asked of all at once."""
    try:
        return "".join(texts).isascii()
    except TypeError:
        return False


_LISTS: dict[tuple[str, ...], tuple[str, ...]] = {}
_LISTS_KEPT = 512  # combinations of header fields, which clients choose: bounded


def _title(name: str) -> str:
    plain = name.removeprefix("HTTP_")
    return _TITLES.get(plain) or _title_case(plain)


_TITLES: dict[str, str] = {}
_TITLES_KEPT = 1024  # names come from clients: bounded


def _title_case(name: str) -> str:
    title = native("-".join(part.capitalize() for part in name.split("_")))
    if len(_TITLES) < _TITLES_KEPT:
        _TITLES[name] = title
    return title


def _request_body(captured: Capture) -> Body:
    if captured.request_body is None:
        return Body()
    tally, ended, gap = captured.request_body
    data, size, declared = b"".join(tally.chunks), tally.size, captured.declared_length
    if gap or not (ended if declared is None else size >= declared):
        return Body(data, max(size, declared or 0), BodyState.UNREAD)
    return Body(data, size, BodyState.TRUNCATED if tally.kept < size else BodyState.COMPLETE)


def _response(captured: Capture, status: str) -> RecordedResponse:
    code, _, reason = status.partition(" ")
    cut = captured.kept < captured.size
    return RecordedResponse(
        status=int(code) if code.isdecimal() and len(code) == 3 else 0,
        reason=native(reason),
        headers=_response_headers(captured.response_headers),
        body=Body(b"".join(captured.chunks), captured.size, BodyState.TRUNCATED if cut else BodyState.COMPLETE),
    )


def _response_headers(given: list[tuple[str, str]]) -> Headers:
    if _all_ascii(chain.from_iterable(given)):
        return tuple([(name, value) for name, value in given])
    return tuple([(native(name), native(value)) for name, value in given])
