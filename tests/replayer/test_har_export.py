"""HAR written and read again: nothing is lost that a HAR can hold."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from recorder.exchange import Body, BodyState, Exchange, RecordedRequest, RecordedResponse
from replayer.formats.har import parse_har
from replayer.formats.har_export import to_har

from .tiny import record

SCHEMA = json.loads((Path(__file__).parent.parent / "data" / "schemas" / "har-1.2.schema.json").read_text("utf-8"))

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)
VALUES = TEXT.map(str.strip)
NAMES = st.from_regex(r"X-[A-Za-z0-9-]{1,9}", fullmatch=True)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=4).map(tuple)
TYPES = st.sampled_from(
    [
        "",
        "application/json",
        "text/html; charset=utf-8",
        "text/plain; charset=ISO-8859-1",
        "image/png",
        "a; charset=no",
        "a/b; charset=utf-16",
    ]
)
BODIES = st.one_of(
    st.just(b""), st.binary(max_size=60), st.text(max_size=30).map(lambda t: t.encode("utf-8", "ignore"))
)
TARGETS = st.from_regex(r"/[!\"$-~]{0,30}", fullmatch=True)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    posted, got, media = draw(BODIES), draw(BODIES), draw(TYPES)
    typed = (("Content-Type", media),) if media else ()
    length = (("Content-Length", str(len(posted))),) if posted else ()
    request = RecordedRequest(
        draw(st.sampled_from(["GET", "POST", "PUT"])),
        draw(TARGETS),
        (("Host", "shop.example:81"), *draw(FIELDS), *typed, *length),
        Body.of(posted),
        draw(st.sampled_from(["http", "https"])),
        draw(st.sampled_from(["HTTP/1.0", "HTTP/1.1"])),
    )
    status = draw(st.sampled_from([200, 201, 302, 404, 500]))
    response = RecordedResponse(
        status, draw(TEXT), (*draw(FIELDS), *typed, ("Set-Cookie", "a=1; Path=/")), Body.of(got)
    )
    started = draw(st.integers(1_700_000_000_000_000, 1_800_000_000_000_000)) / 1e6
    return Exchange("0" * 32, request, response, started, started + draw(st.integers(0, 10**7)) / 1000)


def written(*found: Exchange) -> bytes:
    return json.dumps(to_har(found, "1").document).encode()


def problems(data: bytes) -> list[str]:
    return [problem.message for problem in Draft202012Validator(SCHEMA).iter_errors(json.loads(data))]


@settings(max_examples=150, deadline=None)
@given(exchanges())
def test_what_is_written_is_valid_and_read_back_as_it_was(exchange: Exchange) -> None:
    data = written(exchange)
    assert problems(data) == []
    content = parse_har(data)
    (again,) = content.exchanges
    assert (again.request, again.response) == (exchange.request, exchange.response)
    assert again.started == pytest.approx(exchange.started, abs=2e-6)
    assert again.ended - again.started == pytest.approx(exchange.ended - exchange.started, abs=2e-6)
    assert (content.torn, content.notes, content.skipped) == ((), (), ())


def test_a_recording_is_read_back_whole() -> None:
    recorded = record(users=3, rounds=6).exchanges
    data = written(*recorded)
    assert problems(data) == []
    again = parse_har(data)
    assert [(each.request.target, each.request.body, each.response) for each in again.exchanges] == [
        (each.request.target, each.request.body, each.response) for each in recorded
    ]


def response_of(exchange: Exchange) -> tuple[dict[str, Any], RecordedResponse | None]:
    data = written(exchange)
    assert problems(data) == []
    content = json.loads(data)["log"]["entries"][0]["response"]["content"]
    return content, parse_har(data).exchanges[0].response


def test_a_coded_body_is_written_as_what_it_holds() -> None:
    exchange = record(users=1, rounds=0).exchanges[0]
    packed = gzip.compress(b'{"a": 1}' * 20)
    headers = (("Content-Encoding", "gzip"), ("Content-Type", "application/json"), ("Content-Length", str(len(packed))))
    response = RecordedResponse(200, "OK", headers, Body.of(packed))
    content, again = response_of(replace(exchange, response=response))
    assert content["text"] == '{"a": 1}' * 20
    assert content["compression"] == 160 - len(packed)
    assert again is not None
    assert again.body == Body.of(b'{"a": 1}' * 20)
    assert again.headers == (("Content-Type", "application/json"), ("Content-Length", "160"))


def test_what_was_not_kept_is_not_made_up() -> None:
    exchange = record(users=1, rounds=0).exchanges[0]
    cut = RecordedResponse(200, "OK", (), Body(b"\xffab", 9, BodyState.TRUNCATED))
    content, again = response_of(replace(exchange, response=cut))
    assert content == {
        "size": 9,
        "mimeType": "",
        "comment": "cut: only the first bytes were kept",
        "text": base64.b64encode(b"\xffab").decode(),
        "encoding": "base64",
    }
    assert again == cut
    opaque = RecordedResponse(200, "OK", (), Body(b"", 9, BodyState.OPAQUE, "00"))
    _, again = response_of(replace(exchange, response=opaque))
    assert again == RecordedResponse(200, "OK", (), Body(b"", 9, BodyState.TRUNCATED))
    posted = replace(exchange.request, body=Body(b"ab", 9, BodyState.TRUNCATED), headers=(("Host", "h"),))
    data = written(replace(exchange, request=posted))
    assert problems(data) == []
    assert parse_har(data).exchanges[0].request.body == Body(b"ab", 9, BodyState.TRUNCATED)


def test_what_a_har_can_not_hold_is_counted() -> None:
    exchange = record(users=1, rounds=0).exchanges[0]
    star = replace(exchange, request=replace(exchange.request, method="OPTIONS", target="*"))
    unanswered = replace(exchange, response=None)
    exported = to_har([star, unanswered, exchange], "1")
    assert exported.left_out == (("a request target that is no path", 1),)
    data = json.dumps(exported.document).encode()
    assert problems(data) == []
    content = parse_har(data)
    assert (len(content.exchanges), content.skipped) == (1, (("no response", 1),))
