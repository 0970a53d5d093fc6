"""What a response hands out: its values by path, and how two answers to one request pair up.

Paths: `header:location`, `header:set-cookie[sid].value`, `$.items[3].id` for JSON, `$html.input.csrf_token` for the
hidden fields, meta tags and links of a page, `$text` for a short text body.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape

import orjson

from diffing.atoms import canonical, is_opaque, leaves
from diffing.bodies import Form, comparable
from diffing.media import Undecodable, decode_body, media_type
from diffing.page import add_choice, add_field
from recorder.exchange import RecordedResponse, header

MAX_BODY = 8 * 1024 * 1024
"""Bytes after decoding: a larger response hands out nothing that is looked at."""

_SKIPPED_HEADERS = frozenset(
    "date content-type content-length content-encoding transfer-encoding connection keep-alive server vary age via"
    " cache-control expires pragma allow trailer upgrade strict-transport-security content-security-policy"
    " x-content-type-options x-frame-options x-request-id x-powered-by server-timing access-control-allow-origin"
    " access-control-allow-methods access-control-allow-headers set-cookie".split()
)
_TABLES = frozenset({"text/csv", "text/tab-separated-values"})
_DIGITS = re.compile(r"\d+")
_INPUT = re.compile(rb"<(?:input|meta|a|form|button|select|option)\b[^>]{1,2000}>", re.I)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


@dataclass(frozen=True, slots=True)
class Produced:
    """A response's values: headers by path, and the body as a JSON-like value rooted at `root`."""

    headers: tuple[tuple[str, str], ...] = ()
    root: str = "$"
    value: object = None
    json: bytes = b""  # instead of the value

    @property
    def body(self) -> object:
        """The value; what is kept as JSON is parsed each time."""
        return orjson.loads(self.json) if self.json else self.value

    def leaves(self) -> Iterator[tuple[str, object]]:
        """Every scalar with its concrete path."""
        yield from self.headers
        body = self.body
        if body is not None:
            yield from leaves(body, self.root)


def produced(response: RecordedResponse, *, as_json: bool = False) -> Produced:
    """Reads a response; a body that is not what it says gives what can be read, never an error.

    `as_json` is for what is kept: parsed, JSON takes several times the memory.
    """
    headers = tuple(_header_values(response))
    data = decoded(response)
    if not data:
        return Produced(headers)
    start = data[:64].lstrip()[:1]
    if start in (b"{", b"["):
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            return Produced(headers, *_table(response))
        return Produced(headers, "$", json=data) if as_json else Produced(headers, "$", value)
    if media_type(header(response.headers, "content-type")) in _TABLES:
        return Produced(headers, *_table(response))
    if start == b"<":
        return Produced(headers, "$html", _html(data))
    if len(data) <= 512:
        text = data.decode("utf-8", "replace").strip()
        if text and not any(c.isspace() for c in text):
            return Produced(headers, "$text", text)
    return Produced(headers)


def _table(response: RecordedResponse) -> tuple[str, object]:
    """The root and the rows of a table, or of JSON lines; nothing where it is neither."""
    parsed = comparable(response)
    return (parsed.root, parsed.value) if parsed.form in (Form.TABLE, Form.LINES) else ("$", None)


def _header_values(response: RecordedResponse) -> Iterator[tuple[str, str]]:
    for name, value in response.headers:
        lowered = name.lower()
        if lowered == "set-cookie":
            cookie, _, _ = value.partition(";")
            key, equals, text = cookie.partition("=")
            text = text.strip().strip('"')
            if equals and text:
                yield f"header:set-cookie[{key.strip()}].value", text
        elif lowered not in _SKIPPED_HEADERS and value:
            yield f"header:{lowered}", value


def decoded(response: RecordedResponse) -> bytes:
    """The body without its content coding; empty when it can not be decoded in bounds."""
    try:
        data = decode_body(response)
    except Undecodable:
        return b""
    return data if len(data) <= MAX_BODY else b""


def _html(data: bytes) -> dict[str, object]:
    inputs: dict[str, object] = {}
    metas: dict[str, object] = {}
    links: list[object] = []
    field = ""
    for tag in _INPUT.findall(data[: 512 * 1024]):
        text = tag.decode("utf-8", "replace")
        attributes = {m[1].lower(): unescape(m[2] or m[3] or m[4] or "") for m in _ATTRIBUTE.finditer(text)}
        name = attributes.get("name", "")
        kind = text[1:5].lower()
        value = attributes.get("value", "")
        if kind == "sele":
            field = name
        elif kind == "opti":
            add_choice(inputs, field, value)
        elif kind == "inpu" and name and value:
            add_field(inputs, name, attributes.get("type", ""), value)
        elif kind == "meta" and name and attributes.get("content"):
            metas[name] = attributes["content"]
        elif attributes.get("href") or attributes.get("action"):
            links.append(attributes.get("href") or attributes.get("action"))
    return {"input": inputs, "meta": metas, "link": links}


RowKey = Callable[[str, str], str | None]
"""(path of a row's key, recorded key) -> the key that stands for it on the other side, when that is known."""

IDENTITY_KEYS = ("id", "uuid", "guid", "key", "code", "slug", "sku", "number", "reference", "name", "email", "token")
"""Names of the fields that identify a row, in order of preference."""


@dataclass(slots=True)
class Pairing:
    """Pairs the values of a recorded response with those of a replayed one, rows matched by identity key."""

    row_key: RowKey
    from_before: Callable[[str, str], bool] = lambda _path, _key: False  # whether a key is the same on both sides
    made_here: Callable[[str, str], bool] = lambda _path, _key: False  # whether this very answer hands a key out first
    pairs: list[tuple[str, object, object]] = field(default_factory=list)

    def walk(self, recorded: Produced, replayed: Produced) -> list[tuple[str, object, object]]:
        """(path on the recorded side, recorded leaf, replayed leaf) wherever both sides have a scalar."""
        self.pairs = []
        there = dict(replayed.headers)
        for path, value in recorded.headers:
            if path in there:
                self.pairs.append((path, value, there[path]))
        if recorded.root == replayed.root:
            self._values(recorded.body, replayed.body, recorded.root)
        return self.pairs

    def _values(self, old: object, new: object, path: str) -> None:
        stack: list[tuple[object, object, str]] = [(old, new, path)]
        while stack:
            a, b, where = stack.pop()
            if isinstance(a, dict) and isinstance(b, dict):
                stack.extend((a[key], b[key], f"{where}.{key}") for key in reversed(a) if key in b)
            elif isinstance(a, list) and isinstance(b, list):
                stack.extend((a[i], b[j], f"{where}[{i}]") for i, j in reversed(self._rows(a, b, where)))
            elif not isinstance(a, dict | list) and not isinstance(b, dict | list):
                self.pairs.append((where, a, b))

    def _rows(self, old: list[object], new: list[object], path: str) -> list[tuple[int, int]]:
        name = _identity_key(old, new)
        if name is None:
            old_keys = [canonical(row) for row in old]
            new_keys = [canonical(row) for row in new]
            if None in old_keys or None in new_keys or len(set(old_keys)) < len(old) or len(set(new_keys)) < len(new):
                return [(i, i) for i in range(len(old))] if len(old) == len(new) else []
            where = f"{path}[*]"
        else:
            old_keys = [canonical(row[name]) if isinstance(row, dict) else None for row in old]
            new_keys = [canonical(row[name]) if isinstance(row, dict) else None for row in new]
            where = f"{path}[*].{name}"
        if len(old) == len(new) and any(key is not None and self.made_here(where, key) for key in old_keys):
            # what is made gets the next numbers: the first of one side may be called as the second of the other
            return [(i, i) for i in range(len(old))]
        matched, taken, known = self._match(old_keys, new_keys, where)
        # a row that is known under another key, which is not there, is missing: it has no partner among the rest
        left_old = [
            i for i, key in enumerate(old_keys) if i not in matched and i not in known and self._new(where, key)
        ]
        left_new = [j for j, key in enumerate(new_keys) if j not in taken and self._new(where, key)]
        if left_old and left_new:
            matched.update(_alike(old, new, left_old, left_new))
        return sorted(matched.items())

    def _new(self, where: str, key: str | None) -> bool:
        return key is None or not self.from_before(where, key)

    def _match(
        self, old: list[str | None], new: list[str | None], where: str
    ) -> tuple[dict[int, int], set[int], set[int]]:
        """Rows matched by their keys; the rows taken on the other side; and those that are known, matched or not."""
        position = {key: j for j, key in enumerate(new)}
        stands_for = {i: self.row_key(where, key) for i, key in enumerate(old) if key is not None}
        known = {i for i, key in stands_for.items() if key is not None}
        matched: dict[int, int] = {}
        taken: set[int] = set()
        for wanted in (stands_for, dict(enumerate(old))):
            for i, key in wanted.items():
                j = position.get(key) if key is not None and (wanted is stands_for or i not in known) else None
                if j is not None and j not in taken:
                    matched[i] = j
                    taken.add(j)
        return matched, taken, known


def _alike(old: list[object], new: list[object], left_old: list[int], left_new: list[int]) -> dict[int, int]:
    """Rows without a partner, paired in order where as many on both sides say the same apart from numbers and times.

    Position alone pairs nothing: a random selection shows other rows at each place, and taking one for the other would
    send later requests to the wrong object.
    """
    places: dict[str, tuple[list[int], list[int]]] = {}
    for i in left_old:
        places.setdefault(_gist(old[i]), ([], []))[0].append(i)
    for j in left_new:
        places.setdefault(_gist(new[j]), ([], []))[1].append(j)
    return {
        i: j for mine, theirs in places.values() if len(mine) == len(theirs) for i, j in zip(mine, theirs, strict=True)
    }


def _gist(row: object) -> str:
    """What a row says in words: its strings that are neither tokens nor times, numbers in them aside, and its flags."""
    kept = [
        f"{path}={_DIGITS.sub('#', _without_tokens(leaf)) if isinstance(leaf, str) else leaf}"
        for path, leaf in leaves(row)
        if isinstance(leaf, bool)
        or (isinstance(leaf, str) and 0 < len(leaf) <= 200 and not is_opaque(leaf) and not leaf[:4].isdigit())
    ]
    return "\n".join(kept)


def _without_tokens(text: str) -> str:
    """An address says where it leads, whatever token stands in it; other texts are not taken apart."""
    return "/".join("~" if is_opaque(part) else part for part in text.split("/")) if "/" in text else text


def _identity_key(old: list[object], new: list[object]) -> str | None:
    rows = [row for row in (*old, *new) if isinstance(row, dict)]
    if not rows or len(rows) != len(old) + len(new):
        return None
    for name in IDENTITY_KEYS:
        if all(canonical(row.get(name)) is not None for row in rows):
            keys_old = {canonical(row[name]) for row in old if isinstance(row, dict)}
            keys_new = {canonical(row[name]) for row in new if isinstance(row, dict)}
            if len(keys_old) == len(old) and len(keys_new) == len(new):
                return name
    return None
