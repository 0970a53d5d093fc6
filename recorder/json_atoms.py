"""Secrets in JSON text, found by reading it token by token: the text may be cut anywhere, or be many documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from .atoms import MAXIMUM_DEPTH, Atoms, Pace, shaped
from .escapes import in_json
from .secret_names import Secrecy

_STRING = r'"(?P<text>[^"\\]*+(?:\\.[^"\\]*+)*+)(?P<end>\\?\Z|"(?P<colon>\s*+:\s*+)?)'
_NUMBER = r"(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
_STRINGS = re.compile(_STRING, re.DOTALL | re.ASCII)
_TOKENS = re.compile(rf"{_STRING}|{_NUMBER}|(?P<bracket>[\[\]{{}}])", re.DOTALL | re.ASCII)
_ONE_NUMBER = re.compile(_NUMBER, re.ASCII)
_LOOKS_LIKE = re.compile(r'\s*(?:\{\s*(?:["}]|\Z)|\[\s*(?:["\]\[{\d-]|true|false|null|\Z)|")', re.ASCII)

LeafScanner = Callable[[str, Atoms, int], str]


def looks_like_json(text: str) -> bool:
    """Whether the text begins as an object, array or string does; a bare number or word holds nothing to look for."""
    return _LOOKS_LIKE.match(text) is not None


def redact_json(text: str, atoms: Atoms, leaf: LeafScanner, depth: int = 0) -> str:
    """The text with every value under a secret name replaced, and every harmless string put through `leaf`."""
    scan = _Scan(text, atoms, leaf, depth)
    scan.run()
    return scan.result()


def redact_named(text: str, names: Iterable[str], atoms: Atoms) -> str:
    """As `redact_json` for a text without escaped quotes, with known secret names and otherwise harmless strings."""
    scan = _Scan(text, atoms, lambda value, _atoms, _depth: value, 0)
    scan.run_named(names)
    return scan.result()


class _Scan:
    """One pass over one text. `_written` holds the pieces up to `_done`, the raw position from where to copy on."""

    def __init__(self, text: str, atoms: Atoms, leaf: LeafScanner, depth: int) -> None:
        self._text = text
        self._atoms = atoms
        self._leaf = leaf
        self._depth = depth
        self._written: list[str] = []
        self._done = 0

    def result(self) -> str:
        return "".join(self._written) + self._text[self._done :] if self._written else self._text

    def run(self) -> None:
        text, judge, pace = self._text, self._atoms.names.of, Pace()
        position = 0  # what lies before it has been dealt with
        name, value_at, secrecy = "", -1, Secrecy.NONE
        for match in _STRINGS.finditer(text):
            start = match.start()
            if start < position:
                continue
            if start - position >= 13:
                self._card_numbers(position, start)
            position = match.end()
            pace.at(position)
            if match["colon"] is None:
                if start == value_at:
                    self._secret_string(match, name)
                else:
                    self._harmless_string(match)
                continue
            raw = match["text"]
            name = in_json_value(raw) if "\\" in raw else raw
            secrecy = judge(name)
            value_at = -1
            if "eyJ" in raw or len(raw) >= 13:
                self._splice(match.start("text"), match.end("text"), in_json(raw, self._shaped))
            if secrecy:
                value_at = position
                position = self._secret_value(position, name, secrecy)
        if len(text) - position >= 13:
            self._card_numbers(position, len(text))

    def run_named(self, names: Iterable[str]) -> None:
        """Every quote begins or ends a string, so a quoted name and a colon are that name wherever they stand."""
        text, position, pace = self._text, 0, Pace()
        for start, name in sorted(_occurrences(text, names)):
            match = _STRINGS.match(text, start) if start >= position else None
            if match is None or match["colon"] is None:
                continue
            position = match.end()
            pace.at(position)
            if (string := _STRINGS.match(text, position)) is not None:
                self._secret_string(string, name)
                position = string.end()
            else:
                position = self._secret_value(position, name, self._atoms.names.of(name))

    def _secret_value(self, start: int, name: str, secrecy: Secrecy) -> int:
        """Deal with a secret value that is no string; where to go on."""
        opening = self._text[start : start + 1]
        if opening == "[" or (opening == "{" and secrecy is Secrecy.ALL):
            return self._container(start, name, secrecy)
        if secrecy is Secrecy.ALL and (match := _ONE_NUMBER.match(self._text, start)):
            self._splice(start, match.end(), self._atoms.secret(name, match[0]))
            return match.end()
        return start

    def _container(self, start: int, name: str, secrecy: Secrecy) -> int:
        """Every string and number up to the closing bracket; under a name that speaks of text, of a flat list only."""
        level, pace, found = 0, Pace(), []
        end = len(self._text)
        for match in _TOKENS.finditer(self._text, start):
            pace.at(match.end() - start)
            bracket = match["bracket"]
            if bracket is None:
                is_number, is_name = match["number"] is not None, match["colon"] is not None
                if not is_name and (not is_number or secrecy is Secrecy.ALL):
                    found.append(match)
                continue
            if bracket == "{" and secrecy is Secrecy.TEXT:
                return start
            level += 1 if bracket in "[{" else -1
            if level == 0:
                end = match.end()
                break
        for match in found:
            if match["number"] is None:
                self._secret_string(match, name)
            else:
                self._splice(match.start(), match.end(), self._atoms.secret(name, match[0]))
        return end

    def _secret_string(self, match: re.Match[str], name: str) -> None:
        secret = self._atoms.secret
        self._splice(match.start("text"), match.end("text"), in_json(match["text"], lambda value: secret(name, value)))

    def _harmless_string(self, match: re.Match[str]) -> None:
        raw = match["text"]
        if len(raw) >= 5 and self._depth < MAXIMUM_DEPTH:
            new = in_json(raw, lambda value: self._leaf(value, self._atoms, self._depth + 1))
            self._splice(match.start("text"), match.end("text"), new)

    def _card_numbers(self, start: int, end: int) -> None:
        """Numbers outside of strings, from `start` to `end`."""
        gap = self._text[start:end]
        new = _ONE_NUMBER.sub(lambda match: shaped(match[0], self._atoms), gap) if len(gap) >= 13 else gap
        self._splice(start, end, new)

    def _shaped(self, value: str) -> str:
        return shaped(value, self._atoms)

    def _splice(self, start: int, end: int, new: str) -> None:
        if new != self._text[start:end]:
            self._written += (self._text[self._done : start], new)
            self._done = end


def _occurrences(text: str, names: Iterable[str]) -> Iterator[tuple[int, str]]:
    for name in names:
        quoted = f'"{name}"'
        start = text.find(quoted)
        while start >= 0:
            yield start, name
            start = text.find(quoted, start + len(quoted))


def in_json_value(raw: str) -> str:
    """What a JSON string's raw content stands for."""
    found: list[str] = []

    def note(value: str) -> str:
        found.append(value)
        return value

    in_json(raw, note)
    return found[0]
