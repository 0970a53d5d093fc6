"""Requests that general HTTP clients do not send as they are, as raw bytes, and what each holds."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from recorder.exchange import Body, RecordedRequest

HOST = "shop.example"


@dataclass(frozen=True)
class Awkward:
    """One request. `dropped` are the fields that belong to the recorded connection and are not sent again."""

    name: str
    line: str  # the request line without its version
    fields: tuple[str, ...] = ()  # after Host
    body: bytes = b""  # without chunk framing
    framed: bytes | None = None  # the body as it was on the wire, when that is another thing
    dropped: tuple[str, ...] = ()
    host: str = f"Host: {HOST}"
    gunicorn_refuses: bool = False  # it answers 400 itself

    def raw(self) -> bytes:
        """As the client sent it."""
        lines = [f"{self.line} HTTP/1.1", self.host, *self.fields]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (self.body if self.framed is None else self.framed)

    def replayed(self, authority: str, appended: str) -> bytes:
        """As it must leave us for the given authority."""
        line = self.line.replace(f"//{HOST}", f"//{authority}")
        host = self.host.split(":")[0] + f": {authority}"
        kept = [field for field in self.fields if field not in self.dropped]
        head = "\r\n".join([f"{line} HTTP/1.1", host, *kept, appended]).encode("latin-1") + b"\r\n\r\n"
        if self.framed is None:
            return head + self.body
        return head + (b"%x\r\n%b\r\n" % (len(self.body), self.body) if self.body else b"") + b"0\r\n\r\n"

    def recorded(self) -> RecordedRequest:
        """As a recording holds it."""
        method, _, target = self.line.partition(" ")
        pairs = (field.partition(":") for field in (self.host, *self.fields))
        headers = tuple((name, value.removeprefix(" ")) for name, _, value in pairs)
        return RecordedRequest(method, target, headers, Body.of(self.body))


def _form(data: bytes, *fields: str, line: str = "POST /form") -> Awkward:
    length = f"Content-Length: {len(data)}"
    return Awkward(
        f"{line}: {fields}", line, ("Content-Type: application/x-www-form-urlencoded", length, *fields), data
    )


_MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="\xc3\xa9.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\x00\xff\r\n--\r\n--b--\r\n"
)
_GZIP = gzip.compress(b'{"name": "a"}', mtime=0)

AWKWARD = (
    Awkward("escapes", "GET /a%2fb%2Fc%zz%/%41?q=%2f&r=%&s=%zz&t=a+b%20c"),
    Awkward("dot segments", "GET /a/./b/../c/..?x=/../y"),
    Awkward("two slashes", "GET //host.example//a//?//"),
    Awkward("parameters", "GET /a;v=1/b;w=2;x?c;d"),
    Awkward("empty query", "GET /a?"),
    Awkward("many question marks", "GET /a??b?=c&&=&d"),
    Awkward("legal raw characters", "GET /'a'\"b\"<c>[d]{e}|f\\^`~!$&()*,;=:@?'\"<>[]{}|\\^`"),
    Awkward("bytes in the target", "GET /caf\xe9/\xff?\xe9=\xc3\xa9", gunicorn_refuses=True),
    Awkward("UTF-8 escapes", "GET /caf%C3%A9/%E9/%00"),
    Awkward("a long target", "GET /" + "a%2f" * 900 + "?" + "b=1&" * 20),
    Awkward("duplicate fields", "GET /a", ("X-A: 1", "x-a: 2", "X-a: 1", "Accept: a", "aCCept: b;q=0.1, c")),
    Awkward("cookies", "GET /a", ("Cookie: a=1; b=2", "Cookie: c=3", 'cookie: d="x, y"; a=4')),
    Awkward("bytes in values", "GET /a", ("X-Name: Jos\xe9 \xff\x80", "X-Utf8: \xc3\xa9")),
    Awkward(
        "empty and odd values",
        "GET /a",
        ("X-Empty: ", "X-Colon: a:b: c", "X-Inner: a   b\tc", "X_Under: 1", "x!#$%&'*+.^`|~-1: v"),
    ),
    Awkward("a long value", "GET /a", ("X-Long: " + "v" * 8000,)),
    Awkward("many fields", "GET /a", tuple(f"X-Field-{index}: {index}" for index in range(80))),
    Awkward("a lower-case host", "GET /a", host=f"hOST: {HOST}"),
    Awkward("forwarded", "GET /a", ("X-Forwarded-For: 10.0.0.1, 10.0.0.2", "Forwarded: for=a", "Via: 1.0 x")),
    Awkward("behind TLS", "GET /a", ("X-Forwarded-Proto: https",)),
    Awkward(
        "the connection's own fields",
        "GET /a",
        (
            "Connection: keep-alive, X-Mine",
            "Keep-Alive: timeout=5",
            "X-Mine: kept",
            "TE: trailers",
            "Proxy-Connection: x",
        ),
        dropped=("Connection: keep-alive, X-Mine", "Keep-Alive: timeout=5", "TE: trailers", "Proxy-Connection: x"),
    ),
    Awkward(
        "an offered upgrade",
        "GET /a",
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        dropped=("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    ),
    Awkward("absolute target", f"GET http://{HOST}/a%2f/../b?c=http://{HOST.upper()}/"),
    Awkward("OPTIONS *", "OPTIONS *"),
    Awkward("OPTIONS", "OPTIONS /a", ("Origin: https://x", "Access-Control-Request-Method: PUT")),
    Awkward("HEAD", "HEAD /a"),
    Awkward("DELETE with a body", "DELETE /a", ("Content-Length: 7",), b'{"a":1}'),
    Awkward("GET with a body", "GET /a", ("Content-Length: 3",), b"abc"),
    Awkward("no length", "POST /a"),
    Awkward("length 0", "POST /a", ("Content-Length: 0",)),
    Awkward("PATCH", "PATCH /a", ("Content-Type: application/json-patch+json", "Content-Length: 2"), b"[]"),
    Awkward("PROPFIND", "PROPFIND /a", ("Depth: 1",)),
    Awkward("M-SEARCH", "M-SEARCH /a"),
    Awkward("lower-case method", "get /a", gunicorn_refuses=True),
    Awkward("an odd method", "X!$-1 /a", gunicorn_refuses=True),
    Awkward("range and conditions", "GET /a", ('If-None-Match: "a", W/"b"', "Range: bytes=0-,5-6")),
    _form(b"a=1&a=2&b=%2f+&c"),
    _form(b"a=\xe9&\xff", "Content-Language: x"),
    Awkward("gzip body", "POST /a", ("Content-Encoding: gzip", f"Content-Length: {len(_GZIP)}"), _GZIP),
    Awkward(
        "multipart",
        "POST /a",
        ('Content-Type: multipart/form-data; boundary="b"', f"Content-Length: {len(_MULTIPART)}"),
        _MULTIPART,
    ),
    Awkward("every byte", "PUT /a", ("Content-Length: 256",), bytes(range(256))),
    Awkward("a large body", "PUT /a", ("Content-Length: 300000",), b"0123456789" * 30_000),
    Awkward("expectation", "POST /a", ("Expect: 100-continue", "Content-Length: 3"), b"abc"),
    Awkward(
        "chunks with extensions",
        "POST /a",
        ("Transfer-Encoding: chunked", "Content-Type: text/plain"),
        b"hello world",
        b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    ),
    Awkward("no chunks", "POST /a", ("transfer-encoding: Chunked",), b"", b"0\r\n\r\n"),
)
