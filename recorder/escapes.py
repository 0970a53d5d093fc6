"""Rewriting a value inside the escapes that it stands in, so that what does not change keeps its own odd spelling.

Each function takes the raw text and a `rewrite` from the value to its new form. It returns the raw text itself when
the value comes back unchanged; otherwise each unchanged character keeps its raw spelling (`\\u0041`, `%2d`, `&amp;`)
and each new one is escaped the way the one in its place was.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

Rewrite = Callable[[str], str]
_Unit = tuple[str, str]  # raw spelling, what it stands for

_JSON_UNIT = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]+|\\", re.DOTALL
)
_PERCENT_UNIT = re.compile(r"(?:%[0-9a-fA-F]{2})+|[^%]+|%")
_ENTITY_UNIT = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});|[^&]+|&")
_JSON_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_UNQUOTED = "!*'()~$,:@/?"  # beside letters, digits and `_.-`: stays as it is in a query


def in_json(raw: str, rewrite: Rewrite) -> str:
    """A JSON string's content, without its quotes; a cut or invalid escape stands for itself."""
    if "\\" not in raw:
        new = rewrite(raw)
        return raw if new == raw else "".join(c if c >= " " and c not in '"\\' else _json_escape("", c) for c in new)
    return _rewrite_units(raw, _json_units, _json_escape, rewrite)


def in_form(raw: str, rewrite: Rewrite) -> str:
    """A form or query value: percent escapes of UTF-8, `+` for a space."""
    if "%" not in raw and "+" not in raw:
        new = rewrite(raw)
        return raw if new == raw else "".join(_form_escape("", c) for c in new)
    return _rewrite_units(raw, _form_units, _form_escape, rewrite)


def in_percent(raw: str, rewrite: Rewrite) -> str:
    """A path segment or cookie value: percent escapes of UTF-8, `+` stands for itself."""
    if "%" not in raw:
        return rewrite(raw)
    return _rewrite_units(raw, _percent_units, _percent_escape, rewrite)


def in_markup(raw: str, rewrite: Rewrite) -> str:
    """Character data or an attribute's value of HTML or XML, with its entities."""
    if "&" not in raw:
        return rewrite(raw)
    return _rewrite_units(raw, _entity_units, _entity_escape, rewrite)


def _rewrite_units(
    raw: str, split: Callable[[str], Iterator[_Unit]], escape: Callable[[str, str], str], rewrite: Rewrite
) -> str:
    units = list(split(raw))
    value = "".join(meaning for _, meaning in units)
    new = rewrite(value)
    if new == value:
        return raw
    if len(new) != len(value):
        return "".join(escape("", c) for c in new)
    written = []
    at = 0
    for spelling, meaning in units:
        replacement = new[at : at + len(meaning)]
        at += len(meaning)
        if replacement == meaning:
            written.append(spelling)
        else:
            written.extend(escape(spelling if spelling != meaning else "", c) for c in replacement)
    return "".join(written)


def _json_units(raw: str) -> Iterator[_Unit]:
    for match in _JSON_UNIT.finditer(raw):
        spelling = match[0]
        if spelling[0] != "\\" or spelling in ("\\", "\\u"):  # the last two are cut
            yield from ((c, c) for c in spelling)
        elif spelling[1] == "u":
            yield spelling, json.loads(f'"{spelling}"')
        else:
            yield spelling, _JSON_SHORT.get(spelling[1], spelling[1])


def _json_escape(spelling: str, c: str) -> str:
    if spelling[:2] == "\\u" or c < " ":
        return json.dumps(c)[1:-1] if c > "~" else f"\\u{ord(c):04x}"
    return "\\" + c if c in '"\\' else c


def _percent_units(raw: str) -> Iterator[_Unit]:
    for match in _PERCENT_UNIT.finditer(raw):
        run = match[0]
        if run[0] != "%" or len(run) == 1:
            yield from ((c, c) for c in run)
            continue
        at = 0
        for c in bytes.fromhex(run.replace("%", "")).decode("utf-8", "surrogateescape"):
            width = 3 * len(c.encode("utf-8", "surrogateescape"))
            yield run[at : at + width], c
            at += width


def _form_units(raw: str) -> Iterator[_Unit]:
    for spelling, meaning in _percent_units(raw):
        yield spelling, " " if spelling == "+" else meaning


def _form_escape(spelling: str, c: str) -> str:
    return "+" if c == " " else _percent_escape(spelling, c)


def _percent_escape(spelling: str, c: str) -> str:
    data = c.encode("utf-8", "surrogateescape" if "\udc80" <= c <= "\udcff" else "surrogatepass")
    if spelling:
        return "".join(f"%{byte:02X}" for byte in data)
    return quote(data, safe=_UNQUOTED)


def _entity_units(raw: str) -> Iterator[_Unit]:
    for match in _ENTITY_UNIT.finditer(raw):
        spelling = match[0]
        meaning = html.unescape(spelling) if spelling[0] == "&" else spelling
        if meaning == spelling:
            yield from ((c, c) for c in spelling)
        else:
            yield spelling, meaning


def _entity_escape(spelling: str, c: str) -> str:
    return f"&#{ord(c)};" if spelling else html.escape(c)
