"""Which route an exchange belongs to, and which routes a pattern names.

The framework's own template is the truth where it was recorded. Elsewhere (imported recordings, answers that no route
gave) a path is first tried against the templates that are known, then generalised: segments that look like an
identifier by their kind, and places where many sibling literals are followed by the same continuations. Inferred
routes are right for about 19 exchanges in 20: good to read and to count by, which is all they are used for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache

MIN_SIBLINGS = 8  # sibling literals with equal continuations before they are taken for values
_RARE = 2  # visits up to which an odd sibling is absorbed by a place that takes any value
_MAX_DEPTH = 32  # segments looked at; what follows is kept as one literal
_MAX_PATHS = 50_000  # distinct paths learned from; later ones are only classified

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("{int}", re.compile(r"-?\d+")),
    ("{uuid}", _UUID),
    ("{date}", re.compile(r"\d{4}-\d{2}(?:-\d{2}(?:T[\d:.]+(?:Z|[+-][\d:]+)?)?)?")),
    ("{hex}", re.compile(r"(?=.*\d)[0-9a-fA-F]{12,}")),
    ("{token}", re.compile(r"(?=[^\d]*\d)(?=.*[A-Za-z])[A-Za-z0-9_.~-]{16,}=*")),
)
_WORDS = re.compile(r"[a-z]+(?:[-_.][a-z]+)*(?:[-_.]?v?\d{1,4})?")  # "export-all-orders-2024" is a name, not a token

# <int:id>, <id> (Flask, Django), {id} (OpenAPI, Starlette), :id (Express)
_PLACEHOLDER = re.compile(r"<(?:[^<>]|<[^<>]*>)*>|\{[^{}/]*\}|(?<=/):[A-Za-z_]\w*|\(\?P<\w+>(?:[^()]|\([^()]*\))*\)")
_CONVERTERS = {
    "int": r"\d+",
    "float": r"\d+\.\d+",
    "uuid": _UUID.pattern,
    "path": r".+",
    "slug": r"[-a-zA-Z0-9_]+",
}
_ODD = re.compile(r"[\s*]|\N{DIVISION SLASH}")
_VERSION = re.compile(r"v\d+(?:\.\d+)*")


def canonical(route: str) -> str:
    """The template with every placeholder as `{}` and without trailing slash: equal for `<int:id>` and `<order_id>`."""
    plain = _PLACEHOLDER.sub("{}", route.removeprefix("^").removesuffix("$"))
    return "/" + plain.strip("/")


def literal_segments(route: str) -> tuple[str, ...]:
    """The route's words: its segments without placeholders, `api` and versions."""
    segments = (segment for segment in canonical(route).split("/") if segment and "{}" not in segment)
    return tuple(s for s in segments if s != "api" and not _VERSION.fullmatch(s))


def fixed_segments(route: str) -> tuple[str, ...]:
    """Every segment of a route without a placeholder in it."""
    return tuple(segment for segment in canonical(route).split("/") if segment and "{}" not in segment)


def leads_elsewhere(recorded: Mapping[str, str], found: Mapping[str, str], words: Set[str]) -> bool:
    """Whether two addresses, by their atoms, lead to different routes: another number of segments, or a route's word
    where the other one has a value. `words` are the fixed segments of all known routes.
    """
    ours = {suffix: text for suffix, text in recorded.items() if suffix.startswith("~url[")}
    theirs = {suffix: text for suffix, text in found.items() if suffix.startswith("~url[")}
    if not ours or not theirs:
        return False
    return len(ours) != len(theirs) or any(
        text != theirs[suffix] and (text in words) != (theirs[suffix] in words)
        for suffix, text in ours.items()
        if suffix in theirs
    )


@lru_cache(maxsize=32_768)
def matches(pattern: str, method: str, route: str) -> bool:
    """Whether `pattern`, e.g. `* /api/payments/**` or `GET /api/orders/*`, names the route.

    `*` stands for anything within one segment, `**` for any number of segments, none included; a pattern without a
    method names every method. A trailing slash makes no difference.
    """
    wanted, _, path = pattern.strip().rpartition(" ")
    wanted = wanted.strip()
    if wanted not in ("", "*") and wanted.upper() != method.upper():
        return False
    flat = _PLACEHOLDER.sub(lambda found: found.group().replace("/", "\N{DIVISION SLASH}"), route)
    return _glob(path.replace("\N{DIVISION SLASH}", "/")).fullmatch("/" + flat.strip("/")) is not None


def exact_pattern(method: str, route: str) -> str:
    """The narrowest pattern that names a route; "" for one that none names.

    A placeholder that a pattern would read as something else becomes `*`.
    """
    named = f"{method} /{route.lstrip('/')}"
    if not _ODD.search(named.partition(" ")[2]) and matches(named, method, route):
        return named
    _, segments = _split(named)
    loose = f"{method} /" + "/".join("*" if _ODD.search(segment) else segment for segment in segments)
    return loose if matches(loose, method, route) else ""


def covers(wider: str, narrower: str) -> bool:
    """Whether every route that the pattern `narrower` names is named by the pattern `wider` too."""
    method, segments = _split(narrower)
    wanted, wide = _split(wider)
    if wanted not in ("*", method):
        return False
    probes: list[list[str]] = [[]]
    for segment in segments:
        # what stands in for a wildcard holds characters that no route does: only a wildcard finds them again
        endings = (
            [[], ["\ue000"], ["\ue000", "\ue001", "\ue002"]] if segment == "**" else [[segment.replace("*", "\ue000")]]
        )
        probes = [probe + ending for probe in probes[:64] for ending in endings]
    pattern = _glob("/".join(wide))
    return all(pattern.fullmatch("/" + "/".join(probe)) for probe in probes)


def overlaps(pattern: str, other: str) -> bool:
    """Whether some route may be named by both patterns; of two texts with `*` inside only the ends are compared."""
    one, left = _split(pattern)
    two, right = _split(other)
    return (one == two or "*" in (one, two)) and _meet(tuple(left), tuple(right))


@lru_cache(maxsize=4096)
def _meet(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    if not left or not right:
        return all(segment == "**" for segment in left + right)
    if left[0] == "**":
        return _meet(left[1:], right) or _meet(left, right[1:])
    if right[0] == "**":
        return _meet(left, right[1:]) or _meet(left[1:], right)
    return _segments_meet(left[0], right[0]) and _meet(left[1:], right[1:])


def _segments_meet(left: str, right: str) -> bool:
    if _PLACEHOLDER.fullmatch(left) and _PLACEHOLDER.fullmatch(right):
        return True
    if "*" not in left or "*" not in right:
        literal, glob = (left, right) if "*" not in left else (right, left)
        return _glob(glob).fullmatch("/" + literal) is not None
    starts = left.partition("*")[0], right.partition("*")[0]
    ends = left.rpartition("*")[2], right.rpartition("*")[2]
    return (starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])) and (
        ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])
    )


def _split(pattern: str) -> tuple[str, list[str]]:
    """A pattern's method, `*` for all, and its segments, a placeholder being one."""
    method, _, path = pattern.strip().rpartition(" ")
    flat = _PLACEHOLDER.sub(lambda found: found.group().replace("/", "\N{DIVISION SLASH}"), path)
    return method.strip().upper() or "*", [segment for segment in flat.split("/") if segment]


@lru_cache(maxsize=1024)
def _glob(path: str) -> re.Pattern[str]:
    segments = [segment for segment in path.split("/") if segment]
    parts = []
    for segment in segments:
        if segment == "**":
            parts.append(r"(?:/[^/]+)*")
        else:
            parts.append("/" + "[^/]*".join(re.escape(piece) for piece in segment.split("*")))
    return re.compile("".join(parts) + "/?")


def split_path(path: str) -> list[str]:
    """A request target's segments, without query and, for the absolute form, without scheme and host."""
    path = path.partition("?")[0].partition("#")[0]
    if "://" in path and not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return [segment for segment in path.split("/") if segment]


def segment_kind(segment: str) -> str:
    """The placeholder for a segment that is a value by its form alone, or the segment itself."""
    for placeholder, pattern in _KINDS:
        if pattern.fullmatch(segment):
            return segment if placeholder == "{token}" and _WORDS.fullmatch(segment) else placeholder
    return segment


@dataclass(slots=True)
class _Node:
    """One place in the tree of paths that no template explains."""

    children: dict[str, _Node] = field(default_factory=dict)
    methods: set[str] = field(default_factory=set)
    visits: int = 0

    def shape(self) -> tuple[object, ...]:
        """What follows this place, comparable among siblings."""
        below = tuple(sorted((name, repr(child.shape())) for name, child in self.children.items()))
        return (tuple(sorted(self.methods)), below)


@dataclass(frozen=True, slots=True)
class _Template:
    """A recorded template, ready to be tried against paths; the most literal one is tried first."""

    text: str
    pattern: re.Pattern[str]
    rank: tuple[int, int, str]


class RouteTable:
    """Routes of one recording, learned from (method, target path, recorded template or "") triples."""

    def __init__(self, seen: Iterable[tuple[str, str, str]]) -> None:
        templates: dict[str, set[str]] = {}
        nameless: Counter[tuple[str, str]] = Counter()
        for method, path, recorded in seen:
            if recorded:
                templates.setdefault(method.upper(), set()).add(recorded)
            elif (method, path) in nameless or len(nameless) < _MAX_PATHS:
                nameless[method, path] += 1
        self._by_method = {method: _ranked(texts) for method, texts in templates.items()}
        self._all = _ranked({text for texts in templates.values() for text in texts})
        self._root = _Node()
        for (method, path), visits in sorted(nameless.items()):
            if not self._known(method, path):
                self._learn(method, path, visits)
        for name, child in self._root.children.items():
            _collapse(child, value_allowed=name != "api" and not _VERSION.fullmatch(name))

    def route(self, method: str, path: str, recorded: str = "") -> str:
        """The framework's template where recorded, else a known one that the path fits, else the inferred one."""
        return recorded or self._known(method, path) or self._infer(path)

    def _known(self, method: str, path: str) -> str:
        plain = "/" + "/".join(split_path(path))
        for templates in (self._by_method.get(method.upper(), ()), self._all):
            for template in templates:
                if template.pattern.fullmatch(plain):
                    return template.text
        return ""

    def _learn(self, method: str, path: str, visits: int) -> None:
        node = self._root
        for name in _reduced(path):
            node = node.children.setdefault(name, _Node())
            node.visits += visits
        node.methods.add(method.upper())

    def _infer(self, path: str) -> str:
        node: _Node | None = self._root
        names = []
        for name in _reduced(path):
            if node is not None and name not in node.children and "{str}" in node.children:
                name = "{str}"
            names.append(name)
            node = node.children.get(name) if node is not None else None
        return "/" + "/".join(names)


def _reduced(path: str) -> list[str]:
    segments = split_path(path)
    head = [segment_kind(segment) for segment in segments[:_MAX_DEPTH]]
    return head if len(segments) <= _MAX_DEPTH else [*head, "{rest}"]


def _collapse(node: _Node, value_allowed: bool) -> None:
    """Fold sibling literals that are followed by the same things into one `{str}`, from the leaves upwards."""
    for name, child in node.children.items():
        _collapse(child, value_allowed or (name != "api" and not _VERSION.fullmatch(name)))
    if not value_allowed:
        return  # what follows the host, `api` or a version names collections, however many they are
    alike: dict[str, list[str]] = {}
    for name, child in node.children.items():
        if not name.startswith("{"):
            alike.setdefault(repr(child.shape()), []).append(name)
    folded = [names for names in alike.values() if len(names) >= MIN_SIBLINGS]
    if not folded:
        return
    value = _Node()
    for name in [name for names in folded for name in names]:
        _merge(value, node.children.pop(name))
    for name, child in list(node.children.items()):
        if not name.startswith("{") and child.visits <= _RARE and _within(child, value):
            _merge(value, node.children.pop(name))
    node.children["{str}"] = value


def _merge(into: _Node, other: _Node) -> None:
    into.methods |= other.methods
    into.visits += other.visits
    for name, child in other.children.items():
        _merge(into.children.setdefault(name, _Node()), child)


def _within(node: _Node, other: _Node) -> bool:
    """Whether everything that follows `node` follows `other` too."""
    return node.methods <= other.methods and all(
        name in other.children and _within(child, other.children[name]) for name, child in node.children.items()
    )


def _ranked(texts: Iterable[str]) -> tuple[_Template, ...]:
    compiled = (_compile(text) for text in texts)
    return tuple(sorted((template for template in compiled if template), key=lambda template: template.rank))


def _compile(text: str) -> _Template | None:
    """A template as a pattern over paths; None for one that is not understood (a Django regular expression, say)."""
    plain = text.removeprefix("^").removesuffix("$")
    parts = []
    end = wild = greedy = 0
    for found in _PLACEHOLDER.finditer(plain):
        parts.append(re.escape(plain[end : found.start()]))
        parts.append(_converter(found.group()))
        greedy += parts[-1] == _CONVERTERS["path"]
        wild += 1
        end = found.end()
    parts.append(re.escape(plain[end:]))
    joined = "".join(parts)
    joined = joined if joined.startswith("/") else "/" + joined
    try:
        pattern = re.compile(joined.rstrip("/") + "/?")
    except re.error:
        return None
    return _Template(text, pattern, (greedy, wild - len(literal_segments(text)), text))


def _converter(placeholder: str) -> str:
    if placeholder.startswith("(?P<"):
        return "(?:" + placeholder.partition(">")[2]
    name = placeholder.strip("<>{}:")
    if placeholder.startswith("{"):  # {name:path}: the converter comes last
        return _CONVERTERS.get(name.partition(":")[2], r"[^/]+")
    return _CONVERTERS.get(name.partition(":")[0].partition("(")[0] if ":" in name else "", r"[^/]+")
