"""Secrets in `name=value` lists (queries, URL-encoded forms, path parameters), in addresses, in multipart forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_plus

from .atoms import Atoms, Pace, shaped
from .escapes import in_form, in_percent
from .text_atoms import redact_leaf

_LOOKS_LIKE_FORM = re.compile(r"[\w.\-%\[\]$+*~!()]{1,256}=[^\s<>\"{}]*(?:\s*\Z)", re.ASCII)
_AUTHORITY = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.\-]*://|//)(?P<user>[^/?#@:\s]*)(?::(?P<word>[^/?#@\s]*))?@")
_DISPOSITION = re.compile(rb"^content-disposition:(?P<value>(?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_PART_NAME = re.compile(r"(?:^|[;\s])name\*?=(?:\"((?:[^\"\\]|\\.)*)\"|([^;\s]*))", re.IGNORECASE)
_FILE_NAME = re.compile(r"(?:^|[;\s])filename\*?=", re.IGNORECASE)
_PART_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)

_CONSTANTS = ("", "true", "false", "null", "undefined", "none")  # what a form says for no value, or for yes and no

ContentScanner = Callable[[bytes, str, Atoms], bytes]
"""`(data, content type, atoms) -> data`: how a multipart part that is a document of its own is redacted."""


def looks_like_form(text: str) -> bool:
    """Whether the text is one word of `name=value` pairs, whatever it was declared as."""
    return _LOOKS_LIKE_FORM.match(text) is not None


def redact_form(text: str, atoms: Atoms, depth: int = 0) -> str:
    """A URL-encoded form or query."""
    if not text:
        return text
    pieces, position, pace = text.split("&"), 0, Pace()
    for index, piece in enumerate(pieces):
        position += len(piece) + 1
        pace.at(position)
        pieces[index] = _redact_pair(piece, atoms, depth)
    return "&".join(pieces)


def redact_target(target: str, atoms: Atoms) -> str:
    """A request target or a reference to one: password in the authority, parameters, query, fragment."""
    rest, hash_sign, fragment = target.partition("#")
    path, question, query = rest.partition("?")
    path = _redact_path(path, atoms)
    if query:
        query = redact_form(query, atoms)
    if "=" in fragment:  # where OAuth's implicit flow hands out tokens, RFC 6749 §4.2.2
        fragment = redact_form(fragment, atoms)
    return f"{path}{question}{query}{hash_sign}{fragment}"


def redact_multipart(data: bytes, boundary: bytes, atoms: Atoms, content: ContentScanner) -> bytes:
    """A multipart form (RFC 7578), cut or not: fields by their names, files as the documents that they are."""
    parts = data.split(b"--" + boundary)
    pace, position = Pace(), len(parts[0])
    for index in range(1, len(parts)):
        position += len(parts[index])
        pace.at(position)
        parts[index] = _redact_part(parts[index], atoms, content)
    return (b"--" + boundary).join(parts)


def _redact_part(part: bytes, atoms: Atoms, content: ContentScanner) -> bytes:
    separator = b"\r\n\r\n" if b"\r\n\r\n" in part else b"\n\n"
    head, blank, body = part.partition(separator)
    if not blank or not body:
        return part
    ending = b"\r\n" if body.endswith(b"\r\n") else b"\n" if body.endswith(b"\n") else b""
    body = body[: len(body) - len(ending)]
    disposition = _DISPOSITION.search(head)
    described = disposition["value"].decode("utf-8", "surrogateescape") if disposition else ""
    found = _PART_NAME.search(described)
    name = (found[1] or found[2] or "") if found else ""
    kind = _PART_TYPE.search(head)
    declared = kind[1].decode("latin-1") if kind else ""
    if atoms.names.of(name):
        new = secret_field(name, body.decode("utf-8", "surrogateescape"), atoms).encode("utf-8", "surrogateescape")
    elif declared or _FILE_NAME.search(described):
        new = content(body, declared, atoms)
    else:
        new = redact_leaf(body.decode("utf-8", "surrogateescape"), atoms, 1).encode("utf-8", "surrogateescape")
    return head + blank + new + ending


def secret_field(name: str, value: str, atoms: Atoms) -> str:
    """The value of a form field or parameter with a secret name; constants say nothing."""
    return value if value.lower() in _CONSTANTS else atoms.secret(name, value)


def _redact_pair(piece: str, atoms: Atoms, depth: int) -> str:
    raw_name, equals, raw = piece.partition("=")
    if not equals:
        return in_form(piece, lambda value: redact_leaf(value, atoms, depth + 1)) if len(piece) >= 5 else piece
    name = unquote_plus(raw_name) if "%" in raw_name or "+" in raw_name else raw_name
    if atoms.names.of(name):
        return f"{raw_name}={in_form(raw, lambda value: secret_field(name, value, atoms))}"
    if len(raw_name) >= 13:
        raw_name = in_form(raw_name, lambda value: shaped(value, atoms))
    if len(raw) < 4:
        return f"{raw_name}={raw}"
    if ";" in raw:  # the older separator of parameters
        first, *others = raw.split(";")
        raw = ";".join((first, *(_redact_pair(other, atoms, depth) if "=" in other else other for other in others)))
    return f"{raw_name}={in_form(raw, lambda value: redact_leaf(value, atoms, depth + 1))}"


def _redact_path(path: str, atoms: Atoms) -> str:
    if "@" in path and (match := _AUTHORITY.match(path)):
        path = match["before"] + _redact_userinfo(match, atoms) + "@" + path[match.end() :]
    if ";" in path:
        path = re.sub(r"(?<=;)([^;=/]+)=([^;/]*)", lambda match: _redact_pair(match[0], atoms, 0), path)
    if "eyJ" in path or len(path) >= 13:
        path = "/".join(in_percent(segment, lambda value: shaped(value, atoms)) for segment in path.split("/"))
    return path


def _redact_userinfo(match: re.Match[str], atoms: Atoms) -> str:
    user, word = match["user"], match["word"]
    if word:
        return f"{user}:{in_percent(word, lambda value: atoms.secret('password', value))}"
    # A lone user name in an address is how access tokens are passed to repositories and services.
    token = in_percent(user, lambda value: atoms.secret("token", value)) if len(user) >= 16 else user
    return token if word is None else f"{token}:"
