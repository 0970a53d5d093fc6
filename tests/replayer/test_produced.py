"""What a response hands out is the same, whether it is kept parsed or as it came."""

from __future__ import annotations

import gzip

import pytest

from recorder.exchange import Body, RecordedResponse
from replayer.produced import produced


def response(data: bytes, media: str = "application/json", *headers: tuple[str, str]) -> RecordedResponse:
    return RecordedResponse(200, "OK", (("Content-Type", media), ("X-Trace", "t-1"), *headers), Body.of(data))


@pytest.mark.parametrize(
    "answer",
    [
        response(b'{"id": 7, "tags": ["a", null]}'),
        response(b"[]"),
        response(gzip.compress(b'{"id": 7}'), "application/json", ("Content-Encoding", "gzip")),
        response(b'{"id": 7}\n{"id": 8}\n', "application/x-ndjson"),
        response(b'{"id": 7'),
        response(b"id,name\n1,a\n2,b\n", "text/csv"),
        response(b'<a href="/orders/7">seven</a>', "text/html"),
        response(b"pong", "text/plain"),
        response(b"null"),
        response(b""),
    ],
    ids=["object", "empty array", "gzip", "lines", "cut", "table", "page", "word", "null", "nothing"],
)
def test_what_is_kept_as_it_came_says_the_same(answer: RecordedResponse) -> None:
    parsed, kept = produced(answer), produced(answer, as_json=True)
    assert parsed.json == b""
    assert (kept.headers, kept.root, kept.body) == (parsed.headers, parsed.root, parsed.body)
    assert list(kept.leaves()) == list(parsed.leaves())


def test_json_is_kept_as_it_came() -> None:
    answer = response(b'{"id": 7}')
    kept = produced(answer, as_json=True)
    assert kept.value is None
    assert kept.json is answer.body.data
    assert kept.body == {"id": 7}
