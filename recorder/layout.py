"""Reads what is wanted of an environ at the price of one look-up.

A server builds its environs alike: the same names in the same order, again and again. Which of them are header
fields is worked out once for each such layout; after that all values are taken at once.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

_REMEMBERED = 512  # layouts; clients choose their headers, so the number is bounded
_FIXED = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "",
    "QUERY_STRING": "",
    "wsgi.url_scheme": "http",
    "SERVER_PROTOCOL": "HTTP/1.1",
}
_RAW_TARGETS = ("RAW_URI", "REQUEST_URI")
_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")

METHOD, SCRIPT, PATH, QUERY, SCHEME, PROTOCOL, RAW_TARGET, PEER, HEADERS = range(9)
"""Where in the values that a layout takes each one stands; from HEADERS on, those of the header fields."""


class Layout(NamedTuple):
    """What environs with the same names have in common, and how to take all values of interest out of one."""

    names: tuple[str, ...]  # of the header fields, under their environ names and in the environ's order
    take: Callable[[dict[str, Any]], tuple[Any, ...]]
    tells_length: bool  # whether there are names that say if the request has a body
    wraps_files: bool  # whether the server has a `wsgi.file_wrapper`


_layouts: dict[tuple[str, ...], Layout] = {}


def layout_of(environ: dict[str, Any]) -> Layout:
    """The layout of an environ; runs in the request thread, before the application is called."""
    keys = tuple(environ)
    return _layouts.get(keys) or _learn(keys)


def field_of(names: tuple[str, ...], values: tuple[Any, ...], name: str) -> str:
    """The value of a header field, by its environ name; empty when it is not there."""
    return str(values[HEADERS + names.index(name)]) if name in names else ""


def _learn(keys: tuple[str, ...]) -> Layout:
    names = tuple(
        key
        for key in keys
        # some servers give the unprefixed ones under both names
        if key in _UNPREFIXED or (key.startswith("HTTP_") and not (key[5:] in _UNPREFIXED and key[5:] in keys))
    )
    raw = next((key for key in _RAW_TARGETS if key in keys), None)
    take: Callable[[dict[str, Any]], tuple[Any, ...]]
    if raw is not None and "REMOTE_ADDR" in keys and all(key in keys for key in _FIXED):
        wanted = (*_FIXED, raw, "REMOTE_ADDR", *names)
        take = itemgetter(*wanted)
    else:
        take = _take_with_defaults(raw, names)
    if len(_layouts) >= _REMEMBERED:
        _layouts.clear()
    layout = _layouts[keys] = Layout(
        names, take, "CONTENT_LENGTH" in keys or "HTTP_TRANSFER_ENCODING" in keys, "wsgi.file_wrapper" in keys
    )
    return layout


def _take_with_defaults(raw: str | None, names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    def take(environ: dict[str, Any]) -> tuple[Any, ...]:
        fixed = [environ.get(key, default) for key, default in _FIXED.items()]
        raw_target = environ.get(raw) if raw is not None else None
        return (*fixed, raw_target, environ.get("REMOTE_ADDR", ""), *[environ[name] for name in names])

    return take
