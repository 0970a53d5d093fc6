"""Our notation for places in a value: `$.items[3].price`, `$['odd.key']`, and patterns over them with wildcards."""

from __future__ import annotations

import re
from functools import lru_cache

_QUOTED = re.compile(r"[.\[\]'*\"\s]")
_ROOT = re.compile(r"\$(?:html|text|calls)?(?=[.\[]|$)")
_FIELD = re.compile(r"[!#%&'^_`|~0-9A-Za-z-]+")  # a header's name, RFC 9110 section 5.6.2, without wildcards
_STEP = re.compile(
    r"""
    (?P<deep>\.\*\*)
    | (?P<key>\.\*~key)             # the name of a map's key, as the comparison writes it
    | (?P<any>\.\*)
    | (?P<rows>\[\*\])
    | (?P<plain>\.[^.\[\]'*"\s]+)
    | (?P<quoted>\['(?:[^'\\]|\\.)*'\])
    | (?P<index>\[\d+\])
    """,
    re.X | re.S,
)
_COOKIE = re.compile(r"\[[^\[\]]+\]")
_INDEX = re.compile(r"\[\d+\]")
_PATTERNS = {
    "deep": r"(?:[.\[].*)?",
    "any": r"(?:\.(?!\*~key)[^.\[\]]+|\['(?:[^'\\]|\\.)*'\])",
    "rows": r"\[(?:\d+|\*)\]",
}
_PROBES = {"deep": ("", ".\ue000", ".\ue000[7].\ue001"), "any": (".\ue000",), "rows": ("[*]", "[7]")}
"""For each wildcard, places that only a wildcard at least as wide finds: no real key holds such a character."""


@lru_cache(maxsize=4096)
def step(key: str) -> str:
    """One object key as a path step: `.price`, or `['odd.key']` where a plain step would be ambiguous."""
    if key and not _QUOTED.search(key):
        return "." + key
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def generalised(path: str) -> str:
    """The path with every array index as `[*]`: the shape that profiles and findings are kept by."""
    return _INDEX.sub("[*]", path)


@lru_cache(maxsize=1024)
def parse_pattern(pattern: str) -> tuple[tuple[str, str], ...]:
    """The steps of a pattern, each with its sort: `root` or `field` first, then `plain`, `quoted`, `index`, `cookie`,
    `key` and the wildcards `rows` (`[*]`), `any` (`.*`) and `deep` (`.**`).

    Raises ValueError, with what is wrong as its text, for whatever is no place of our notation.
    """
    if pattern.strip("*.[]$ ") == "" and "*" in pattern and not pattern.startswith("$"):
        raise ValueError(f"{pattern!r} names every place there is; name one, such as $.items[*].updated_at")
    root = _ROOT.match(pattern)
    first = root or _FIELD.match(pattern)
    if first is None or (root is None and pattern.startswith("$")):
        raise ValueError(f"{pattern!r} is no path: one in a body begins with $, one in the headers with a field's name")
    if root is None and first.group() != first.group().lower():
        raise ValueError(f"{pattern!r} is no path: field names are written in small letters, {pattern.lower()}")
    steps = [("root" if root else "field", first.group())]
    position = first.end()
    while position < len(pattern):
        found = _STEP.match(pattern, position)
        if found is not None:
            steps.append((str(found.lastgroup), found.group()))
        else:
            found = _COOKIE.match(pattern, position) if steps == [("field", "set-cookie")] else None
            if found is None:
                raise ValueError(
                    f"{pattern!r} is no path from {pattern[position:]!r} on: a step is .key, ['odd.key'], [3], [*] for"
                    " any row, .* for any one key or .** for everything below"
                )
            steps.append(("cookie", found.group()))
        position = found.end()
    return tuple(steps)


def matches_path(pattern: str, path: str) -> bool:
    """Whether `path` is one of those that `pattern` names.

    A pattern is an exact path with explicit wildcards: `[*]` is any array index (in `set-cookie[*]` any cookie), `.*`
    any one key, and `.**` (as in `$.orders.**`) the place itself and everything below. There is no substring matching:
    `$.id` is not `$.ids`. Raises ValueError for a pattern that `parse_pattern` refuses.
    """
    return _compiled(pattern).fullmatch(path) is not None


def has_wildcards(pattern: str) -> bool:
    """Whether a pattern names more than one place of a shape: `[*]` alone does not, all rows are one place."""
    return any(sort in ("any", "deep") for sort, _ in parse_pattern(pattern))


def covers_path(wider: str, narrower: str) -> bool:
    """Whether every place that `narrower` names is named by `wider` too."""
    probes = [""]
    for sort, text in parse_pattern(narrower):
        endings = _PROBES.get(sort, (text,))
        probes = [probe + ending for probe in probes[:64] for ending in endings]
    return all(matches_path(wider, probe) for probe in probes)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    steps = parse_pattern(pattern)
    pieces = [_PATTERNS.get(sort, re.escape(text)) for sort, text in steps]
    if steps[0] == ("field", "set-cookie") and len(steps) > 1 and steps[1][0] == "rows":
        pieces[1] = r"\[[^\[\]]*\]"
    return re.compile("".join(pieces), re.S)
