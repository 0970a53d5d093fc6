"""Who sent an exchange, as keyed hashes taken before redaction: client, session links, principal.

No hash can be taken back to a value without the key, and hashes of different kinds never meet: they are made for
different purposes of the key.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .atoms import JWT, as_text
from .content_atoms import redact_content
from .content_coding import decode
from .exchange import Body, Exchange, Headers, header
from .form_atoms import redact_target
from .header_atoms import redact_header
from .keys import Key
from .secret_names import DEFAULT_NAMES, SecretNames, names_a_session

MAXIMUM_LINKS = 32
_SHORTEST_LINK = 8  # characters: what is shorter is a setting, not a session
_LONGEST_JWT = 16_384  # characters
_SUBJECTS = ("sub", "user_id", "uid", "identity")  # claims that name the principal, the first one present counts
_LONGEST_SUBJECT = 512  # characters
_RUN = re.compile(r"[A-Za-z0-9]+", re.ASCII)
_RANDOM_RUN = 8  # characters of letters and digits mixed that no word or date makes
_DIGIT_RUN = 9

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Principal:
    """The user that requests were made as, known by a hash: can be recognised among candidates, and not read."""

    digest: str
    key: Key = field(repr=False)

    def matches(self, value: object) -> bool:
        """Whether this value (a user's id, say) is the principal; `17` and `"17"` are the same."""
        return bool(self.digest) and principal_digest(value, self.key) == self.digest

    def find(self, values: Iterable[T]) -> T | None:
        """The first of the values that is the principal."""
        return next((value for value in values if self.matches(value)), None)


def principal_digest(value: object, key: Key) -> str:
    """The hash of a user's id in its text form; "" for none."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return key.digest("principal", text) if value is not None and text else ""


def client_hash(remote_addr: str, user_agent: str, key: Key) -> str:
    """The hash of an address and a user agent together."""
    return key.digest("client", f"{remote_addr}\0{user_agent}")


def identify(exchange: Exchange, *, remote_addr: str, principal: str, key: Key) -> Exchange:
    """The exchange, not yet redacted, with `client`, `links` and `principal` filled in.

    `principal` is what the application said; without it a JSON Web Token's subject is read, unverified, from the
    request, and from the response where the request had none (a login). Never raises.
    """
    credentials = _credentials(exchange)
    given = principal or _subject(credentials.request) or _subject(credentials.response)
    return replace(
        exchange,
        client=client_hash(remote_addr, header(exchange.request.headers, "user-agent"), key),
        links=_links(credentials, key),
        principal=principal_digest(given, key),
    )


@dataclass(slots=True)
class _Noted:
    """The `Atoms` that changes nothing and notes `(name, value)` in the order found."""

    found: list[tuple[str, str]] = field(default_factory=list)
    names: SecretNames = DEFAULT_NAMES

    def secret(self, name: str, value: str) -> str:
        self.found.append((name, value))
        return value

    def blob(self, value: str, new: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class _Credentials:
    request: list[tuple[str, str]]
    response: list[tuple[str, str]]


def _credentials(exchange: Exchange) -> _Credentials:
    request, response = _Noted(), _Noted()
    _note_headers(exchange.request.headers, request)
    with suppress(Exception):  # a target that cannot be read names nobody
        redact_target(as_text(exchange.request.target), request)
    _note_body(exchange.request.headers, exchange.request.body, request)
    if exchange.response is not None:
        _note_headers(exchange.response.headers, response)
        _note_body(exchange.response.headers, exchange.response.body, response)
    return _Credentials(request.found, response.found)


def _note_headers(headers: Headers, noted: _Noted) -> None:
    for name, value in headers:
        with suppress(Exception):
            redact_header(name, value, noted)


def _note_body(headers: Headers, body: Body, noted: _Noted) -> None:
    if not body.data:
        return
    try:
        encoding = ",".join(value for name, value in headers if name.lower() == "content-encoding")
        content, _ = decode(body.data, encoding, cut=not body.complete)
        redact_content(content, header(headers, "content-type"), noted)
    except Exception:  # what cannot be read links nothing; redaction will keep none of it
        return


def _links(credentials: _Credentials, key: Key) -> tuple[str, ...]:
    links: dict[str, None] = {}
    for name, value in (*credentials.request, *credentials.response):
        for kind in _link_kinds(name, value):
            links.setdefault(key.digest(kind, value))
        if len(links) >= MAXIMUM_LINKS:
            break
    return tuple(sorted(links))


def _link_kinds(name: str, value: str) -> Iterator[str]:
    """The purposes to hash the value for; none when it does not tell one session from another."""
    if len(value) < _SHORTEST_LINK:
        return
    is_jwt = JWT.fullmatch(value) is not None
    kind, _, cookie = name.partition(" ")
    if kind == "cookie" and cookie:
        if names_a_session(cookie) or is_distinctive_setting(value):
            yield f"link cookie {cookie}"
        if is_jwt:  # the same token may come in a header or a body
            yield "link token"
    elif is_jwt or (name and names_a_session(name)):
        yield "link token"


def is_distinctive_setting(value: str) -> bool:
    """Whether a cookie whose name promises nothing has a value that only one client has: not `en`, `dark-mode` …"""
    for run in _RUN.findall(value):
        letters = sum(map(str.isalpha, run))
        if len(run) >= _RANDOM_RUN and 0 < letters < len(run):
            return True
        if len(run) >= _DIGIT_RUN and not letters:
            return True
        if len(run) >= 2 * _RANDOM_RUN and not run.islower() and not run.isupper():
            return True
    return False


def _subject(found: list[tuple[str, str]]) -> str:
    """The subject of the first JSON Web Token that has one, of a credential before one that merely came along."""
    for _, value in sorted(found, key=lambda pair: pair[0] != "authorization"):
        if JWT.fullmatch(value) and (subject := _claimed(value)):
            return subject
    return ""


def _claimed(token: str) -> str:
    if len(token) > _LONGEST_JWT:
        return ""
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return ""
    if not isinstance(claims, dict):
        return ""
    for claim in _SUBJECTS:
        value = claims.get(claim)
        if isinstance(value, str | int) and not isinstance(value, bool) and 0 < len(str(value)) <= _LONGEST_SUBJECT:
            return str(value)
    return ""
