"""Secrets in header fields: credentials, cookies, whatever is named like a secret, addresses with secrets in them."""

from __future__ import annotations

import base64
import binascii
import re

from .atoms import Atoms, as_text, as_wire, shaped
from .escapes import in_percent
from .form_atoms import redact_target
from .secret_names import Secrecy

_CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "x-forwarded-authorization", "x-original-authorization"}
)
_SCHEMES = frozenset({"bearer", "basic", "token", "digest", "negotiate"})
_ADDRESSES = frozenset({"referer", "location", "content-location", "origin", "link", "refresh"})
_DELETED = frozenset({"", '""', "deleted", "delete", "expired", "removed", "null", "none", "undefined"})
_NO_SECRETS = frozenset({"", "true", "false"})  # `Access-Control-Allow-Credentials: true` answers a question

_PARAMETER = re.compile(
    r"(?P<name>[A-Za-z][\w*-]*)\s*=\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^\s\",=][^\s\",]*))", re.ASCII
)
_LABELLED = re.compile(r"(?P<name>[A-Za-z][\w-]{0,31})=(?!=*$)(?P<value>.+)", re.ASCII)
_SECRET_PARAMETERS = frozenset({"response", "cnonce", "mac"})  # of Digest (RFC 7616) and Hawk, beside names that tell


def redact_header(name: str, value: str, atoms: Atoms) -> str:
    """One field's value, in and out as WSGI keeps it: one character per byte."""
    lowered = name.lower()
    if lowered == "cookie":
        return as_wire(redact_cookies(as_text(value), atoms))
    if lowered == "set-cookie":
        return as_wire(redact_set_cookie(as_text(value), atoms))
    if lowered in _CREDENTIALS:
        return as_wire(redact_credentials(as_text(value), atoms))
    secrecy = atoms.names.of(name)
    if secrecy:
        return as_wire(_labelled(name, as_text(value), atoms))
    if lowered in _ADDRESSES or "://" in value or ("?" in value and "=" in value):
        return as_wire(_redact_addresses(as_text(value), atoms))
    return shaped(value, atoms) if "eyJ" in value or len(value) >= 13 else value


def redact_credentials(value: str, atoms: Atoms) -> str:
    """`Authorization` and its like (RFC 9110 §11.4): the scheme stays, and so do parameters that are no secret."""
    scheme, space, rest = value.partition(" ")
    if not rest.strip():
        alone = not value.strip() or (space and scheme.lower() in _SCHEMES)
        return value if alone else atoms.secret("authorization", scheme) + space + rest
    credential = rest.lstrip(" ")
    before = scheme + rest[: len(rest) - len(credential)].join((" ", ""))
    if scheme.lower() == "basic":
        return before + _redact_basic(credential, atoms)
    if _PARAMETER.match(credential):
        new = _PARAMETER.sub(lambda match: _credential_parameter(match, atoms), credential)
        if new != credential:
            return before + new
    return before + atoms.secret("authorization", credential)


def redact_cookies(value: str, atoms: Atoms) -> str:
    """A `Cookie` field: every value."""
    return ";".join(_redact_cookie_pair(pair, atoms) for pair in value.split(";"))


def redact_set_cookie(value: str, atoms: Atoms) -> str:
    """A `Set-Cookie` field: the value; name and attributes stay, and so does what a deletion leaves behind."""
    pair, semicolon, attributes = value.partition(";")
    return _redact_cookie_pair(pair, atoms) + semicolon + attributes


def is_deleted_cookie(value: str) -> bool:
    """Whether a cookie's value is one of those that servers write to take a cookie back."""
    return value.strip().lower() in _DELETED


def _redact_cookie_pair(pair: str, atoms: Atoms) -> str:
    name, equals, value = pair.partition("=")
    if not equals:  # a value without a name, RFC 6265bis §5.6
        name, value = "", pair
    stripped = value.strip()
    if is_deleted_cookie(stripped):
        return pair
    at = value.index(stripped)
    if len(stripped) >= 2 and stripped[0] == stripped[-1] == '"':
        at, stripped = at + 1, stripped[1:-1]
    new = in_percent(stripped, lambda inner: atoms.secret("cookie " + name.strip(), inner))
    return name + equals + value[:at] + new + value[at + len(stripped) :]


def _redact_basic(credential: str, atoms: Atoms) -> str:
    """`user:password` in base64 (RFC 7617); a user without a password is an API key."""
    try:
        decoded = base64.b64decode(credential.rstrip("=") + "=" * (-len(credential.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return atoms.secret("authorization", credential)
    user, colon, password = decoded.decode("utf-8", "surrogateescape").partition(":")
    if password:
        password = atoms.secret("password", password)
    else:
        user = atoms.secret("authorization", user)
    encoded = base64.b64encode(f"{user}{colon}{password}".encode("utf-8", "surrogateescape")).decode()
    return atoms.blob(credential, encoded if credential.endswith("=") else encoded.rstrip("="))


def _credential_parameter(match: re.Match[str], atoms: Atoms) -> str:
    name = match["name"]
    if not atoms.names.of(name) and name.lower() not in _SECRET_PARAMETERS:
        return match[0]
    group = "bare" if match["quoted"] is None else "quoted"
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + atoms.secret(name, match[group]) + match[0][end:]


def _labelled(name: str, value: str, atoms: Atoms) -> str:
    """`sha256=…` and `t=…,v1=…`, as signatures of webhooks are written, keep their labels; `Bearer` keeps its name."""
    if " " in value and value.partition(" ")[0].lower() in ("bearer", "token", "basic"):
        return redact_credentials(value, atoms)
    if atoms.names.of(name) is Secrecy.NONE or value.strip().lower() in _NO_SECRETS:
        return value
    pieces = value.split(",")
    if not all(_LABELLED.fullmatch(piece.strip()) for piece in pieces):
        return atoms.secret(name, value)
    return ",".join(_labelled_piece(name, piece, atoms) for piece in pieces)


def _labelled_piece(name: str, piece: str, atoms: Atoms) -> str:
    label, equals, value = piece.partition("=")
    return piece if value.isdigit() and len(value) <= 12 else label + equals + atoms.secret(name, value)


def _redact_addresses(value: str, atoms: Atoms) -> str:
    """Every word that may be an address: `Link: <https://…>; rel=next`, `Refresh: 0; url=…`, a lone `Location`."""
    pieces = re.split(r"([\s<>\"]+)", value)
    return "".join(redact_target(piece, atoms) if index % 2 == 0 else piece for index, piece in enumerate(pieces))
