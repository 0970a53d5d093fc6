"""What leaves the process, held to the byte: pseudonyms and links of one key must not change between two releases.

A recording of yesterday is compared with one of today by its pseudonyms. The expected payloads were written by the
first release; `data/sealed.json` is not to be made anew to get this test to pass.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from recorder.exchange import Body, BodyState, Exchange, RecordedRequest, RecordedResponse
from recorder.identity import Identifier, identify
from recorder.keys import Key
from recorder.payload import decode_exchange, encode_exchange
from recorder.redaction import Redactor

KEY = Key(b"a key of at least thirty-two bytes")
EXPECTED = Path(__file__).parent / "data" / "sealed.json"
Fields = tuple[tuple[str, str], ...]


def jwt(subject: str) -> str:
    parts = (b'{"alg":"HS256"}', json.dumps({"sub": subject}).encode(), b"signature-of-it")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


SESSION = "eyJ1c2VyIjoxfQ.Zx8kQw.k3y-Of_A-sess10n"
REQUEST_FIELDS: tuple[Fields, ...] = (
    (
        ("Host", "shop.example"),
        ("User-Agent", "Mozilla/5.0"),
        ("Accept", "*/*"),
        ("X-Request-Id", "0f8fad5b-d9cb-469f"),
    ),
    (
        ("Cookie", f"session={SESSION}; theme=dark; cart=a1b2c3d4e5f6"),
        ("User-Agent", "curl/8"),
        ("X-Odd", "caf\xc3\xa9"),
    ),
    (
        ("Authorization", f"Bearer {jwt('17')}"),
        ("Content-Type", "application/json"),
        ("Referer", "https://h/?token=t0ken-1"),
    ),
    (("Authorization", "Basic YWRhOmwwdmVsYWNl"), ("Cookie", 'a="quoted-value-1"; b=%41bc12345; deleted=')),
    (("Authorization", 'Digest username="ada", response="6629fae49393a05397450978507c4ef1", cnonce="0a4f113b"'),),
    (
        ("X-Api-Key", "k-1234567890abcdef"),
        ("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a"),
        ("Cookie", "\xff\xfe=\xff1"),
    ),
    (("Content-Encoding", "gzip"), ("Content-Type", "application/json"), ("X-Card", "4111 1111 1111 1111")),
)
TARGETS = (
    "/",
    f"/reset/{jwt('18')}?q=1",
    "/login?next=%2F&password=l0velace-9&x=1",
    "//ada:l0velace@h/x;token=abcdef123456",
)
BODIES = (
    b"",
    b'{"items": [{"id": 1, "name": "cup"}], "total": 1}',
    b'{"user": {"password": "l0velace-9", "pin": 4711}, "access_token": "' + jwt("19").encode() + b'"}',
    b"user=ada&password=l0velace-9&next=%2F",
    b"<form><input name=csrf_token value='f00df00dcafe'></form><p>card 4111111111111111</p>",
    b"the session is " + SESSION.encode() + b"; nothing else: token=abcdef123456, key: value\n",
    b'{"note": "Bearer abcdef123456", "log": "password=hunter2hunter2 user=1", "esc": "\\u0041\\"x\\""}',
    b"\x00\x01\x02binary",
    b"\x00\x01password\x02",
    '{"päss": "wörd", "passwort": "gehéim-1234"}'.encode(),
    gzip.compress(b'{"api_key": "k-1234567890abcdef", "page": 1}', mtime=0),
)
RESPONSE_FIELDS: tuple[Fields, ...] = (
    (("Content-Type", "application/json"), ("Content-Length", "49")),
    (
        ("Set-Cookie", f"session={SESSION}; Path=/; HttpOnly"),
        ("Set-Cookie", "gone=; Max-Age=0"),
        ("Location", "/x?code=abc123def456"),
    ),
    (("content-encoding", "gzip"), ("content-type", "text/html; charset=utf-8"), ("X-Token", "Bearer t0ken-t0ken-1")),
)


def corpus() -> Iterator[Exchange]:
    """Every pair of a request and a response that the lists above can make, each body once whole and once cut."""
    for number, (fields, target, body) in enumerate(product(REQUEST_FIELDS, TARGETS, BODIES)):
        state = BodyState.COMPLETE if number % 3 else BodyState.TRUNCATED
        request = RecordedRequest("POST", target, fields, Body(body, len(body), state))
        answer = BODIES[(number * 7 + number // 11) % len(BODIES)]
        response = RecordedResponse(200, "OK", RESPONSE_FIELDS[number % 3], Body.of(answer))
        yield Exchange(f"{number:032x}", request, None if number % 17 == 16 else response, 1.0, 2.0)


def expected() -> list[Exchange]:
    return [decode_exchange(base64.b64decode(payload)) for payload in json.loads(EXPECTED.read_text())]


def test_identified_and_redacted_as_by_the_first_release() -> None:
    redactor = Redactor(KEY)
    found = [redactor.redact(identify(raw, remote_addr="192.0.2.7", principal="", key=KEY)) for raw in corpus()]
    assert found == expected()


@pytest.mark.parametrize("backwards", [False, True])
def test_what_was_seen_before_changes_nothing(backwards: bool) -> None:
    """The same through what the recorder itself calls, from memory the second time, in either order."""
    identifier, redactor = Identifier(KEY), Redactor(KEY)
    pairs = list(zip(corpus(), expected(), strict=True))
    for raw, wanted in (*pairs, *pairs[:: -1 if backwards else 1]):
        client, links, principal = identifier.identify(raw.request, raw.response, "192.0.2.7", "")
        request, response = redactor.redact_messages(raw.request, raw.response)
        sealed = replace(raw, request=request, response=response, client=client, links=links, principal=principal)
        assert encode_exchange(sealed) == encode_exchange(wanted)
