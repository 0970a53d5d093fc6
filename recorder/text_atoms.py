"""Secrets in text that is not JSON as a whole: HTML and XML, scripts, configuration, log lines, addresses in prose."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from .atoms import MAXIMUM_DEPTH, Atoms, Unreadable, shaped
from .escapes import in_form, in_json, in_markup
from .json_atoms import looks_like_json, redact_json
from .secret_names import Secrecy

_Rewriter = Callable[[str, str, Atoms], str]
_BLOCK = 16_384  # characters: about two milliseconds of regular expressions

_NAME = r"[A-Za-z_$][\w.$\-]{1,127}(?:\[[\w\-]{0,64}\]){0,8}"
_DOUBLE = r'"(?P<double>[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+)'
_SINGLE = r"'(?P<single>[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+)"
_QUOTED_KEY = re.compile(rf'"(?P<name>{_NAME})"\s*+:\s*+(?:{_DOUBLE}|(?P<bare>\d+))', re.ASCII)
_ASSIGNED = re.compile(
    rf"(?<![\w.$\-\]])[\"']?(?P<name>{_NAME})[\"']?\s*+(?:[:=]|=>|:=)\s*+(?:{_DOUBLE}|{_SINGLE}|(?P<bare>\d+\b))",
    re.ASCII,
)
_PARAMETER = re.compile(rf"(?:(?<=[?&#])|(?<=&amp;))(?P<name>{_NAME})=(?P<value>[^&;#\s\"'<>\\`]+)", re.ASCII)
_BARE = re.compile(rf"(?<![\w.$\-\]?&#\"'])(?<!&amp;)(?P<name>{_NAME})=(?P<value>[^&;#,\s\"'<>\\`)\]}}]+)", re.ASCII)
_LINE = re.compile(
    rf"^[ \t]*+(?:- )?(?P<name>{_NAME})[ \t]*+:[ \t]++(?P<value>[^\s\"'{{\[|>&*]\S*+)[ \t\r]*$", re.ASCII | re.M
)
_USERINFO = re.compile(r"(?<=://)(?P<user>[^/\s:@\"'<>?#]*):(?P<value>[^/\s@\"'<>?#]+)(?=@)", re.ASCII)
_SCHEME = re.compile(r"\b(?P<scheme>Bearer|Basic|Token) +(?P<value>(?=[^\s\"',]*\d)[A-Za-z0-9._~+/\-]{8,}=*)", re.ASCII)
_TAG = re.compile(
    r"<(?:input|meta|button|param|option)\b(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+(?:>|\Z|\"|')", re.ASCII | re.I
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[\w:.\-]+)\s*=\s*(?:\"(?P<double>[^\"]*)|'(?P<single>[^']*)|(?P<bare>[^\s\"'<>]+))", re.ASCII
)
_ELEMENT = re.compile(
    r"<(?:[\w.\-]{1,64}:)?(?P<name>[\w.\-]{2,128})(?:\s[^<>]*)?>\s*(?P<data><!\[CDATA\[)?(?P<value>(?(data)(?:(?!\]\]>).)+|[^<]+))",
    re.ASCII | re.S,
)


def redact_leaf(value: str, atoms: Atoms, depth: int) -> str:
    """A string under a harmless name: JSON in a string, an address with secrets, a log line, a token by its shape."""
    if '"' in value and value.lstrip()[:1] in ("{", "[") and looks_like_json(value):
        if depth >= MAXIMUM_DEPTH:
            raise Unreadable("texts within texts, too many to follow")
        return redact_json(value, atoms, redact_leaf, depth)
    if "=" in value or ":" in value or "<" in value or "Bearer " in value:
        return redact_text(value, atoms)
    return shaped(value, atoms)


def redact_text(text: str, atoms: Atoms) -> str:
    """Prose, markup, configuration: assignments of all kinds, elements, form controls, addresses."""
    return "".join(_redact_block(block, atoms) for block in _blocks(text))


def redact_lines(text: str, atoms: Atoms) -> str:
    """As `redact_text`; also `name: value` where that is a whole line, as in YAML and mail."""
    return "".join(_redact_block(_sub(_LINE, block, atoms, _plain_value), atoms) for block in _blocks(text))


def redact_script(text: str, atoms: Atoms) -> str:
    """Program text: `token = f(x)` is code and stays; quoted keys (JSONP), addresses and shapes are looked at."""
    return "".join(_redact_script_block(block, atoms) for block in _blocks(text))


def _redact_block(text: str, atoms: Atoms) -> str:
    if "<" in text:
        text = _TAG.sub(lambda match: _control(match[0], atoms), text)
        text = _sub(_ELEMENT, text, atoms, _markup_value)
    if "=" in text or ":" in text:
        text = _sub(_ASSIGNED, text, atoms, _assigned_value)
    if "=" in text:
        text = _sub(_BARE, text, atoms, _form_value)
    return _addresses(text, atoms)


def _redact_script_block(text: str, atoms: Atoms) -> str:
    return _addresses(_sub(_QUOTED_KEY, text, atoms, _assigned_value), atoms)


def _addresses(text: str, atoms: Atoms) -> str:
    if "=" in text:
        text = _sub(_PARAMETER, text, atoms, _form_value)
    if "://" in text and "@" in text:
        text = _USERINFO.sub(lambda match: f"{match['user']}:{_form_value(match['value'], 'password', atoms)}", text)
    if "Bearer " in text or "Basic " in text or "Token " in text:
        text = _SCHEME.sub(lambda match: f"{match['scheme']} {atoms.secret('token', match['value'])}", text)
    return shaped(text, atoms)


def _sub(pattern: re.Pattern[str], text: str, atoms: Atoms, rewrite: _Rewriter) -> str:
    judge = atoms.names.of

    def replace(match: re.Match[str]) -> str:
        secrecy = judge(match["name"])
        group = _group_of(match)
        if not secrecy or (group == "bare" and secrecy is Secrecy.TEXT):
            return match[0]
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        return match[0][:start] + rewrite(match[group], match["name"], atoms) + match[0][end:]

    return pattern.sub(replace, text)


def _group_of(match: re.Match[str]) -> str:
    for group in ("double", "single", "bare"):
        if group in match.re.groupindex and match[group] is not None:
            return group
    return "value"


def _plain_value(raw: str, name: str, atoms: Atoms) -> str:
    return atoms.secret(name, raw)


def _assigned_value(raw: str, name: str, atoms: Atoms) -> str:
    if "\\" in raw:
        return in_json(raw, lambda value: atoms.secret(name, value))
    return _markup_value(raw, name, atoms)


def _form_value(raw: str, name: str, atoms: Atoms) -> str:
    return in_form(raw, lambda value: atoms.secret(name, value))


def _markup_value(raw: str, name: str, atoms: Atoms) -> str:
    stripped = raw.strip()
    if not stripped:
        return raw
    at = raw.index(stripped)
    return raw[:at] + in_markup(stripped, lambda value: atoms.secret(name, value)) + raw[at + len(stripped) :]


def _control(tag: str, atoms: Atoms) -> str:
    """A form control or meta element whose name or id is that of a secret: its value or content."""
    named = {"name": "", "id": "", "property": "", "http-equiv": ""}
    for match in _ATTRIBUTE.finditer(tag):
        attribute = match["name"].lower()
        if attribute in named:
            named[attribute] = match[_group_of(match)]
    name = next((name for name in named.values() if atoms.names.of(name)), "")
    if not name:
        return tag

    def replace(match: re.Match[str]) -> str:
        if match["name"].lower() not in ("value", "content"):
            return match[0]
        group = _group_of(match)
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        return match[0][:start] + _markup_value(match[group], name, atoms) + match[0][end:]

    return _ATTRIBUTE.sub(replace, tag)


def _blocks(text: str) -> Iterator[str]:
    """The text in pieces that end with a line, behind a tag if possible; other threads may run between them."""
    start = 0
    while len(text) - start > _BLOCK:
        cut = text.rfind(">\n", start, start + _BLOCK) + 1 or text.find("\n", start + _BLOCK) + 1
        if not cut:
            break
        yield text[start:cut]
        start = cut
        time.sleep(0)
    yield text[start:]
