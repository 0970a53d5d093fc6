"""Header fields with a fault in them: gone, with another value, a cookie without one of its flags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from recorder.exchange import Headers

from .headers import header_tree
from .mutations import Mutation, alike

Edit = Callable[[str, str], str | None]
"""(name in small letters, value) -> the new value, or None to take the field away."""
CONTENT_TYPE = "header:content-type"
_COOKIE = re.compile(r"header:set-cookie\[(?P<cookie>[^\]]*)\](?:\.(?P<attribute>.+))?", re.S)


def header_places(headers: Headers) -> Iterator[tuple[str, Mutation, object]]:
    """(shape, mutation, value) of what can be wrong with an answer's header fields that are compared at all."""
    if any(name.lower() == "content-type" for name, _ in headers):
        yield CONTENT_TYPE, Mutation.HEADER, None
    for name, value in header_tree(headers).items():
        shape = f"header:{name}"
        yield shape, Mutation.DROP_HEADER, None
        if isinstance(value, dict):
            for key, part in value.items():
                yield f"{shape}.{key}", Mutation.HEADER, part
        elif value != "present":
            yield shape, Mutation.HEADER, value


def with_header_fault(headers: Headers, mutation: Mutation, shape: str, variant: int) -> Headers | None:
    """The fields with the fault at `shape`; None when they have no such place."""
    if shape == CONTENT_TYPE:
        return _edited(headers, lambda n, v: "text/plain" if n == "content-type" else v)
    if cookie := _COOKIE.fullmatch(shape):
        return _cookie_fault(headers, cookie["cookie"], cookie["attribute"], mutation, variant)
    name, _, key = shape.removeprefix("header:").partition(".")
    if mutation is Mutation.DROP_HEADER:
        return _edited(headers, lambda n, v: None if n == name else v)
    if key:
        return _edited(headers, lambda n, v: _other_token(v, key, variant) if n == name else v)
    return _edited(headers, lambda n, v: alike(v, variant) if n == name else v)


def _edited(headers: Headers, edit: Edit) -> Headers | None:
    found = []
    for name, value in headers:
        new = edit(name.lower(), value)
        if new is not None:
            found.append((name, new))
    return tuple(found) if tuple(found) != headers else None


def _cookie_fault(
    headers: Headers, cookie: str, attribute: str | None, mutation: Mutation, variant: int
) -> Headers | None:
    def edit(name: str, line: str) -> str | None:
        first, *rest = line.split(";")
        if name != "set-cookie" or first.partition("=")[0].strip() != cookie:
            return line
        if mutation is Mutation.DROP_HEADER:
            return None
        if attribute == "value":
            key, _, value = first.partition("=")
            return ";".join([f"{key}={alike(value, variant)}", *rest])
        return ";".join([first, *(part for part in rest if part.partition("=")[0].strip().lower() != attribute)])

    return _edited(headers, edit)


def _other_token(line: str, key: str, variant: int) -> str:
    """`max-age=60, public` with another number, or without a token."""
    tokens = []
    for token in line.split(","):
        name, equals, text = token.partition("=")
        if name.strip().lower() != key:
            tokens.append(token)
        elif equals:
            tokens.append(f"{name}={alike(text, variant)}")
    return ",".join(tokens).strip()
