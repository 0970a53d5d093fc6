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

METHOD, SCRIPT, PATH, QUERY, SCHEME, PROTOCOL, RAW_TARGET, HEADERS = range(8)
"""Where in `RequestFacts.values` a value stands; from HEADERS on, those of the header fields."""


class Layout(NamedTuple):
    """The header fields of an environ, under their environ names and in its order, and how to take all values."""

    names: tuple[str, ...]
    take: Callable[[dict[str, Any]], tuple[Any, ...]]


class RequestFacts(NamedTuple):
    """A request as its environ described it before the application could change that."""

    names: tuple[str, ...]
    values: tuple[Any, ...]
    remote_addr: str

    @property
    def method(self) -> str:
        return str(self.values[METHOD])

    def field(self, name: str) -> str:
        """The value of a header field, by its environ name; empty when it is not there."""
        return str(self.values[HEADERS + self.names.index(name)]) if name in self.names else ""


_layouts: dict[tuple[str, ...], Layout] = {}


def request_facts(environ: dict[str, Any], remote_addr: str) -> RequestFacts:
    """Notes a request; runs in the request thread, before the application is called."""
    keys = tuple(environ)
    layout = _layouts.get(keys)
    if layout is None:
        layout = _learn(keys)
    return RequestFacts(layout.names, layout.take(environ), remote_addr)


def _learn(keys: tuple[str, ...]) -> Layout:
    names = tuple(
        key
        for key in keys
        # some servers give the unprefixed ones under both names
        if key in _UNPREFIXED or (key.startswith("HTTP_") and not (key[5:] in _UNPREFIXED and key[5:] in keys))
    )
    raw = next((key for key in _RAW_TARGETS if key in keys), None)
    take: Callable[[dict[str, Any]], tuple[Any, ...]]
    if raw is not None and all(key in keys for key in _FIXED):
        wanted = (*_FIXED, raw, *names)
        take = itemgetter(*wanted)
    else:
        take = _take_with_defaults(raw, names)
    if len(_layouts) >= _REMEMBERED:
        _layouts.clear()
    layout = _layouts[keys] = Layout(names, take)
    return layout


def _take_with_defaults(raw: str | None, names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    def take(environ: dict[str, Any]) -> tuple[Any, ...]:
        fixed = [environ.get(key, default) for key, default in _FIXED.items()]
        return (*fixed, environ.get(raw) if raw is not None else None, *[environ[name] for name in names])

    return take
