"""Response headers as a tree that can be compared like a body: by name, without order, with multiplicity."""

from __future__ import annotations

from collections.abc import Iterable

from recorder.exchange import Headers

from .cookies import parse_set_cookie

_HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    " upgrade".split()
)
_TRANSPORT = frozenset(["date", "server", "content-length", "age", "via", "content-encoding"])
"""Facts of one delivery or of the server in front of the application, or compared with the body: a coding or a length
is judged by what it decodes to."""
EXCLUDED = _HOP_BY_HOP | _TRANSPORT
_OURS = "understudy-"
_PRESENCE_ONLY = frozenset(["server-timing", "x-runtime", "x-response-time", "x-process-time"])
_TOKEN_SETS = frozenset(
    "vary allow cache-control access-control-allow-methods access-control-allow-headers"
    " access-control-expose-headers accept-ranges pragma".split()
)


def header_tree(headers: Headers) -> dict[str, object]:
    """Steps of `header:` paths to values. Content-Type is left out: it is compared with the body, as media.

    `location` -> text; a repeated field -> list of texts; `cache-control` -> {"max-age": "60", "no-cache": True};
    `set-cookie[sid]` -> {"value", "path", "httponly" …}.
    """
    found: dict[str, list[object]] = {}
    tokens: dict[str, dict[str, object]] = {}
    for raw, value in headers:
        name = raw.lower()
        if name in EXCLUDED or name == "content-type" or name.startswith(_OURS):
            continue
        if name == "set-cookie":
            cookie, fields = parse_set_cookie(value)
            found.setdefault(f"set-cookie[{cookie}]", []).append(fields)
        elif name in _PRESENCE_ONLY:
            found[name] = ["present" if value.strip() else "empty"]
        elif name in _TOKEN_SETS:
            tokens.setdefault(name, {}).update(_tokens(value))
        else:
            found.setdefault(name, []).append(value)
    tree: dict[str, object] = dict(tokens)
    tree.update({name: values[0] if len(values) == 1 else values for name, values in found.items()})
    return tree


def _tokens(value: str) -> Iterable[tuple[str, object]]:
    for token in value.split(","):
        name, equals, text = token.strip().partition("=")
        if name:
            yield name.strip().lower(), text.strip().strip('"') if equals else True
