from __future__ import annotations

import base64

import pytest

from recorder.exchange import Body, RecordedRequest, RecordedResponse
from recorder.keys import Key
from recorder.redaction import Redactor

REDACTOR = Redactor(Key(b"0123456789abcdef0123456789abcdef"), ["Membership-Number"])
P = REDACTOR.pseudonym


def field(name: str, value: str) -> str:
    """The field after redaction, alone in its message."""
    ((kept, redacted),) = REDACTOR.redact_request(RecordedRequest("GET", "/", ((name, value),))).headers
    assert kept == name
    return redacted


def target(value: str) -> str:
    return REDACTOR.redact_request(RecordedRequest("GET", value, ())).target


def basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Authorization", "Bearer abc.DEF-123", f"Bearer {P('abc.DEF-123')}"),
        ("authorization", "bearer  abc123", f"bearer  {P('abc123')}"),
        ("Authorization", "Token abc123", f"Token {P('abc123')}"),
        ("AUTHORIZATION", "abc123", P("abc123")),
        ("Authorization", 'Token token="abc123", coverage="base"', f'Token token="{P("abc123")}", coverage="base"'),
        ("Authorization", f"Basic {basic('bob:hunter2')}", f"Basic {basic('bob:' + P('hunter2'))}"),
        ("Authorization", f"Basic {basic('bob:a:b')}", f"Basic {basic('bob:' + P('a:b'))}"),
        ("Authorization", f"Basic {basic('sk_live_9:')}", f"Basic {basic(P('sk_live_9') + ':')}"),
        ("Authorization", "Basic not*base64", f"Basic {P('not*base64')}"),
        ("Proxy-Authorization", "Bearer abc123", f"Bearer {P('abc123')}"),
        (
            "Authorization",
            'Digest username="bob", nonce="n1", uri="/", cnonce="c0ffee", response="0123abcd"',
            f'Digest username="bob", nonce="n1", uri="/", cnonce="{P("c0ffee")}", response="{P("0123abcd")}"',
        ),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 SignedHeaders=host;range, Signature=fe5f80",
            f"AWS4-HMAC-SHA256 SignedHeaders=host;range, Signature={P('fe5f80')}",
        ),
        ("Authorization", "Bearer YWJjZA==", f"Bearer {P('YWJjZA==')}"),
        ("Authorization", "Bearer ", "Bearer "),
        ("Cookie", "sid=abc123; theme=dark;x=", f"sid={P('abc123')}; theme={P('dark')};x="),
        ("Cookie", 'a="quoted 1"; b; c==', f'a="{P("quoted 1")}"; {P("b")}; c={P("=")}'),
        ("Cookie", "a=x%20Y1%2f", "a={0}%20{2}{3}%2f".format(*P("x Y1/"))),
        (
            "Set-Cookie",
            "sid=abc123; Path=/; HttpOnly; SameSite=Lax",
            f"sid={P('abc123')}; Path=/; HttpOnly; SameSite=Lax",
        ),
        ("Set-Cookie", "sid=; Max-Age=0", "sid=; Max-Age=0"),
        (
            "Set-Cookie",
            'sid=""; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
            'sid=""; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
        ),
        ("Set-Cookie", "sid=deleted; Max-Age=0", "sid=deleted; Max-Age=0"),
        ("X-Api-Key", "k-123", P("k-123")),
        ("X-Auth-Token", "Bearer t0k", f"Bearer {P('t0k')}"),
        ("X-CSRF-Token", "abc=", P("abc=")),
        ("membership_number", "77", P("77")),
        ("X-Hub-Signature-256", "sha256=00ff", f"sha256={P('00ff')}"),
        ("Stripe-Signature", "t=1700000000,v1=00ff", f"t=1700000000,v1={P('00ff')}"),
        ("Referer", "https://a.example/x?page=2&token=t0k#top", f"https://a.example/x?page=2&token={P('t0k')}#top"),
        ("Location", "/cb#access_token=t0k&token_type=bearer", f"/cb#access_token={P('t0k')}&token_type=bearer"),
        ("Location", "https://bob:hunter2@a.example/", f"https://bob:{P('hunter2')}@a.example/"),
        ("Refresh", "0; url=/x?token=t0k", f"0; url=/x?token={P('t0k')}"),
        ("Link", '</x?api_key=k1>; rel="next"', f'</x?api_key={P("k1")}>; rel="next"'),
        ("X-Original-Uri", "/x?password=p%26q", f"/x?password={P('p&q')[0]}%26{P('p&q')[2]}"),
        ("X-Debug", "user eyJhbGciOiJI.eyJzdWIiOiIx.c2ln said", f"user {P('eyJhbGciOiJI.eyJzdWIiOiIx.c2ln')} said"),
    ],
)
def test_fields_are_redacted_by_atom(name: str, value: str, expected: str) -> None:
    assert field(name, value) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "a.example"),
        ("Idempotency-Key", "7d9f2c"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
        ("Sec-CH-UA", '"Not?A_Brand";v="8", "Chromium";v="120"'),
        ("WWW-Authenticate", 'Digest realm="x", nonce="abc", qop="auth"'),
        ("Accept", "text/html;q=0.9,*/*;q=0.8"),
        ("Referer", "https://a.example/x?page=2&q=%zz+1"),
        ("Date", "Mon, 23 Nov 2026 00:00:00 GMT"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("X-Odd", "caf\xc3\xa9 \xff"),
        ("X-Api-Key", ""),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Credentials", " False"),
        ("Authorization", ""),
        ("Cookie", ""),
    ],
)
def test_harmless_fields_stay(name: str, value: str) -> None:
    assert field(name, value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/a%2fb/./c?x=1&x=%zz&&y", "/a%2fb/./c?x=1&x=%zz&&y"),
        ("/a?api_key=k1&x=1&API-Key=k1", f"/a?api_key={P('k1')}&x=1&API-Key={P('k1')}"),
        ("/a?user%5Bpassword%5D=p1", f"/a?user%5Bpassword%5D={P('p1')}"),
        ("/a?password=a+b", f"/a?password={P('a b')[0]}+{P('a b')[2]}"),
        ("/a?token=&token", "/a?token=&token"),
        ("/a?token=true", "/a?token=true"),
        ("/a?next=%2Fb%3Ftoken%3Dt0k", f"/a?next=%2Fb%3Ftoken%3D{P('t0k')}"),
        ("/a;jsessionid=s1/b?x=1", f"/a;jsessionid={P('s1')}/b?x=1"),
        ("http://bob:p1@a.example/x", f"http://bob:{P('p1')}@a.example/x"),
        ("/verify/eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", f"/verify/{P('eyJhbGciOiJI.eyJzdWIiOiIx.c2ln')}"),
        ("/pay?n=4111111111111111", f"/pay?n={P('4111111111111111')}"),
        ("*", "*"),
    ],
)
def test_targets(value: str, expected: str) -> None:
    assert target(value) == expected


def test_equal_values_stay_equal_across_all_places() -> None:
    token = "AbC-123_xyz.90"
    request = RecordedRequest(
        "POST",
        f"/t/{token}?access_token={token}",
        (("Authorization", f"Bearer {token}"), ("Cookie", f"t={token}"), ("X-Note", f"<{token}>")),
        Body.of(f'{{"refresh_token": "{token}", "note": "is {token}!", "{token}": 1}}'.encode()),
    )
    new = P(token)
    assert REDACTOR.redact_request(request) == RecordedRequest(
        "POST",
        f"/t/{new}?access_token={new}",
        (("Authorization", f"Bearer {new}"), ("Cookie", f"t={new}"), ("X-Note", f"<{new}>")),
        Body.of(f'{{"refresh_token": "{new}", "note": "is {new}!", "{new}": 1}}'.encode()),
    )


def test_utf8_bytes_in_a_cookie_get_the_pseudonym_of_the_text_in_a_body() -> None:
    wire = "pässwörd".encode().decode("latin-1")
    response = RecordedResponse(200, "OK", (("Set-Cookie", f"a={wire}"),), Body.of('{"token": "pässwörd"}'.encode()))
    redacted = REDACTOR.redact_response(response)
    assert redacted.headers == (("Set-Cookie", "a=" + P("pässwörd").encode().decode("latin-1")),)
    assert redacted.body == Body.of(f'{{"token": "{P("pässwörd")}"}}'.encode())


def test_a_field_that_is_not_one_character_per_byte_is_replaced_as_a_whole() -> None:
    assert "secret" not in field("Cookie", "sid=secret\u20ac")
