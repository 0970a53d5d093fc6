"""Atoms: the values inside a value that can name something, and how to put another one in their place.

A leaf such as `"Bearer eyJ…"`, `"/api/orders/17?page=2"` or `"ORD-000017"` is looked at through *lenses*: each lens
decodes one level and names what it finds by a suffix (`~bearer`, `~url[2]`, `~num`). Integers and numeric strings
share one canonical text, so that `17` in a body and `17` in a path are the same atom.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

MAX_ATOM = 4096
"""Characters: a longer string is prose or a blob, never an identifier (a large JWT is about 2,000)."""

MAX_DEPTH = 3
"""Lenses within lenses: a cookie that holds a base64 object that holds an affixed number."""

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
_JWT = re.compile(r"[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
_TOKEN = re.compile(r"[\w+/=\".:~%-]+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_AFFIXED = re.compile(r"([A-Za-z#][A-Za-z#_-]*[-_#:]?)(\d+)")
_PATH = re.compile(r"(https?://[^/\s?#]+)?(/[^\s?#]*)(\?[^\s#]*)?(#\S*)?", re.I)
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}")
_CREDENTIAL = re.compile(r"(Bearer|Token|JWT|Basic|ApiKey) +(\S+)", re.I)
_ETAG = re.compile(r'(?:W/)?"([^"]+)"')
_LIST = re.compile(r"[\w-]+(?:, ?[\w-]+)+")
_BASE64 = re.compile(r"[\w+/-]{8,}={0,2}", re.ASCII)
_SLUG = re.compile(r"[a-z]+(?:[-_](?:[a-z]+|\d{1,4}))+")  # words and small numbers that a person reads
_FILE = re.compile(r"([\w.+-]+)\.(?:atom|csv|gif|gz|html?|ics|jpe?g|json|pdf|png|rss|svg|txt|webp|xlsx?|xml|zip)", re.I)
_SIGNED = re.compile(r"([\w.-]{8,})\.[\w-]{6}\.[\w-]{27}|([\w.:=-]{8,}):[\w-]{6}:[\w-]{27,43}", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Inner:
    """What one lens found: its suffix, the decoded text, and the span of its encoded form in the outer text."""

    suffix: str
    text: str
    start: int
    end: int
    kind: str  # how to encode a replacement: "raw", "percent", "padded"


def is_uuid(text: str) -> bool:
    return len(text) == 36 and _UUID.fullmatch(text) is not None


def is_jwt(text: str) -> bool:
    """Three base64url parts; the pseudonym of a JWT has the same look, so the header is not decoded."""
    return text.count(".") == 2 and _JWT.fullmatch(text) is not None


def is_integer(text: str) -> bool:
    """A decimal integer in its only spelling: no plus sign, no leading zeros, at most 18 digits."""
    return _NUMBER.fullmatch(text) is not None and text != "-0"


def without_signature(text: str) -> str:
    """A text signed with the time (itsdangerous; Django's signing) without both: they are new in each second.

    What is signed names the same thing whenever it was signed. Other texts come back as they are.
    """
    match = _SIGNED.fullmatch(text) if len(text) >= 42 else None
    return (match[1] or match[2]) if match else text


def is_opaque(text: str) -> bool:
    """Whether a value cannot be a coincidence (about 40 bits or more): UUID, JWT, 8 or more mixed characters."""
    if len(text) < 8 or len(text) > MAX_ATOM:
        return False
    if is_uuid(text) or is_jwt(text):
        return True
    if _TOKEN.fullmatch(text) is None or _DATE.match(text) or is_integer(text) or _affixed(text):
        return False
    if text.startswith("/") or "://" in text or _SLUG.fullmatch(text):
        return False
    if len(set(text)) < 5:
        return False
    if any(c.isdigit() for c in text):
        return any(c.isalpha() for c in text)
    # letters only: a word or a slug is no token, but 16 and more letters of mixed case are
    return len(text) >= 16 and text != text.lower() and text != text.upper() and "-" not in text and "_" not in text


def _affixed(text: str) -> re.Match[str] | None:
    """`order-17` as name and number; None for what is neither, and for tokens of letters that happen to end in a digit.

    One of a hundred tokens of 24 characters has no other digit. Names of things are no mixture of small and capital
    letters of which each has a quarter.
    """
    match = _AFFIXED.fullmatch(text)
    return None if match is not None and len(match[1]) >= 16 and mixes_cases(match[1]) else match


def mixes_cases(text: str) -> bool:
    """Whether small letters and capitals each are a quarter of a text's letters, as in no name of a thing."""
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    return 4 * capitals >= len(letters) and 4 * (len(letters) - capitals) >= len(letters)


def canonical(leaf: object) -> str | None:
    """The text that two equal identifiers share, or None for what can not be one (booleans, null, fractions)."""
    if isinstance(leaf, bool) or leaf is None:
        return None
    if isinstance(leaf, int):
        return str(leaf) if -(10**18) < leaf < 10**18 else None
    if isinstance(leaf, str) and 0 < len(leaf) <= MAX_ATOM:
        return leaf
    return None


def _base64_json(text: str) -> object | None:
    if len(text) < 8 or len(text) > MAX_ATOM or _BASE64.fullmatch(text) is None:
        return None
    try:
        raw = base64.b64decode(
            text.replace("-", "+").replace("_", "/") + "=" * (-len(text.rstrip("=")) % 4), validate=False
        )
        if not raw.startswith((b"{", b"[")):
            return None
        value: object = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every scalar of a JSON-like value with its path: `.items[3].id`. Iterative: depth is no danger."""
    stack: list[tuple[str, object]] = [(path, value)]
    while stack:
        where, node = stack.pop()
        if isinstance(node, dict):
            stack.extend((f"{where}.{key}", child) for key, child in reversed(node.items()))
        elif isinstance(node, list):
            stack.extend((f"{where}[{i}]", child) for i, child in reversed(list(enumerate(node))))
        else:
            yield where, node


def inner(text: str) -> tuple[Inner, ...]:
    """What one level of decoding finds as substrings of `text`; empty when no lens applies."""
    if not text or len(text) > MAX_ATOM:
        return ()
    match = _CREDENTIAL.fullmatch(text)
    if match:
        return (Inner("~" + match[1].lower(), match[2], match.start(2), match.end(2), "raw"),)
    if text[0] in "/hH" and (match := _PATH.fullmatch(text)):
        return tuple(_url_parts(match))
    if match := _ETAG.fullmatch(text):
        return (Inner("~etag", match[1], match.start(1), match.end(1), "raw"),)
    if is_uuid(text) or is_jwt(text):
        return ()
    if match := _affixed(text):
        digits = match[2]
        if len(digits) <= 18:
            number = digits.lstrip("0") or "0"
            return (Inner("~num", number, match.start(2), match.end(2), "padded"),)
    if "," in text and _LIST.fullmatch(text):
        return tuple(Inner("~csv", m[0], m.start(), m.end(), "raw") for m in re.finditer(r"[\w-]+", text))
    if "." in text and (match := _FILE.fullmatch(text)):
        return (Inner("~stem", match[1], match.start(1), match.end(1), "raw"),)
    return ()


def link_suffix(before: Sequence[str]) -> str:
    """What the segment of an address's path is called that stands behind these.

    `/orders/5` and `/users/5` in one list of links name two kinds of thing, and so do `/orders/5/copies/delete/7` and
    `/orders/5/parts/delete/7`: what follows a value is called after all words since.
    """
    values = [place for place, segment in enumerate(before) if not _WORD.fullmatch(segment)]
    words = before[values[-1] + 1 :] if values else before[-1:]
    return f"~url[{'/'.join(words)}{':' if words else ''}{len(before)}]"


def _url_parts(match: re.Match[str]) -> Iterator[Inner]:
    position = match.start(2)
    before: list[str] = []
    for segment in match[2].split("/"):
        if segment:
            yield Inner(link_suffix(before), unquote(segment), position, position + len(segment), "percent")
            before.append(segment)
        position += len(segment) + 1
    if match[3]:
        position = match.start(3) + 1
        for pair in match[3][1:].split("&"):
            name, equals, value = pair.partition("=")
            if equals and value:
                start = position + len(name) + 1
                yield Inner(f"~url?{unquote(name)}", unquote(value), start, start + len(value), "percent")
            position += len(pair) + 1


def atoms(leaf: object, depth: int = MAX_DEPTH) -> Iterator[tuple[str, str]]:
    """(suffix, canonical text) of a leaf and of what its lenses find, outermost first."""
    text = canonical(leaf)
    if text is None:
        return
    yield "", text
    if isinstance(leaf, str) and depth > 0:
        found = inner(text)
        for part in found:
            for suffix, deeper in atoms(part.text, depth - 1):
                yield part.suffix + suffix, deeper
        if not found:
            yield from _decoded(text)


def _decoded(text: str) -> Iterator[tuple[str, str]]:
    if is_jwt(text):
        claims = _base64_json(text.split(".")[1])
        for path, leaf in leaves(claims, "~jwt") if claims is not None else ():
            value = canonical(leaf)
            if value is not None:
                yield path, value
        return
    decoded = _base64_json(text)
    if decoded is not None:
        for path, leaf in leaves(decoded, "~b64"):
            for suffix, value in atoms(leaf, 1):
                yield path + suffix, value


Lookup = Callable[[str, str], str | None]
"""(suffix, canonical text) -> the text to put in its place, or None to leave it."""


def rewrite(text: str, lookup: Lookup, prefix: str = "", depth: int = MAX_DEPTH) -> str:
    """`text` with its atoms replaced, outermost first; what is not replaced stays character for character."""
    replacement = lookup(prefix, text)
    if replacement is not None:
        return replacement
    if depth == 0:
        return text
    found = inner(text)
    if not found:
        return _rewrite_base64(text, lookup, prefix)
    pieces: list[str] = []
    position = 0
    for part in found:
        new = rewrite(part.text, lookup, prefix + part.suffix, depth - 1)
        pieces.append(text[position : part.start])
        pieces.append(_encode(text[part.start : part.end], part, new))
        position = part.end
    pieces.append(text[position:])
    return "".join(pieces)


def _encode(old: str, part: Inner, new: str) -> str:
    if new == part.text:
        return old
    if part.kind == "percent":
        return quote(new, safe="-._~!$'()*,;:@")
    if part.kind == "padded":
        return new.zfill(len(old)) if old.startswith("0") else new
    return new


def _rewrite_base64(text: str, lookup: Lookup, prefix: str) -> str:
    if is_jwt(text):
        return text  # signed: replaced whole or not at all
    value = _base64_json(text)
    if value is None:
        return text
    changed = False

    def walk(node: object, path: str) -> object:
        nonlocal changed
        if isinstance(node, dict):
            return {key: walk(child, f"{path}.{key}") for key, child in node.items()}
        if isinstance(node, list):
            return [walk(child, f"{path}[{i}]") for i, child in enumerate(node)]
        leaf = canonical(node)
        if leaf is None:
            return node
        new = rewrite(leaf, lookup, path, 1)
        if new == leaf:
            return node
        changed = True
        return int(new) if isinstance(node, int) and is_integer(new) else new

    try:
        rewritten = walk(value, prefix + "~b64")
    except RecursionError:
        return text
    if not changed:
        return text
    separators = (", ", ": ") if b": " in base64.b64decode(text + "===", altchars=b"-_") else (",", ":")
    raw = json.dumps(rewritten, separators=separators, ensure_ascii=True).encode()
    encode = base64.b64encode if ("+" in text or "/" in text) else base64.urlsafe_b64encode
    encoded = encode(raw).decode()
    return encoded if text.endswith("=") else encoded.rstrip("=")


_INDEX = re.compile(r"\[\d+\]")


def location_key(method: str, route: str, status: int, shape: str, suffix: str = "") -> str:
    """The name of one response location over a whole recording: route, status class, generalised path, lens suffix."""
    return f"{method} {route}|{status // 100}xx|{_INDEX.sub('[*]', shape)}{suffix}"
