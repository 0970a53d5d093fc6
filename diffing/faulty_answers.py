"""One answer with one fault in it: decoded, changed at one place or wherever the place is, written again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson

from recorder.exchange import Body, RecordedResponse, header

from .atoms import canonical, rewrite
from .bodies import Form, Parsed, comparable
from .difference import Part
from .faulty_headers import with_header_fault
from .knowledge import Scope
from .media import Undecodable, decode_body
from .mutations import GONE, NOTHING, Mutation, changed
from .walk import nodes

_PAGE = b"<!doctype html>\n<html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>\n"
_STATUSES = {
    200: (500, 404, 201),
    201: (200, 500, 404),
    204: (200, 500),
}
_WORD = re.compile(r"[A-Za-z]{3,}|[0-9]+")
TREES = frozenset([Form.JSON, Form.LINES])
"""Forms whose values are changed one by one; other text is changed line by line."""
LINES = frozenset([Form.TEXT, Form.PAGE, Form.TABLE, Form.FORM, Form.MARKUP])


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: `shape` is the place, as in locations; `variant` chooses among several ways and several rows."""

    mutation: Mutation
    part: Part
    shape: str
    variant: int


@dataclass(frozen=True, slots=True)
class Names:
    """What faults are made of that no one answer shows: identifiers of each sort, words that a place never held."""

    identifiers: Mapping[str, Sequence[object]] = field(
        default_factory=dict
    )  # sort -> values, as they stand in answers
    words: Mapping[str, str] = field(default_factory=dict)  # location key -> a word unlike all that were seen there


def with_fault(
    response: RecordedResponse, fault: Fault, scope: Scope, names: Names, everywhere: bool = False
) -> RecordedResponse | None:
    """A copy with the fault; None where it does not apply. `everywhere`: in all rows that have the place."""
    match fault.mutation:
        case Mutation.STATUS:
            return _other_status(response, fault.variant)
        case Mutation.EMPTY_BODY:
            return _with_body(response, b"") if response.body.data else None
        case Mutation.HTML:
            return _as_page(response, fault.variant)
    if fault.part is Part.HEADER:
        headers = with_header_fault(response.headers, fault.mutation, fault.shape, fault.variant)
        return None if headers is None else replace(response, headers=headers)
    parsed = comparable(response)
    if parsed.form in LINES:
        return _other_lines(response, fault)
    if parsed.form not in TREES or parsed.problem or parsed.oddities:
        return None
    value = _Planting(fault, scope, names).into(parsed, everywhere)
    return None if value is NOTHING else _with_body(response, _written(parsed.form, value))


def _with_body(response: RecordedResponse, data: bytes) -> RecordedResponse:
    headers = tuple(pair for pair in response.headers if pair[0].lower() != "content-encoding")
    return replace(response, headers=headers, body=Body.of(data))


def _written(form: Form, value: object) -> bytes:
    if form is Form.LINES and isinstance(value, list):
        return b"".join(_dumped(row) + b"\n" for row in value)
    return _dumped(value)


def _dumped(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # integers beyond 64 bits
        return json.dumps(value).encode()


def _other_status(response: RecordedResponse, variant: int) -> RecordedResponse | None:
    others = _STATUSES.get(response.status, (500, 200) if response.status != 500 else (200,))
    return replace(response, status=others[variant % len(others)], reason="")


def _as_page(response: RecordedResponse, variant: int) -> RecordedResponse | None:
    declared = header(response.headers, "content-type")
    if "json" not in declared:
        return None
    page = _with_body(response, _PAGE)
    if variant % 2:
        return page  # and says that it is JSON
    headers = tuple((n, "text/html; charset=utf-8" if n.lower() == "content-type" else v) for n, v in page.headers)
    return replace(page, headers=headers)


def _other_lines(response: RecordedResponse, fault: Fault) -> RecordedResponse | None:
    try:
        text = decode_body(response).decode("utf-8", "surrogateescape")
    except Undecodable:
        return None
    other = _in_text(text, fault.mutation, fault.variant)
    if other is None or other == text:
        return None
    return _with_body(response, other.encode("utf-8", "surrogateescape"))


def _in_text(text: str, mutation: Mutation, variant: int) -> str | None:
    if mutation is Mutation.TRUNCATE:
        return text[: len(text) // 2]
    if mutation is Mutation.TEXT:
        words = list(_WORD.finditer(text))
        if not words:
            return None
        word = words[variant % len(words)]
        other = changed(Mutation.TEXT, word[0], variant)
        return text[: word.start()] + other + text[word.end() :] if isinstance(other, str) else None
    if mutation not in (Mutation.DROP_ELEMENT, Mutation.DUPLICATE):
        return None
    lines: list[object] = [*text.split("\n")]
    other = changed(mutation, lines, variant) if len(lines) > 1 else NOTHING
    return "\n".join(map(str, other)) if isinstance(other, list) else None


class _Planting:
    """Puts one fault into one parsed body."""

    def __init__(self, fault: Fault, scope: Scope, names: Names) -> None:
        self._fault = fault
        self._scope = scope
        self._names = names

    def into(self, parsed: Parsed, everywhere: bool) -> object:
        """The value with the fault, NOTHING when there is no place for it. Changes `parsed.value` in place."""
        fault, root = self._fault, [parsed.value]
        found = [
            (steps, node)
            for steps, shape, node in nodes(parsed.value, parsed.root, self._scope)
            if shape == fault.shape and self._made(node) is not NOTHING
        ]
        if fault.mutation is Mutation.SWAP:
            return root[0] if self._swap(parsed, found) else NOTHING
        if not found:
            return NOTHING
        chosen = found if everywhere else [found[fault.variant % len(found)]]
        for steps, node in reversed(chosen):  # a container before what holds it
            _put(root, (0, *steps), self._made(node))
        return root[0]

    def _made(self, node: object) -> object:
        mutation = self._fault.mutation
        key = self._scope.key(self._fault.shape)
        if mutation is Mutation.UNSEEN:
            return self._names.words.get(key, NOTHING) if isinstance(node, str) else NOTHING
        if mutation is Mutation.SWAP:
            return node if canonical(node) is not None and self._scope.learned.sort_of(key) else NOTHING
        if mutation is Mutation.OTHER_ID:
            return self._other_identifier(node, key)
        return changed(mutation, node, self._fault.variant)

    def _other_identifier(self, node: object, key: str) -> object:
        """A value that is the identifier of another object, or a text with one in the place of its own."""
        text = canonical(node)
        if text is None:
            return NOTHING
        sort = self._scope.learned.sort_of(key)
        if sort:
            others = [one for one in self._names.identifiers.get(sort, ()) if type(one) is type(node) and one != node]
            return others[self._fault.variant % len(others)] if others else NOTHING
        if not isinstance(node, str):
            return NOTHING

        def look(suffix: str, inside: str) -> str | None:
            sort = self._scope.learned.sort_of(key + suffix)
            others = [c for one in self._names.identifiers.get(sort, ()) if sort and (c := canonical(one)) != inside]
            return others[self._fault.variant % len(others)] if others else None

        other = rewrite(node, look)
        return other if other != node else NOTHING

    def _swap(self, parsed: Parsed, found: Sequence[tuple[tuple[str | int, ...], object]]) -> bool:
        """Exchanges the place's identifier with another one of its sort in the same answer."""
        if not found:
            return False
        steps, node = found[self._fault.variant % len(found)]
        sort = self._scope.learned.sort_of(self._scope.key(self._fault.shape))
        others = [
            (other_steps, other)
            for other_steps, shape, other in nodes(parsed.value, parsed.root, self._scope)
            if type(other) is type(node)
            and other != node
            and self._scope.learned.sort_of(self._scope.key(shape)) == sort
        ]
        if not others:
            return False
        other_steps, other = others[self._fault.variant % len(others)]
        root = [parsed.value]
        _put(root, (0, *steps), other)
        _put(root, (0, *other_steps), node)
        return True


def _put(root: object, steps: Sequence[str | int], value: object) -> None:
    holder = root
    for step in steps[:-1]:
        holder = holder[step]  # type: ignore[index]  # the steps were found by walking this very value
    if value is GONE:
        del holder[steps[-1]]  # type: ignore[attr-defined]
    else:
        holder[steps[-1]] = value  # type: ignore[index]
