"""A recorded request as a command line for bash: what curl sends is what was recorded.

curl adds header fields of its own, which are taken out where the recording has none; it tidies paths, reads files for
values that begin with @, and takes brackets in URLs for patterns: none of that happens here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from recorder.exchange import BodyState, RecordedRequest, header

from ..errors import UsageError

LONGEST_ARGUMENT = 100_000
"""Bytes of a body that stands on the command line; Linux takes 131,072 for one argument."""

_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_PLAIN_TARGET = re.compile(r"/[!$-;=?-~]*")  # of printable ASCII, and without what curl changes or refuses
_ADDED = ("User-Agent", "Accept", "Content-Type", "Expect")
"""Fields that curl adds by itself, the third and fourth with a body."""


def to_curl(request: RecordedRequest, base: str = "") -> str:
    """The command, of one line, or of several where a body is binary or large.

    `base` is sent to instead of the recorded host, which then is not named either. Raises UsageError for a request
    that curl can not send, or of which the recording does not hold all.
    """
    if not request.body.complete:
        raise UsageError(f"The recording does not hold the whole request body: it is {_STATES[request.body.state]}.")
    host = header(request.headers, "host")
    if not base and not host:
        raise UsageError("The recorded request names no host.", "Give one: --url http://localhost:8000")
    words = ["curl", "--globoff", "--path-as-is", "--http1.0" if request.protocol == "HTTP/1.0" else "--http1.1"]
    words += _method(request)
    origin = base.rstrip("/") or f"{request.scheme}://{host}"
    if _PLAIN_TARGET.fullmatch(request.target):
        words.append(_quoted((origin + request.target).encode("latin-1")))
    else:
        words += [
            "--request-target",
            _quoted(request.target.encode("latin-1")),
            _quoted(f"{origin}/".encode("latin-1")),
        ]
    for field in _fields(request, bool(base)):
        words += ["-H", _quoted(field)]
    data = request.body.data
    if not data:
        return " ".join(words)
    if b"\0" in data or len(data) > LONGEST_ARGUMENT:
        lines = base64.encodebytes(data).decode("ascii")
        return f"base64 -d <<'END' | {' '.join([*words, '--data-binary', '@-'])}\n{lines}END"
    return " ".join([*words, "--data-raw", _quoted(data)])


_STATES = {
    BodyState.TRUNCATED: "cut",
    BodyState.UNREAD: "what the application read of it",
    BodyState.OPAQUE: "kept as a digest only",
}


def _method(request: RecordedRequest) -> list[str]:
    if request.method == "HEAD" and not request.body.data:
        return ["--head"]
    if request.method == ("POST" if request.body.data else "GET"):
        return []
    return ["-X", _quoted(request.method.encode("latin-1"))]


def _fields(request: RecordedRequest, elsewhere: bool) -> list[bytes]:
    """The header fields as curl takes them: `Name: value`, `Name;` for an empty value, `Name:` for none."""
    given = {name.lower() for name, _ in request.headers}
    fields: list[bytes] = []
    for name, value in request.headers:
        if name.lower() == "content-length" and request.body.data:
            continue  # curl counts by itself
        if name.lower() == "host" and elsewhere:
            continue
        fields.append((f"{name}: {value}" if value.strip() else f"{name};").encode("latin-1"))
    missing: Sequence[str] = _ADDED if request.body.data else _ADDED[:2]
    return fields + [f"{name}:".encode() for name in missing if name.lower() not in given]


def _quoted(data: bytes) -> str:
    """One word of bash that stands for these bytes."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "$'" + "".join(map(_escaped, data)) + "'"
    if _SAFE.fullmatch(text):
        return text
    if text.isprintable():
        return "'" + text.replace("'", "'\\''") + "'"
    return "$'" + "".join(map(_escaped, data)) + "'"


def _escaped(byte: int) -> str:
    if byte in b"\\'":
        return "\\" + chr(byte)
    if 0x20 <= byte < 0x7F:
        return chr(byte)
    named = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}.get(byte)
    return named or f"\\{byte:03o}"
