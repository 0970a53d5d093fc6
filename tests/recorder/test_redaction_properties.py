"""What holds for every exchange: no secret survives, equal stays equal, the rest stays, nothing raises."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from recorder.exchange import Body, BodyState, Exchange, RecordedRequest, RecordedResponse
from recorder.keys import Key
from recorder.redaction import Redactor

REDACTOR = Redactor(Key(b"0123456789abcdef0123456789abcdef"))
MEDIA_TYPES = st.sampled_from(
    [
        "", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/html",
        "text/plain; charset=utf-16", "image/png", "application/javascript", "text/xml; charset=latin-1",
        "text/plain; charset=cp037",
    ]
)  # fmt: skip
CODINGS = st.sampled_from(["", "gzip", "deflate", "br", "zstd", "gzip, br", "nonsense"])
_PRINTABLE = st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=("L", "N", "P"))
SECRETS = st.text(alphabet=_PRINTABLE, min_size=14).map(lambda text: f"a1{text}Z9")
HARMLESS = st.text(alphabet="bcdfgh ", max_size=12)


def spellings(secret: str) -> set[str]:
    plain = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret)}
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return plain | in_json | {base64.b64encode(f"bob:{secret}".encode()).decode(), secret.encode().decode("latin-1")}


def everything(exchange: Exchange) -> str:
    """All text that the exchange would be stored with, bodies decoded."""
    messages = [exchange.request, exchange.response]
    parts = [exchange.request.target]
    for message in messages:
        assert message is not None
        parts += [value for _, value in message.headers]
        data = gzip.decompress(message.body.data) if message.body.data[:2] == b"\x1f\x8b" else message.body.data
        parts += [data.decode("utf-8", "surrogateescape"), data.decode("latin-1")]
    return "\n".join(parts)


def exchange_of(secret: str, harmless: str, form: str, packed: bool) -> Exchange:
    bodies = {
        "json": json.dumps({"h": harmless, "a": [{"user_password": secret}], "echo": f"<{secret}>"}),
        "raw json": json.dumps({"h": harmless, "token": {"x": secret}}, ensure_ascii=False),
        "form": f"h={quote_plus(harmless)}&new-password={quote_plus(secret)}&echo={quote(secret)}",
        "multipart": f'--b\r\nContent-Disposition: form-data; name="secret"\r\n\r\n{secret}\r\n--b--\r\n',
        "html": f"<p>{harmless}</p><input name='csrf_token' value='{html.escape(secret)}'>{html.escape(secret)}",
        "nested": json.dumps({"payload": json.dumps({"api_key": secret})}),
    }
    data = bodies[form].encode()
    wire = secret.encode().decode("latin-1")
    request = RecordedRequest(
        "POST",
        f"/x/{quote(secret, safe='')}?h={quote_plus(harmless)}&api_key={quote_plus(secret)}",
        (
            ("Authorization", "Basic " + base64.b64encode(f"bob:{secret}".encode()).decode()),
            ("X-Access-Token", wire),
            ("X-Note", f"saw {wire}."),
            ("Referer", f"https://a.example/?token={quote_plus(secret)}"),
        ),
        Body.of(data),
    )
    headers = (("Content-Encoding", "gzip"),) if packed else ()
    return Exchange(
        "0" * 32,
        request,
        RecordedResponse(200, "OK", headers, Body.of(gzip.compress(data) if packed else data)),
        1.0,
        2.0,
    )


FORMS = st.sampled_from(["json", "raw json", "form", "multipart", "html", "nested"])


@given(SECRETS, HARMLESS, FORMS, st.booleans())
def test_no_secret_survives_and_nothing_harmless_is_lost(secret: str, harmless: str, form: str, packed: bool) -> None:
    redacted = REDACTOR.redact(exchange_of(secret, harmless, form, packed))
    text = everything(redacted)
    assert [spelling for spelling in spellings(secret) if spelling in text] == []
    assert redacted.request.body.complete
    if form in ("json", "form", "html"):
        assert (quote_plus(harmless) if form == "form" else harmless) in redacted.request.body.data.decode()


@given(SECRETS, FORMS)
def test_equal_secrets_get_equal_pseudonyms_everywhere(secret: str, form: str) -> None:
    redacted = REDACTOR.redact(exchange_of(secret, "", form, False))
    assert redacted == exchange_of(REDACTOR.pseudonym(secret), "", form, False) or any(
        c in secret
        for c in "\"'&<>"  # the pseudonym keeps them, but in the spelling of their place
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e15, 1e15).filter(lambda x: not 0 < abs(x) < 1e-300)
    | st.text(max_size=5),  # shorter than what is looked for elsewhere
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "id", "password", "token", "é"]), inner)
    ),
    max_leaves=20,
)


def shape(value: object, secret: bool = False) -> object:
    """The document with each secret value's type in its place."""
    if isinstance(value, dict):
        return {key: shape(inner, secret or key in ("password", "token")) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner, secret) for inner in value]
    if secret and not isinstance(value, bool) and value is not None:
        return len(value) if isinstance(value, str) else type(value)
    return value


def leaves(value: object, secret: bool = False) -> list[object]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, secret or key in ("password", "token"))]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner, secret)]
    return [value] if secret and not isinstance(value, bool) and value is not None and value != "" else []


@given(JSON, st.booleans(), st.sampled_from([None, 1]))
def test_json_keeps_its_shape_and_loses_its_secrets(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps({"x": value}, ensure_ascii=ascii_only, indent=indent)
    data = text.encode("utf-8", "surrogatepass")
    redacted = REDACTOR.redact_response(RecordedResponse(200, "OK", (), Body.of(data))).body.data
    before, after = json.loads(text), json.loads(redacted.decode("utf-8", "surrogatepass"))
    assert shape(after) == shape(before)
    assert all(new != old for old, new in zip(leaves(before), leaves(after), strict=True))
    if not leaves(before):
        assert redacted == data


@given(JSON, st.integers(1, 200))
def test_cut_json_holds_no_more_of_a_secret_than_whole_json(value: object, length: int) -> None:
    data = json.dumps({"password": "a1-correct-horse-Z9", "x": value, "token": "b2-battery-staple-Y8"}).encode()[
        :length
    ]
    body = Body(data, 1000, BodyState.TRUNCATED)
    kept = REDACTOR.redact_response(RecordedResponse(200, "OK", (), body)).body
    assert (kept.size, kept.state) == (1000, BodyState.TRUNCATED)
    assert not re.search(rb"a1-c|b2-b", kept.data)


@given(
    st.binary(max_size=300),
    MEDIA_TYPES,
    CODINGS,
    st.sampled_from(BodyState),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_nothing_raises(data: bytes, media: str, coding: str, state: BodyState, field: str, target: str) -> None:
    headers = (
        ("Content-Type", media),
        ("Content-Encoding", coding),
        ("Cookie", field),
        ("Authorization", field),
        (field, field),
    )
    body = Body(data, len(data), state)
    exchange = Exchange(
        "0" * 32, RecordedRequest("GET", target, headers, body), RecordedResponse(200, "", headers, body), 1.0, 2.0
    )
    redacted = REDACTOR.redact(exchange)
    assert redacted.response is not None
    assert redacted.request.body == redacted.response.body or coding
    assert len(redacted.request.headers) == len(headers)


@given(st.text(alphabet="{}[]\":,\\ \tapinpassword1234=&<>;/'\n-", max_size=200), MEDIA_TYPES)
def test_odd_texts_neither_raise_nor_grow(text: str, media: str) -> None:
    body = REDACTOR.redact_response(RecordedResponse(200, "", (("Content-Type", media),), Body.of(text.encode()))).body
    assert body.state in (BodyState.COMPLETE, BodyState.OPAQUE)
    assert body.size == len(text) or body.complete
