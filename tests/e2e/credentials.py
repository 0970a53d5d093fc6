"""The passwords and tokens of some traffic in clear, found by what this module alone knows of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from .wire_messages import WireExchange

SECRET = re.compile(r"passw|token|secret|csrf|api_?key", re.I)
FORM = re.compile(r'name="([^"]*)" value="([^"]*)"')
SHORTEST = 8  # what is shorter stands in other texts by chance


def secrets_of(wallet: Mapping[str, Any], traffic: Sequence[WireExchange]) -> dict[str, str]:
    """Each value with a word on where it came from."""
    found: dict[str, str] = {}
    for user in wallet["users"]:
        for name in ("password", "access_token", "refresh_token"):
            found[user.get(name, "")] = f"wallet {name}"
        for name, value in user.get("cookies", {}).items():
            found[value] = f"wallet cookie {name}"
    for exchange in traffic:
        place = f"{exchange.method} {exchange.target}"
        for where, name, value in _pairs(exchange):
            found.setdefault(value, f"{place}: {where} {name}")
    return {value: why for value, why in found.items() if len(value) >= SHORTEST}


def _pairs(exchange: WireExchange) -> Iterator[tuple[str, str, str]]:
    yield from _named("query", parse_qsl(exchange.target.partition("?")[2]))
    for name, value in exchange.headers:
        if name.lower() == "authorization":
            yield "header", name, value.partition(" ")[2]
        if name.lower() == "cookie":
            yield from _cookies(value)
    for name, value in exchange.response_headers:
        if name.lower() == "set-cookie":
            yield from _cookies(value)
    yield from _fields("request", exchange.headers, exchange.body)
    yield from _fields("response", exchange.response_headers, exchange.response_body)


def _cookies(text: str) -> Iterator[tuple[str, str, str]]:
    try:
        for name, morsel in SimpleCookie(text).items():
            yield "cookie", name, morsel.value
    except CookieError:
        return


def _fields(where: str, headers: Sequence[tuple[str, str]], body: bytes) -> Iterator[tuple[str, str, str]]:
    media = next((value for name, value in headers if name.lower() == "content-type"), "")
    text = body.decode("utf-8", "replace")
    if "json" in media:
        try:
            yield from _named(where, _leaves(json.loads(text)))
        except ValueError:
            return
    elif "form-urlencoded" in media:
        yield from _named(where, parse_qsl(text))
    elif "html" in media:
        yield from _named(where, FORM.findall(text))


def _named(where: str, pairs: Sequence[tuple[str, str]] | Iterator[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    return ((where, name, value) for name, value in pairs if SECRET.search(name))


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, key)
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child, name)
    elif isinstance(value, str):
        yield name, value
