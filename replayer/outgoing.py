"""From a recorded request to the one that goes out: pure functions, no socket.

What was recorded goes out byte for byte. What changes, and why:

- the target's authority and `Host` name the instance, in the place where they stood; a base URL's path goes in front;
- fields that belong to the recorded connection, not to the request (`Connection`, `Keep-Alive`, `Proxy-*`, `TE`,
  `Trailer`, `Upgrade`, `HTTP2-Settings`), are left out, and the version is HTTP/1.1: a connection of ours is another
  hop (RFC 9110 §7.6.1, §6.2). Fields that `Connection` names stay, since the recorded application saw them, and so
  does `Connection: keep-alive`: it is as true of our connections, and an application may show what it was sent;
- a body that was chunked is chunked again, in one chunk: where the recorded one was cut is not known;
- `Content-Length` is corrected in its place when the body has another length, and added when nothing else frames it;
- the fields that the caller appends come last, and recorded fields of these names are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

import httpx

from recorder.exchange import Headers, RecordedRequest

from .connection import Origin, WireRequest
from .errors import UsageError

CONNECTION_FIELDS = frozenset({"connection", "keep-alive", "te", "trailer", "upgrade", "http2-settings"})
DEFAULT_PORTS = {"http": 80, "https": 443}

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*")


@dataclass(frozen=True, slots=True)
class Site:
    """Where an instance answers. `authority` is what `Host` says, `prefix` a path without a slash at its end."""

    scheme: str
    host: str
    port: int
    authority: str
    prefix: str = ""

    @property
    def origin(self) -> Origin:
        return Origin(self.host, self.port, self.scheme == "https")

    @classmethod
    def parse(cls, base_url: str) -> Site:
        """Read a base URL. Raises UsageError."""
        try:
            parts = urlsplit(base_url)
            port = parts.port
            host = parts.hostname or ""
            ascii_host = host if ":" in host or host.isascii() else host.encode("idna").decode()
        except (ValueError, UnicodeError) as error:
            raise UsageError(f"{base_url!r} is not a URL: {error}") from error
        if parts.scheme not in DEFAULT_PORTS or not host:
            raise UsageError(f"{base_url!r} is no base URL", "It starts with http:// or https:// and names a host.")
        if parts.query or parts.fragment or parts.username is not None:
            raise UsageError(
                f"the base URL of {host} holds a query, a fragment or credentials",
                "A base URL is scheme, host, port and path; credentials come from `mint`.",
            )
        shown = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
        default = DEFAULT_PORTS[parts.scheme]
        authority = shown if port in (None, default) else f"{shown}:{port}"
        return cls(parts.scheme, ascii_host, port or default, authority, parts.path.rstrip("/"))


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """What goes out, before framing. Strings hold one character per byte, as in a recording."""

    method: str
    target: str
    headers: Headers
    body: bytes
    chunked: bool = False
    expects: bool = False


def rebuild(request: RecordedRequest, site: Site, appended: Headers = ()) -> OutgoingRequest:
    """The request as it goes to `site`. Never raises: what cannot be sent is found by `encode`."""
    body = request.body.data
    ours = {name.lower() for name, _ in appended}
    chunked = _final_coding(request.headers) == "chunked"
    fields: list[tuple[str, str]] = []
    seen_host = seen_length = expects = False
    for field in request.headers:
        name = field[0].lower()
        if name == "host":
            fields.append((field[0], site.authority))
            seen_host = True
        elif name in ours or _of_the_connection(name, field[1]):
            continue
        elif name == "content-length":
            if not chunked and not seen_length:
                seen_length = True
                fields.append(field if _says(field[1], len(body)) else (field[0], str(len(body))))
        elif name == "transfer-encoding":
            if chunked:
                fields.append(field)
        else:
            expects = expects or (name == "expect" and field[1].strip().lower() == "100-continue")
            fields.append(field)
    if not seen_host and "host" not in ours:
        fields.insert(0, ("Host", site.authority))
    if body and not chunked and not seen_length:
        fields.append(("Content-Length", str(len(body))))
    fields.extend(appended)
    return OutgoingRequest(request.method, _aim(request.target, site), tuple(fields), body, chunked, expects)


def encode(request: OutgoingRequest) -> WireRequest:
    """The bytes for the socket. Raises httpx.LocalProtocolError for what would not arrive as one request."""
    if not _is_token(request.method):
        raise httpx.LocalProtocolError(f"{request.method!r} is not a method")
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    for name, value in request.headers:
        if not _is_token(name):
            raise httpx.LocalProtocolError(f"{name!r} is not a field name")
        lines.append(f"{name}: {value}")
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        raise httpx.LocalProtocolError("a line break or NUL inside the request's target or a field")
    try:
        head = text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise httpx.LocalProtocolError(f"a character beyond Latin-1 in the request's head: {error}") from error
    body = request.body
    if request.chunked:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    return WireRequest(request.method, head + b"\r\n\r\n", body, request.expects)


def _of_the_connection(name: str, value: str) -> bool:
    """Whether a field speaks of the recorded connection in a way that is not true of ours. `name` in small letters."""
    if name == "connection":
        return value.strip().lower() != "keep-alive"
    return name in CONNECTION_FIELDS or name.startswith("proxy-")


def _aim(target: str, site: Site) -> str:
    if target.startswith("/"):
        return site.prefix + target
    if target == "*":
        return target
    absolute = _ABSOLUTE.match(target)
    if absolute:
        return f"{site.scheme}://{site.authority}{site.prefix}{target[absolute.end() :]}"
    return target or (site.prefix + "/")


def _final_coding(headers: Headers) -> str:
    """The last transfer coding, which says whether the message is chunked; "" when there is none."""
    final = ""
    for name, value in headers:
        if name.lower() == "transfer-encoding":
            final = value.rpartition(",")[2].strip().lower()
    return final


def _says(value: str, length: int) -> bool:
    stripped = value.strip()
    return stripped.isascii() and stripped.isdigit() and len(stripped) < 20 and int(stripped) == length


@lru_cache(maxsize=4096)
def _is_token(text: str) -> bool:
    """Whether it may be a method or a field name (RFC 9110 §5.6.2). Few different ones occur in a recording."""
    return _TOKEN.match(text) is not None
