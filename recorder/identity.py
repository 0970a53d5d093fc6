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
from typing import NamedTuple, TypeVar

from .atoms import JWT, as_text
from .content_atoms import redact_content
from .content_coding import decode
from .exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse, header
from .form_atoms import redact_target
from .header_atoms import redact_header
from .keys import Key
from .remembered import TARGET, Remembered, described_body
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


class Identity(NamedTuple):
    """Who sent an exchange, as keyed hashes."""

    client: str
    links: tuple[str, ...]
    principal: str


class Identifier:
    """Identifies with one key; remembers the latest values, since a session repeats its own in every request."""

    def __init__(self, key: Key) -> None:
        self._client = Remembered[str](lambda client: client_hash(client[0], client[1], key))
        self._principal = Remembered[str](lambda value: principal_digest(value[0], key))
        self._links = Remembered[tuple[str, ...]](lambda found: _digests(found[0], found[1], key))
        self._fields = Remembered[tuple[tuple[str, str], ...]](lambda field: _noted_in_field(*field))

    def identify(
        self, request: RecordedRequest, response: RecordedResponse | None, remote_addr: str, principal: str
    ) -> Identity:
        """`principal` is what the application said; without it a JSON Web Token's subject is read, unverified, from
        the request, and from the response where the request had none (a login). Both are not yet redacted. Never
        raises.
        """
        asked, answered = _Noted(), _Noted()
        self._note_headers(request.headers, asked)
        _note_target(request.target, asked)
        _note_body(request.headers, request.body, asked)
        if response is not None:
            self._note_headers(response.headers, answered)
            _note_body(response.headers, response.body, answered)
        given = principal or _subject(asked.found) or _subject(answered.found)
        return Identity(
            self._client.of(remote_addr, header(request.headers, "user-agent")),
            self._linked(asked.found + answered.found),
            self._principal.of(given) if given else "",
        )

    def _note_headers(self, headers: Headers, noted: _Noted) -> None:
        harmless = noted.names.searched
        for name, value in headers:
            if not harmless.has_field(name, value):
                noted.found += self._fields.of(name, value)

    def _linked(self, found: list[tuple[str, str]]) -> tuple[str, ...]:
        links: dict[str, None] = {}
        for name, value in found:
            for digest in self._links.of(name, value):
                links.setdefault(digest)
            if len(links) >= MAXIMUM_LINKS:
                break
        return tuple(sorted(links))


def identify(exchange: Exchange, *, remote_addr: str, principal: str, key: Key) -> Exchange:
    """The exchange, not yet redacted, with `client`, `links` and `principal` filled in; see `Identifier.identify`."""
    found = Identifier(key).identify(exchange.request, exchange.response, remote_addr, principal)
    return replace(exchange, client=found.client, links=found.links, principal=found.principal)


@dataclass(slots=True)
class _Noted:
    """The `Atoms` that changes nothing and notes `(name, value)` in the order found."""

    found: list[tuple[str, str]] = field(default_factory=list)
    names: SecretNames = DEFAULT_NAMES
    is_untouched: bool = True  # whether nothing was found

    def secret(self, name: str, value: str) -> str:
        self.found.append((name, value))
        self.is_untouched = False
        return value

    def blob(self, value: str, new: str) -> str:
        self.is_untouched = False
        return value


def _noted_in_field(name: str, value: str) -> tuple[tuple[str, str], ...]:
    noted = _Noted()
    try:
        redact_header(name, value, noted)
    except Exception:  # what cannot be read names nobody; redaction will keep none of it
        return tuple(noted.found)
    if noted.is_untouched:
        noted.names.searched.note_field(name, value)
    return tuple(noted.found)


def _note_target(target: str, noted: _Noted) -> None:
    harmless = noted.names.searched
    if harmless.has_field(TARGET, target):
        return
    inner = _Noted()
    with suppress(Exception):
        redact_target(as_text(target), inner)
        if inner.is_untouched:
            harmless.note_field(TARGET, target)
    noted.found += inner.found


def _note_body(headers: Headers, body: Body, noted: _Noted) -> None:
    if not body.data:
        return
    harmless, described = noted.names.searched, described_body(headers, body)
    if harmless.has_body(body.data, *described):
        return
    content_type, encoding, cut = described
    inner = _Noted()
    with suppress(Exception):
        content, _ = decode(body.data, encoding, cut=cut)
        redact_content(content, content_type, inner)
        if inner.is_untouched:
            harmless.note_body(body.data, *described)
    noted.found += inner.found


def _digests(name: str, value: str, key: Key) -> tuple[str, ...]:
    return tuple(key.digest(kind, value) for kind in _link_kinds(name, value))


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
