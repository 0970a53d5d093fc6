"""Generated faults of a response as a whole: its status, header fields, cookies, and bodies that are not JSON."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .fault_kinds import Kind
from .places import Place

Headers = tuple[tuple[str, str], ...]
ERROR_PAGE = b"<!doctype html><html><head><title>Error</title></head><body><h1>Server Error</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Message:
    """What an application answers."""

    status: int
    headers: Headers
    body: bytes

    def with_body(self, body: bytes) -> Message:
        return replace(self, body=body)


Whole = Callable[[Message, tuple[str, ...], random.Random], Message]


def _edit(change: Whole) -> Callable[[Any, list[Any], random.Random], Any]:
    def edit(message: Message, told: list[Any], chance: random.Random) -> Any:
        return change(message, told[0], chance)

    return edit


def _typed(message: Message, kind: str) -> Headers:
    kept = tuple(each for each in message.headers if each[0].lower() != "content-type")
    return (*kept, ("Content-Type", kind))


def _error(message: Message, _steps: tuple[str, ...], _chance: random.Random) -> Message:
    if message.status >= 500:
        return message
    return Message(500, _typed(message, "text/html; charset=utf-8"), ERROR_PAGE)


def _error_as_success(message: Message, _steps: tuple[str, ...], _chance: random.Random) -> Message:
    if message.status != 200 or not message.body:
        return message
    return message.with_body(ERROR_PAGE)


def _swallowed(message: Message, _steps: tuple[str, ...], _chance: random.Random) -> Message:
    return replace(message, status=200) if 400 <= message.status < 500 else message


def _other_success(message: Message, _steps: tuple[str, ...], _chance: random.Random) -> Message:
    return replace(message, status={200: 202, 201: 200, 202: 200}.get(message.status, message.status))


def _other_refusal(message: Message, _steps: tuple[str, ...], _chance: random.Random) -> Message:
    wrong = {400: 422, 401: 403, 403: 404, 404: 400, 409: 400, 422: 400, 410: 404, 429: 503}
    return replace(message, status=wrong.get(message.status, message.status))


def _refused(message: Message, _steps: tuple[str, ...], _chance: random.Random) -> Message:
    return replace(message, status=403) if message.status < 300 else message


def _emptied(message: Message, _steps: tuple[str, ...], _chance: random.Random) -> Message:
    return message.with_body(b"")


def _truncated(message: Message, _steps: tuple[str, ...], _chance: random.Random) -> Message:
    return message.with_body(message.body[: len(message.body) // 2]) if len(message.body) > 20 else message


def _as_text(message: Message, _steps: tuple[str, ...], _chance: random.Random) -> Message:
    if not message.body:
        return message
    kind = next((value for name, value in message.headers if name.lower() == "content-type"), "")
    return replace(message, headers=_typed(message, "text/html; charset=utf-8" if "json" in kind else "text/plain"))


def _fields(change: Callable[[str, str, str], str | None]) -> Whole:
    """An edit of the header field that the fault is at: the new value, or None for none."""

    def edit(message: Message, steps: tuple[str, ...], _chance: random.Random) -> Message:
        kept: list[tuple[str, str]] = []
        for name, value in message.headers:
            if name.lower() != steps[0]:
                kept.append((name, value))
                continue
            wrong = change(name, value, steps[0])
            if wrong is not None:
                kept.append((name, wrong))
        return replace(message, headers=tuple(kept))

    return edit


def _cookies(change: Callable[[str, str, list[str], str], str | None]) -> Whole:
    """An edit of the cookie that the fault is at; gets name, value, flags, and which of the flags is meant."""

    def edit(message: Message, steps: tuple[str, ...], _chance: random.Random) -> Message:
        kept: list[tuple[str, str]] = []
        for name, value in message.headers:
            cookie, *flags = value.split("; ")
            told, _, content = cookie.partition("=")
            if name.lower() != "set-cookie" or told != steps[0]:
                kept.append((name, value))
                continue
            wrong = change(told, content, flags, steps[-1])
            if wrong is not None:
                kept.append((name, wrong))
        return replace(message, headers=tuple(kept))

    return edit


def _without_flag(name: str, content: str, flags: list[str], flag: str) -> str:
    kept = [each for each in flags if each.partition("=")[0].lower() != flag]
    return "; ".join([f"{name}={content}", *kept])


def _in_body(change: Callable[[bytes], bytes]) -> Whole:
    return lambda message, _steps, _chance: message.with_body(change(message.body))


def _line_lost(data: bytes) -> bytes:
    lines = data.split(b"\n")
    return b"\n".join([*lines[:1], *lines[2:]]) if len(lines) > 2 else data


def _other_separator(data: bytes) -> bytes:
    return data.replace(b",", b";")


def _part(*parts: str) -> Callable[[Place], bool]:
    return lambda place: place.part in parts


def _status(test: Callable[[int], bool]) -> Callable[[Place], bool]:
    return lambda place: place.part == "status" and any(test(value) for value in place.values)


def _text_body(place: Place) -> bool:
    return place.part == "body" and any(isinstance(v, bytes) and v.isascii() for v in place.values)


def _plain_header(place: Place) -> bool:
    return place.part == "header" and place.steps[0] != "content-type"


RESPONSES: tuple[Kind, ...] = (
    Kind("500 with a page", _status(lambda status: status < 500), _edit(_error), "status"),
    Kind("error page as success", _status(lambda status: status == 200), _edit(_error_as_success), "status"),
    Kind("refusal as success", _status(lambda status: 400 <= status < 500), _edit(_swallowed), "status"),
    Kind("another success", _status(lambda status: status in (200, 201, 202)), _edit(_other_success), "status"),
    Kind("another refusal", _status(lambda status: 400 <= status < 500), _edit(_other_refusal), "status"),
    Kind("refused", _status(lambda status: status < 300), _edit(_refused), "status"),
    Kind("body emptied", _part("body"), _edit(_emptied), "body"),
    Kind("body cut", _part("body"), _edit(_truncated), "body"),
    Kind("content type", _part("body"), _edit(_as_text), "body"),
    Kind("line lost", _text_body, _edit(_in_body(_line_lost)), "body"),
    Kind("other separator", lambda p: _text_body(p) and any(b"," in v for v in p.values if isinstance(v, bytes)),
         _edit(_in_body(_other_separator)), "body"),
    Kind("header lost", _part("header"), _edit(_fields(lambda _n, _v, _w: None)), "header"),
    Kind("header emptied", _plain_header, _edit(_fields(lambda _n, _v, _w: "")), "header"),
    Kind("header value", lambda p: _plain_header(p) and not p.varies,
         _edit(_fields(lambda _n, v, _w: f"{v}x" if not v.isdigit() else str(int(v) + 1))), "header"),
    Kind("cookie lost", lambda p: p.part == "cookie" and len(p.steps) == 1,
         _edit(_cookies(lambda _n, _c, _f, _w: None)), "cookie"),
    Kind("cookie emptied", lambda p: p.part == "cookie" and len(p.steps) == 1,
         _edit(_cookies(lambda n, _c, f, _w: "; ".join([f"{n}=", *f]))), "cookie"),
    Kind("cookie flag lost", lambda p: p.part == "cookie" and len(p.steps) == 2, _edit(_cookies(_without_flag)),
         "cookie"),
    Kind("cookie renamed", lambda p: p.part == "cookie" and len(p.steps) == 1,
         _edit(_cookies(lambda n, c, f, _w: "; ".join([f"{n}2={c}", *f]))), "cookie"),
    Kind("500, one in 2", lambda p: p.part == "status" and p.responses >= 8, _edit(_error), "status", share=1 / 2),
    Kind("500, one in 3", lambda p: p.part == "status" and p.responses >= 10, _edit(_error), "status", share=1 / 3),
    Kind("500, one in 5", lambda p: p.part == "status" and p.responses >= 12, _edit(_error), "status", share=1 / 5),
    Kind("500, one in 10", lambda p: p.part == "status" and p.responses >= 25, _edit(_error), "status", share=1 / 10),
)  # fmt: skip
"""Faults of whole responses."""
