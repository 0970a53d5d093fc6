"""Secrets in a decoded body: which scanner reads it. The bytes decide; the declared type only where they do not."""

from __future__ import annotations

import codecs
import re

from .atoms import Atoms, Unreadable
from .form_atoms import looks_like_form, redact_form, redact_multipart
from .json_atoms import looks_like_json, redact_json, redact_named
from .prefilter import binary_may_hold_secrets, look_at_json, text_may_hold_secrets
from .text_atoms import redact_leaf, redact_lines, redact_script, redact_text

_BOUNDARY = re.compile(r"boundary=(?:\"([^\"]{1,70})\"|([^\s;,\"]{1,70}))", re.IGNORECASE)
_SNIFFED_BOUNDARY = re.compile(rb"--([^\r\n]{1,70})\r?\ncontent-disposition:", re.IGNORECASE)
_CHARSET = re.compile(r"charset=\"?([\w.:\-]{1,40})", re.IGNORECASE)
_ASCII = bytes(range(32, 127))
_BOMS = (  # the longer ones first: UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SCRIPTS = ("javascript", "ecmascript", "text/css")
_MULTIPART_NESTING = 2


def redact_content(data: bytes, content_type: str, atoms: Atoms, depth: int = 0) -> bytes:
    """The content with its secrets replaced; the same object when there are none.

    Raises `Unreadable` for binary content that names a secret in a format that is not known here.
    """
    if not data:
        return data
    declared = content_type.lower()
    boundary = _boundary(data, content_type, declared)
    if boundary:
        if depth >= _MULTIPART_NESTING:
            raise Unreadable("multipart in multipart, too deep to follow")
        return redact_multipart(
            data, boundary, atoms, lambda part, kind, inner: redact_content(part, kind, inner, depth + 1)
        )
    codec = _wide_codec(data, content_type)
    if codec:
        return _redact_wide(data, codec, declared, atoms)
    if b"\0" in data:
        if binary_may_hold_secrets(data):
            raise Unreadable("binary content that speaks of secrets, in an unknown format")
        return data
    return _redact_plain(data, declared, atoms)


def _redact_plain(data: bytes, declared: str, atoms: Atoms) -> bytes:
    """Content in an encoding whose ASCII is ASCII."""
    head = data[:256].decode("utf-8", "replace")
    if looks_like_json(head.removeprefix("\ufeff")):
        look = look_at_json(data, atoms.names)
        if not look:
            return data
        if not look.closely:
            text = data.decode("utf-8", "surrogateescape")
            new = redact_named(text, [name.decode("utf-8", "surrogateescape") for name in look.names], atoms)
            return data if new == text else new.encode("utf-8", "surrogateescape")
    elif not _is_form(data, declared) and not text_may_hold_secrets(data, atoms.names):
        return data
    text = data.decode("utf-8", "surrogateescape")
    new = _redact_decoded(text, declared, atoms)
    return data if new == text else new.encode("utf-8", "surrogateescape")


def _redact_decoded(text: str, declared: str, atoms: Atoms) -> str:
    if looks_like_json(text[:256].removeprefix("\ufeff")):
        return redact_json(text, atoms, redact_leaf)
    if any(kind in declared for kind in _SCRIPTS):
        return redact_script(text, atoms)
    if "urlencoded" in declared or looks_like_form(text):
        return redact_form(text, atoms)
    if text.lstrip("\ufeff \t\r\n")[:1] == "<":
        return redact_text(text, atoms)
    return redact_lines(text, atoms)


def _is_form(data: bytes, declared: str) -> bool:
    return "urlencoded" in declared or (
        b"=" in data[:256] and looks_like_form(data[:65_536].decode("utf-8", "surrogateescape"))
    )


def _boundary(data: bytes, content_type: str, declared: str) -> bytes:
    if "multipart/" in declared and (match := _BOUNDARY.search(content_type)):
        boundary = (match[1] or match[2]).encode("latin-1", "replace")
        if b"--" + boundary in data:
            return boundary
    sniffed = _SNIFFED_BOUNDARY.match(data.lstrip(b"\r\n")[:200]) if data[:4].lstrip(b"\r\n")[:2] == b"--" else None
    return sniffed[1] if sniffed else b""


def _wide_codec(data: bytes, content_type: str) -> str:
    """The encoding if its ASCII characters are not single ASCII bytes, else ""."""
    for mark, codec in _BOMS:
        if data.startswith(mark):
            return codec
    zeros = [index for index, byte in enumerate(data[:4]) if byte == 0]
    if zeros and data[:64].isascii():  # RFC 4627 §3: which of a text's first four bytes are zero tells the encoding
        guess = {(0, 1, 2): "utf-32-be", (1, 2, 3): "utf-32-le", (0, 2): "utf-16-be", (1, 3): "utf-16-le"}
        if codec := guess.get(tuple(zeros), ""):
            return codec
    match = _CHARSET.search(content_type)
    if not match:
        return ""
    try:
        wide = _ASCII.decode(match[1]) != _ASCII.decode("ascii")
        codec = codecs.lookup(match[1]).name
    except UnicodeError:
        wide, codec = True, codecs.lookup(match[1]).name
    except (LookupError, ValueError):
        return ""
    if wide and codec in ("utf-16", "utf-32"):
        codec += "-be"  # without a mark, RFC 2781 §4.3
    return codec if wide and _decodes(data, codec) else ""


def _decodes(data: bytes, codec: str) -> bool:
    """Whether the content really is in its declared encoding (cut content may end within a character)."""
    return any(_round_trips(data[: len(data) - cut], codec) for cut in range(4))


def _round_trips(data: bytes, codec: str) -> bool:
    try:
        return data.decode(codec).encode(codec) == data
    except UnicodeError:
        return False


def _redact_wide(data: bytes, codec: str, declared: str, atoms: Atoms) -> bytes:
    cut = next((cut for cut in range(4) if _round_trips(data[: len(data) - cut], codec)), None)
    if cut is None:
        raise Unreadable("text that is not in the encoding that it begins with")
    text = data[: len(data) - cut].decode(codec)
    new = _redact_decoded(text, declared, atoms)
    if new == text:
        return data
    try:
        return new.encode(codec) + data[len(data) - cut :]
    except UnicodeError as error:
        raise Unreadable("a pseudonym that the body's encoding cannot write") from error
