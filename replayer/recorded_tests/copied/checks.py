"""What the recorded tests compare with. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urlsplit

MOST_LINES = 40


class Like:
    """A text that varies, by its pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and re.fullmatch(self.pattern, other) is not None

    def __repr__(self) -> str:
        return f"Like(r{self.pattern!r})"


class Some:
    """A value that varies, by its type: `Some(int)`, `Some(str, None)`."""

    def __init__(self, *kinds: type | None) -> None:
        self.kinds = tuple(type(None) if kind is None else kind for kind in kinds)

    def __eq__(self, other: object) -> bool:
        return type(other) in self.kinds

    def __repr__(self) -> str:
        names = ("None" if kind is type(None) else kind.__name__ for kind in self.kinds)
        return f"Some({', '.join(names)})"


class Either:
    """One of several things."""

    def __init__(self, *choices: object) -> None:
        self.choices = choices

    def __eq__(self, other: object) -> bool:
        return any(not differences(choice, other) for choice in self.choices)

    def __repr__(self) -> str:
        return f"Either({', '.join(map(repr, self.choices))})"


class Fields:
    """An object in which some fields are there at times only."""

    def __init__(
        self, always: Mapping[str, object], at_times: Mapping[str, object]
    ) -> None:
        self.always = dict(always)
        self.at_times = dict(at_times)

    def __eq__(self, other: object) -> bool:
        return not differences(self, other)

    def __repr__(self) -> str:
        return f"Fields({self.always!r}, at_times={self.at_times!r})"


class Each:
    """An array whose length varies: what is true of each of its elements."""

    def __init__(self, element: object, least: int = 0) -> None:
        self.element = element
        self.least = least

    def __eq__(self, other: object) -> bool:
        return not differences(self, other)

    def __repr__(self) -> str:
        return f"Each({self.element!r}, least={self.least})"


class Rows:
    """A long array: its length, the first elements, the last, one field of all."""

    def __init__(
        self,
        count: int,
        first: Sequence[object] = (),
        last: Sequence[object] = (),
        keys: tuple[str, Sequence[object]] | None = None,
    ) -> None:
        self.count = count
        self.first = list(first)
        self.last = list(last)
        self.keys = keys

    def __eq__(self, other: object) -> bool:
        return not differences(self, other)

    def compared(self, actual: list[Any], path: str) -> list[str]:
        if len(actual) != self.count:
            return _changed(
                path, f"- {self.count} elements", f"+ {len(actual)} elements"
            )
        found: list[str] = []
        for index, one in enumerate(self.first):
            found += differences(one, actual[index], f"{path}[{index}]")
        for index, one in enumerate(self.last, self.count - len(self.last)):
            found += differences(one, actual[index], f"{path}[{index}]")
        shape = {
            frozenset(one)
            for one in (*self.first, *self.last)
            if isinstance(one, Mapping)
        }
        for index, one in enumerate(
            actual[len(self.first) : self.count - len(self.last)], len(self.first)
        ):
            if shape and (not isinstance(one, Mapping) or frozenset(one) not in shape):
                found += _changed(
                    f"{path}[{index}]",
                    f"+ {_shown(one)}, with other fields than the rest",
                )
            elif self.keys is not None:
                name, values = self.keys
                found += differences(
                    values[index], one.get(name), f"{path}[{index}].{name}"
                )
        return found

    def __repr__(self) -> str:
        return f"Rows({self.count}, first={self.first!r}, last={self.last!r})"


class AnyOrder:
    """An array whose elements come in no order."""

    def __init__(self, elements: Sequence[object]) -> None:
        self.elements = list(elements)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list) or len(other) != len(self.elements):
            return False
        left = list(other)
        for element in self.elements:
            found = next(
                (i for i, one in enumerate(left) if not differences(element, one)), None
            )
            if found is None:
                return False
            del left[found]
        return True

    def __repr__(self) -> str:
        return f"AnyOrder({self.elements!r})"


class exactly:
    """Equal in value and type, at any depth: `1`, `1.0` and `True` are three things."""

    def __init__(self, expected: object) -> None:
        self.expected = expected

    def __eq__(self, other: object) -> bool:
        return not differences(self.expected, other)

    def __repr__(self) -> str:
        return f"exactly({self.expected!r})"


class including:
    """Headers that are there, whatever others are."""

    def __init__(self, expected: Mapping[str, object]) -> None:
        self.expected = dict(expected)

    def __eq__(self, other: Any) -> bool:
        return not self.missing(other)

    def missing(self, headers: Any) -> list[str]:
        found: list[str] = []
        for name, value in self.expected.items():
            found += differences(value, headers.get(name), name)
        return found

    def __repr__(self) -> str:
        return f"including({self.expected!r})"


def differences(expected: object, actual: object, path: str = "$") -> list[str]:
    """Where two values differ: for each place its path, and both values."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        found: list[str] = []
        for key in [*expected, *(key for key in actual if key not in expected)]:
            where = f"{path}.{key}"
            if key not in actual:
                found += _changed(where, f"- {_shown(expected[key])}")
            elif key not in expected:
                found += _changed(where, f"+ {_shown(actual[key])}")
            else:
                found += differences(expected[key], actual[key], where)
        return found
    if isinstance(expected, list) and isinstance(actual, list):
        return _of_lists(expected, actual, path)
    if isinstance(expected, Fields) and isinstance(actual, Mapping):
        there = {
            key: value for key, value in expected.at_times.items() if key in actual
        }
        return differences({**expected.always, **there}, actual, path)
    if (
        isinstance(expected, Each)
        and isinstance(actual, list)
        and len(actual) >= expected.least
    ):
        return [
            line
            for i, one in enumerate(actual)
            for line in differences(expected.element, one, f"{path}[{i}]")
        ]
    if isinstance(expected, Rows) and isinstance(actual, list):
        return expected.compared(actual, path)
    if isinstance(expected, (Like, Some, Either, AnyOrder)):
        same = expected == actual
    else:
        same = type(expected) is type(actual) and expected == actual
    return (
        [] if same else _changed(path, f"- {_shown(expected)}", f"+ {_shown(actual)}")
    )


def _of_lists(expected: list[object], actual: list[object], path: str) -> list[str]:
    found: list[str] = []
    if len(expected) != len(actual):
        found += _changed(
            path, f"- {len(expected)} elements", f"+ {len(actual)} elements"
        )
    for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
        found += differences(one, other, f"{path}[{index}]")
    return found


def _changed(path: str, *lines: str) -> list[str]:
    return [f"  {path}", *(f"{line[0]}     {line[2:]}" for line in lines)]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}… ({len(text)} characters)"


def explained(left: object, right: object) -> list[str] | None:
    """What pytest says of `assert left == right`; None for what is none of ours."""
    if isinstance(right, exactly):
        lines = differences(right.expected, left)
    elif isinstance(right, including):
        lines = right.missing(left)
    else:
        return None
    more = len(lines) - MOST_LINES
    if more > 0:
        lines = [*lines[:MOST_LINES], f"  … and {more} lines more"]
    return ["the answer is another than the recorded one (- recorded, + now)", *lines]


class KnownUser:
    """A user, as the hook that logs recorded users in is asked for them."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.digest = ""

    def matches(self, value: object) -> bool:
        return str(value) == self.identity

    def find(self, values: Iterable[Any]) -> Any:
        return next((value for value in values if self.matches(value)), None)


def cookies(response: Any) -> dict[str, dict[str, object]]:
    """The cookies that an answer sets, with their attributes but for `Expires`."""
    return parsed_cookies(response.headers.getlist("Set-Cookie"))


def parsed_cookies(lines: Iterable[str]) -> dict[str, dict[str, object]]:
    """The same of the values of `Set-Cookie`."""
    found: dict[str, dict[str, object]] = {}
    for line in lines:
        pair, *attributes = (part.strip() for part in line.split(";"))
        name, _, value = pair.partition("=")
        found[name] = {"value": value}
        for attribute in attributes:
            key, equals, text = attribute.partition("=")
            if key.lower() != "expires":
                found[name][key] = text if equals else True
    return found


def field(response: Any, name: str) -> str:
    """The value of a page's field or meta tag."""
    for tag in re.findall(r"<(?:input|meta)\b[^>]*>", response.text, re.IGNORECASE):
        pairs = re.findall(r"""([\w-]+)=(?:"([^"]*)"|'([^']*)')""", tag)
        attributes = {key.lower(): unescape(one or other) for key, one, other in pairs}
        if attributes.get("name") == name:
            return attributes.get("value", attributes.get("content", ""))
    raise LookupError(f"the page has no field {name!r}")


def segment(address: str, number: int) -> str:
    """One segment of an address's path, counted from 0."""
    return unquote([part for part in urlsplit(address).path.split("/") if part][number])


def page(response: Any) -> list[str]:
    """What a page says and where it leads: texts, links and fields, in order."""
    return page_lines(response.text)


def page_lines(text: str) -> list[str]:
    """The same of a page's text."""
    reader = _Page()
    reader.feed(text)
    reader.close()
    return reader.lines


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in ("script", "style"):
            self._silent += 1
        elif tag in (
            "input",
            "meta",
            "button",
            "select",
            "textarea",
        ) and attributes.get("name"):
            value = attributes.get("value", attributes.get("content"))
            self.lines.append(f"{tag} {attributes['name']}={value or ''}")
        elif attributes.get("href") or attributes.get("action"):
            self.lines.append(
                f"{tag} -> {attributes.get('href') or attributes.get('action')}"
            )

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style") and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and not self._silent:
            self.lines.append(text)
