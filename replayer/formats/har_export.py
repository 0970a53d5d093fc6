"""Exchanges to HTTP Archive 1.2 (HAR).

A HAR holds bodies as text without their content coding; what is no text is written in base64. A body that was not
kept in full has its true size and a comment. Values are those of the recording: secrets stay pseudonyms.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from diffing.media import Undecodable, charset, decode_body
from recorder.exchange import Body, BodyState, Exchange, Headers, RecordedRequest, RecordedResponse, header

NOWHERE = "unknown.invalid"
"""The host of requests that name none (RFC 6761)."""

_STATES = {
    BodyState.TRUNCATED: "cut: only the first bytes were kept",
    BodyState.UNREAD: "the application did not read it to its end",
    BodyState.OPAQUE: "not kept: it could not be decoded to be redacted",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """A HAR, and how many exchanges it can not hold, by why."""

    document: dict[str, Any]
    left_out: tuple[tuple[str, int], ...] = ()


def to_har(exchanges: Iterable[Exchange], version: str) -> Exported:
    """The exchanges as a HAR. `version` is that of the program that writes it."""
    entries, formless = [], 0
    for exchange in sorted(exchanges, key=lambda each: (each.started, each.sequence)):
        if exchange.request.target.startswith("/"):
            entries.append(_entry(exchange))
        else:
            formless += 1
    log = {"version": "1.2", "creator": {"name": "Understudy", "version": version}, "entries": entries}
    left_out = (("a request target that is no path", formless),) if formless else ()
    return Exported({"log": log}, left_out)


def _entry(exchange: Exchange) -> dict[str, Any]:
    milliseconds = max(0.0, round((exchange.ended - exchange.started) * 1000, 3))
    return {
        "startedDateTime": datetime.fromtimestamp(exchange.started, UTC).isoformat(timespec="microseconds"),
        "time": milliseconds,
        "request": _request(exchange.request),
        "response": _response(exchange.response, exchange.request.protocol),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "_exchange": exchange.id,
        "_route": exchange.route,
    }


def _request(request: RecordedRequest) -> dict[str, Any]:
    host = header(request.headers, "host") or NOWHERE
    query = parse_qsl(request.query, keep_blank_values=True, encoding="latin-1")
    found: dict[str, Any] = {
        "method": request.method,
        "url": f"{request.scheme}://{host}{request.target.replace('#', '%23')}",
        "httpVersion": request.protocol,
        "cookies": _cookies(header(request.headers, "cookie")),
        "headers": _fields(request.headers),
        "queryString": [{"name": name, "value": value} for name, value in query],
        "headersSize": -1,
        "bodySize": request.body.size,
    }
    if request.body.size:
        posted: dict[str, Any] = {"mimeType": header(request.headers, "content-type")}
        posted |= _text(request.body.data, header(request.headers, "content-type"), "_encoding")
        if not request.body.complete:
            posted |= {"_size": request.body.size, **_comment(request.body)}
        found["postData"] = posted
    return found


def _response(response: RecordedResponse | None, protocol: str) -> dict[str, Any]:
    if response is None:  # as browsers write what was never answered
        response = RecordedResponse(0, "", ())
    return {
        "status": response.status,
        "statusText": response.reason,
        "httpVersion": protocol,
        "cookies": [
            cookie
            for name, value in response.headers
            if name.lower() == "set-cookie"
            for cookie in _cookies(value.partition(";")[0])
        ],
        "headers": _fields(response.headers),
        "content": _content(response),
        "redirectURL": header(response.headers, "location"),
        "headersSize": -1,
        "bodySize": response.body.size,
    }


def _content(response: RecordedResponse) -> dict[str, Any]:
    media_type = header(response.headers, "content-type")
    data, comment = response.body.data, _comment(response.body)
    size = response.body.size
    if response.body.complete:
        try:
            data = decode_body(response)
        except Undecodable as error:
            comment = {"comment": f"still in its content coding: {error}"}
        size = len(data)
    content: dict[str, Any] = {"size": size, "mimeType": media_type, **comment}
    if size != response.body.size:
        content["compression"] = size - response.body.size
    return content | _text(data, media_type, "encoding") if data else content


def _text(data: bytes, media_type: str, encoding: str) -> dict[str, str]:
    """The bytes as text where that gives the same bytes back, else in base64."""
    coding = charset(media_type) or "utf-8"
    try:
        text = data.decode(coding)
        if text.encode(coding) == data and "\ufffd" not in text and not text.startswith("\ufeff"):
            return {"text": text}
    except (LookupError, ValueError):
        pass
    return {"text": base64.b64encode(data).decode("ascii"), encoding: "base64"}


def _comment(body: Body) -> dict[str, str]:
    return {"comment": _STATES[body.state]} if body.state in _STATES else {}


def _fields(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _cookies(text: str) -> list[dict[str, str]]:
    pairs = (pair.partition("=") for pair in text.split(";") if pair.strip())
    return [{"name": name.strip(), "value": value.strip()} for name, _, value in pairs]
