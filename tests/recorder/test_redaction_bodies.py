from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from recorder.exchange import Body, BodyState, Exchange, OutboundCall, RecordedRequest, RecordedResponse, SqlStatement
from recorder.keys import Key
from recorder.redaction import Redactor

REDACTOR = Redactor(Key(b"0123456789abcdef0123456789abcdef"))
P = REDACTOR.pseudonym
CARD = "4111111111111111"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxNyJ9.c2lnbmF0dXJl"


def response(body: Body | bytes, *headers: tuple[str, str]) -> RecordedResponse:
    return RecordedResponse(200, "OK", headers, body if isinstance(body, Body) else Body.of(body))


def redacted(data: bytes | str, content_type: str = "") -> str:
    """A body's text after redaction, alone in its message."""
    raw = data.encode() if isinstance(data, str) else data
    headers = (("Content-Type", content_type),) if content_type else ()
    body = REDACTOR.redact_response(response(raw, *headers)).body
    assert body.state is BodyState.COMPLETE
    assert body.size == len(body.data)
    return body.data.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password": "hunter2"}', f'{{"password": "{P("hunter2")}"}}'),
        ('{ "a" : [ {"api-key"\t:\n"k1"} ] , "a":2 }', f'{{ "a" : [ {{"api-key"\t:\n"{P("k1")}"}} ] , "a":2 }}'),
        ('{"password":"x1","password":"y2"}', f'{{"password":"{P("x1")}","password":"{P("y2")}"}}'),
        ('{"pin": 1234, "otp": -5, "n": 1234}', f'{{"pin": {P("1234")}, "otp": {P("-5")}, "n": 1234}}'),
        ('{"token": true, "secret": null, "pin": ""}', '{"token": true, "secret": null, "pin": ""}'),
        ('{"tokens": 512, "session": 3, "x": {"tokens": 5}}', '{"tokens": 512, "session": 3, "x": {"tokens": 5}}'),
        ('{"tokens": [{"name": "a1"}]}', '{"tokens": [{"name": "a1"}]}'),
        ('{"/login/{password}": {"get": {"id": "a1"}}}', '{"/login/{password}": {"get": {"id": "a1"}}}'),
        ('{"\\/db\\/password": "hunter2"}', f'{{"\\/db\\/password": "{P("hunter2")}"}}'),
        ('{"/db/password": "hunter2", "/db/pin": 5}', f'{{"/db/password": "{P("hunter2")}", "/db/pin": 5}}'),
        ('{"tokens": ["a1", "b2"]}', f'{{"tokens": ["{P("a1")}", "{P("b2")}"]}}'),
        ('{"session": {"id": "x1", "token": "t1"}}', f'{{"session": {{"id": "x1", "token": "{P("t1")}"}}}}'),
        (
            '{"token": {"v": "a1", "n": [7, {"x": "b2"}], "ok": true}, "after": "a"}',
            f'{{"token": {{"v": "{P("a1")}", "n": [{P("7")}, {{"x": "{P("b2")}"}}], "ok": true}}, "after": "a"}}',
        ),
        ('{"p\\u0061ssword": "x1"}', f'{{"p\\u0061ssword": "{P("x1")}"}}'),
        ('{"password": "a\\"b\\\\c"}', '{{"password": "{0}\\"{2}\\\\{4}"}}'.format(*P('a"b\\c'))),
        ('{"note": "a \\"b\\" \\/ \\u00e9", "pin": "1"}', f'{{"note": "a \\"b\\" \\/ \\u00e9", "pin": "{P("1")}"}}'),
        ('{"x": "{\\"pin\\": 12, \\"a\\": \\"\\/\\"}"}', f'{{"x": "{{\\"pin\\": {P("12")}, \\"a\\": \\"\\/\\"}}"}}'),
        (
            f'{{"n": {CARD}, "s": "{CARD}", "t": 1700000000000}}',
            f'{{"n": {P(CARD)}, "s": "{P(CARD)}", "t": 1700000000000}}',
        ),
        ('["pay with 4111 1111 1111 1111"]', f'["pay with {P("4111 1111 1111 1111")}"]'),
        (f'{{"access": "{JWT}", "x": "see {JWT}"}}', f'{{"access": "{P(JWT)}", "x": "see {P(JWT)}"}}'),
        ('{"next": "https://a.example/?page=2&token=t1"}', f'{{"next": "https://a.example/?page=2&token={P("t1")}"}}'),
        ('{"dsn_note": "postgres://bob:p1@db/x"}', f'{{"dsn_note": "postgres://bob:{P("p1")}@db/x"}}'),
        (
            '{"query": "mutation { login(name: \\"bob\\", password: \\"p1\\") { id } }"}',
            f'{{"query": "mutation {{ login(name: \\"bob\\", password: \\"{P("p1")}\\") {{ id }} }}"}}',
        ),
        ('[52.4111111111111111, "5.4111111111111111"]', '[52.4111111111111111, "5.4111111111111111"]'),
        ('{"pin": "1"}\n{"pin": "2"}\n', f'{{"pin": "{P("1")}"}}\n{{"pin": "{P("2")}"}}\n'),
        ('\ufeff{"pin": "1"}', f'\ufeff{{"pin": "{P("1")}"}}'),
        ('"just a string"', '"just a string"'),
        (
            '{"error": "token: bad", "hint": "password too short"}',
            '{"error": "token: bad", "hint": "password too short"}',
        ),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "", "application/x-www-form-urlencoded", "image/png"])
def test_json_is_read_whatever_it_is_declared_as(text: str, expected: str, content_type: str) -> None:
    assert redacted(text, content_type) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password": "hunt', f'{{"password": "{P("hunt")}'),
        ('{"password": "hunt\\', f'{{"password": "{P("hunt")}\\'),
        ('{"password": "hunt\\u00', f'{{"password": "{P(chr(92).join(("hunt", "u00")))}'),
        ('{"a": 1, "token": {"x": ["a1", "b', f'{{"a": 1, "token": {{"x": ["{P("a1")}", "{P("b")}'),
        ('{"pin": 12', f'{{"pin": {P("12")}'),
        ('{"pin": "1", "passw', f'{{"pin": "{P("1")}", "passw'),
        ("a=1&password=hunt", f"a=1&password={P('hunt')}"),
        ("a=1&password=h%4", f"a=1&password={P('h%4')}"),
    ],
)
def test_a_cut_body_is_redacted_up_to_the_cut(text: str, expected: str) -> None:
    body = Body(text.encode(), 1000, BodyState.TRUNCATED)
    kept = REDACTOR.redact_response(response(body)).body
    assert (kept.size, kept.state) == (1000, BodyState.TRUNCATED)
    assert kept.data.decode().startswith(expected)
    assert len(kept.data) == len(body.data)
    assert b"hunt" not in kept.data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user=bob&password=a%26b+c&x=%zz", "user=bob&password={0}%26{2}+{4}&x=%zz"),
        ("user%5Bpassword%5D=a%26b+c", "user%5Bpassword%5D={0}%26{2}+{4}"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded; charset=utf-8", "application/json", ""])
def test_forms_are_read_whatever_they_are_declared_as(text: str, expected: str, content_type: str) -> None:
    assert redacted(text, content_type) == expected.format(*P("a&b c"))


def test_form_values_are_looked_into() -> None:
    text = f"card={CARD}&payload=%7B%22pin%22%3A+%221234%22%7D&remember_token=true"
    assert redacted(text) == f"card={P(CARD)}&payload=%7B%22pin%22%3A+%22{P('1234')}%22%7D&remember_token=true"


MULTIPART = (
    '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{password}\r\n'
    '--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nbob\r\n'
    '--b\r\nContent-Disposition: form-data; name="f"; filename="a.json"\r\nContent-Type: application/json\r\n\r\n'
    '{{"pin": "{pin}"}}\r\n'
    '--b\r\nContent-Disposition: form-data; name="i"; filename="a.bin"\r\n\r\n\x01\x00\x02\r\n--b--\r\n'
)


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b", 'multipart/form-data; boundary="b"', ""])
def test_multipart_fields_and_files(content_type: str) -> None:
    text = MULTIPART.format(password="hun\r\nter2", pin="1234")
    assert redacted(text, content_type) == MULTIPART.format(password=P("hun\r\nter2"), pin=P("1234"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '<input type="hidden" name="csrf_token" value="t1">',
            f'<input type="hidden" name="csrf_token" value="{P("t1")}">',
        ),
        ("<input value='t1' name=csrf_token>", f"<input value='{P('t1')}' name=csrf_token>"),
        ('<meta name="csrf-token" content="t1" />', f'<meta name="csrf-token" content="{P("t1")}" />'),
        ('<input name="q" value="t1">', '<input name="q" value="t1">'),
        ('<p>x</p><a href="/x?a=1&amp;token=t1&b=2">', f'<p>x</p><a href="/x?a=1&amp;token={P("t1")}&b=2">'),
        ('<script>var csrfToken = "t1";</script>', f'<script>var csrfToken = "{P("t1")}";</script>'),
        ('<div data-csrf-token="t1">', f'<div data-csrf-token="{P("t1")}">'),
        ("<a:Password>a&amp;b</a:Password>", "<a:Password>{0}&amp;{2}</a:Password>".format(*P("a&b"))),
        ("<token><![CDATA[t<1]]></token>", f"<token><![CDATA[{P('t<1')}]]></token>"),
        ("<html><p>The password is kept.</p></html>", "<html><p>The password is kept.</p></html>"),
    ],
)
def test_markup(text: str, expected: str) -> None:
    assert redacted(text, "text/html") == expected


@pytest.mark.parametrize(
    ("text", "content_type", "expected"),
    [
        ("user: bob\npassword: hunter2\nx: 1\n", "application/yaml", f"user: bob\npassword: {P('hunter2')}\nx: 1\n"),
        ("level=info token=t1 path=/x", "text/plain", f"level=info token={P('t1')} path=/x"),
        ("sent Bearer abc12345", "text/plain", f"sent Bearer {P('abc12345')}"),
        ("token=f(x);password=g()", "text/javascript", "token=f(x);password=g()"),
        ('cb({"token": "t1"});', "application/javascript", f'cb({{"token": "{P("t1")}"}});'),
        ('data: {"token": "t1"}\n\n', "text/event-stream", f'data: {{"token": "{P("t1")}"}}\n\n'),
    ],
)
def test_other_text(text: str, content_type: str, expected: str) -> None:
    assert redacted(text, content_type) == expected


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings(codec: str) -> None:
    body = REDACTOR.redact_response(response('{"pin": "1234"}'.encode(codec))).body
    assert body.data.decode(codec) == f'{{"pin": "{P("1234")}"}}'


def _zlib_raw(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


CODINGS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip": (lambda data: gzip.compress(data, mtime=1), gzip.decompress),
    "deflate": (zlib.compress, zlib.decompress),
    "Deflate": (_zlib_raw, lambda data: zlib.decompress(data, wbits=-15)),
    "br": (brotli.compress, brotli.decompress),
    "zstd": (zstandard.compress, zstandard.decompress),
    "gzip, br": (
        lambda data: brotli.compress(gzip.compress(data, mtime=0)),
        lambda data: gzip.decompress(brotli.decompress(data)),
    ),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_coded_body_is_redacted_within_its_coding(coding: str) -> None:
    pack, unpack = CODINGS[coding]
    packed = pack(b'{"password": "hunter2"}' * 50)
    raw = response(packed, ("Content-Encoding", coding), ("Content-Length", str(len(packed))))
    kept = REDACTOR.redact_response(raw)
    assert unpack(kept.body.data) == f'{{"password": "{P("hunter2")}"}}'.encode() * 50
    assert kept.headers == (("Content-Encoding", coding), ("Content-Length", str(len(kept.body.data))))
    assert kept.body.size == len(kept.body.data)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_coded_body_without_secrets_keeps_its_bytes(coding: str) -> None:
    raw = response(CODINGS[coding][0](b'{"name": "bob"}' * 50), ("Content-Encoding", coding))
    assert REDACTOR.redact_response(raw) == raw


@pytest.mark.parametrize("coding", ["gzip", "deflate", "Deflate", "br", "zstd"])
def test_the_beginning_of_a_coded_body_is_redacted(coding: str) -> None:
    pack, unpack = CODINGS[coding]
    plain = b"".join(b'{"n": "%d", "password": "hunter2"}\n' % (n * n * 7919) for n in range(8_000))
    packed = pack(plain)
    cut = Body(packed[: len(packed) * 3 // 4], len(packed), BodyState.TRUNCATED)
    kept = REDACTOR.redact_response(response(cut, ("Content-Encoding", coding), ("Content-Length", "9"))).body
    assert kept.state is BodyState.TRUNCATED
    text = unpack(kept.data)
    assert len(text) > 1000
    assert text == plain.replace(b"hunter2", P("hunter2").encode())[: len(text)]


def opaque(body: Body | bytes, *headers: tuple[str, str]) -> bool:
    raw = response(body, *headers)
    kept = REDACTOR.redact_response(raw).body
    return (kept.data, kept.size, kept.state, len(kept.digest)) == (b"", raw.body.size, BodyState.OPAQUE, 16)


@pytest.mark.parametrize(
    ("data", "coding"),
    [
        (b"\x1b\x03\x00", "compress"),
        (b"not gzip at all", "gzip"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-9], "gzip"),
        (gzip.compress(b"x", mtime=0) + b"trailing", "gzip"),
        (gzip.compress(bytes(9 * 1024 * 1024)), "gzip"),
        (zlib.compress(bytes(9 * 1024 * 1024)), "deflate"),
        (brotli.compress(bytes(9 * 1024 * 1024)), "br"),
        (zstandard.compress(bytes(9 * 1024 * 1024)), "zstd"),
        (b"x", "gzip, gzip, gzip, gzip, gzip"),
        (b"\xff\xff\xff", "br"),
        (b"\xff\xff\xff", "zstd"),
        (b"\x82\xa8password\xa7hunter2\xa1n\x00", ""),
    ],
)
def test_what_cannot_be_read_is_kept_as_digest_and_size(data: bytes, coding: str) -> None:
    assert opaque(data, ("Content-Encoding", coding))


def test_brotli_without_its_library_is_opaque(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "brotli", None)
    monkeypatch.setitem(__import__("sys").modules, "brotlicffi", None)
    assert opaque(brotli.compress(b'{"name": "bob"}'), ("Content-Encoding", "br"))


def test_equal_opaque_bodies_have_equal_digests() -> None:
    first, second, third = (
        REDACTOR.redact_response(response(data, ("Content-Encoding", "x"))).body.digest for data in (b"a", b"a", b"b")
    )
    assert first == second != third


@pytest.mark.parametrize(
    "data",
    [b"", b"\x89PNG\r\n\x1a\n\0token", b"\xff\xd8\xff\0secret", b"%PDF-1.7 plain", b"\0\1\2\3", b"\xff\xfe\xfd", b"{"],
)  # fmt: skip
def test_media_and_harmless_bytes_stay(data: bytes) -> None:
    assert REDACTOR.redact_response(response(data)) == response(data)


def test_texts_nested_without_end_are_not_kept_in_clear() -> None:
    text = '{"pin": "hunter2"}'
    for _ in range(6):
        text = json.dumps({"x": text})
    assert opaque(text.encode())


def test_one_body_cannot_hide_behind_depth_or_size() -> None:
    deep = b"[" * 100_000 + b'{"pin": "hunter2"}'
    assert b"hunter2" not in REDACTOR.redact_response(response(deep)).body.data
    long = b'{"a": "' + b"x" * 200_000 + b'", "pin": "hunter2", "b": "' + b"y" * 200_000 + b'"}'
    assert REDACTOR.redact_response(response(long)).body.data == long.replace(b"hunter2", P("hunter2").encode())


def test_an_exchange_is_redacted_as_one() -> None:
    login = RecordedRequest("POST", "/login", (), Body.of(b'{"name": "bob", "password": "correct-horse-1"}'))
    answer = response(b'{"sent": "bob:correct-horse-1", "key": "zQ81kfmW"}', ("Set-Cookie", "sid=zQ81kfmW"))
    call = RecordedRequest("GET", "/check?p=correct-horse-1", ())
    raw = Exchange(
        "0" * 32, login, answer, 1.0, 2.0, route="/login", client="c", links=("l",), principal="p",
        sql=(SqlStatement("f", "SELECT 'zQ81kfmW'", 1, 1),), outbound=(OutboundCall(call, None, 1.0, 2.0),),
    )  # fmt: skip
    word, sid = P("correct-horse-1"), P("zQ81kfmW")
    assert REDACTOR.redact(raw) == Exchange(
        "0" * 32,
        RecordedRequest("POST", "/login", (), Body.of(f'{{"name": "bob", "password": "{word}"}}'.encode())),
        response(f'{{"sent": "bob:{word}", "key": "{sid}"}}'.encode(), ("Set-Cookie", f"sid={sid}")),
        1.0, 2.0, route="/login", client="c", links=("l",), principal="p",
        sql=(SqlStatement("f", f"SELECT '{sid}'", 1, 1),),
        outbound=(OutboundCall(RecordedRequest("GET", f"/check?p={word}", ()), None, 1.0, 2.0),),
    )  # fmt: skip


def test_a_word_that_is_a_password_is_replaced_as_a_value_only() -> None:
    body = b'{"password": "invoices", "note": "all invoices", "same": "invoices", "invoices": []}'
    word = P("invoices")
    request = REDACTOR.redact_request(RecordedRequest("POST", "/invoices", (), Body.of(body)))
    assert request.target == "/invoices"
    assert request.body.data.decode() == (
        f'{{"password": "{word}", "note": "all invoices", "same": "{word}", "invoices": []}}'
    )


def test_redacting_twice_is_harmless() -> None:
    raw = response(b'{"pin": "1234", "token": "' + JWT.encode() + b'"}', ("Set-Cookie", "a=b1"))
    twice = REDACTOR.redact_response(REDACTOR.redact_response(raw))
    assert len(twice.body.data) == len(raw.body.data)
