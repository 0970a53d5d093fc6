"""Our notation for places in a value: `$.items[3].price`, `$['odd.key']`, and patterns over them with wildcards."""

from __future__ import annotations

import re
from functools import lru_cache

_QUOTED = re.compile(r"[.\[\]'*\"\s]")


@lru_cache(maxsize=4096)
def step(key: str) -> str:
    """One object key as a path step: `.price`, or `['odd.key']` where a plain step would be ambiguous."""
    if key and not _QUOTED.search(key):
        return "." + key
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def matches_path(pattern: str, path: str) -> bool:
    """Whether `path` is one of those that `pattern` names.

    A pattern is an exact path with explicit wildcards: `[*]` is any array index, `.*` any one key, and `**` (as in
    `$.orders.**`) the place itself and everything below. There is no substring matching: `$.id` is not `$.ids`.
    """
    return _path_pattern(pattern).fullmatch(path) is not None


@lru_cache(maxsize=1024)
def _path_pattern(pattern: str) -> re.Pattern[str]:
    pieces: list[str] = []
    for token in re.findall(r"\.?\*\*|\[\*\]|\.\*|.", pattern, re.S):
        if token in ("**", ".**"):
            pieces.append(r"(?:[.\[].*)?")
        elif token == "[*]":
            pieces.append(r"\[(?:\d+|\*)\]")
        elif token == ".*":
            pieces.append(r"(?:\.[^.\[\]]+|\['(?:[^'\\]|\\.)*'\])")
        else:
            pieces.append(re.escape(token))
    return re.compile("".join(pieces), re.S)
