"""Notes response bodies as the application reads them: nothing is read ahead, nothing twice, nothing of ours holds on.

Methods are wrapped on the library's class and find the call as an attribute of the instance, since a wrapper on the
instance would make a reference cycle, and its connection would go back to its pool with the next garbage collection
only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from .calls import Call, guard

CALL = "_understudy_call"
"""The attribute of a response that holds its call."""

Ended = Callable[[Any], bool]
"""Whether a response has been read to its end."""


def attach(response: Any, call: Call) -> None:
    """Lets the reads of this response be noted."""
    setattr(response, CALL, call)


def note_reads(owner: type, names: tuple[str, ...], ended: Ended) -> None:
    """Wraps methods of a response class that return pieces of its body."""
    for name in names:
        if name in owner.__dict__:
            setattr(owner, name, _noting(owner.__dict__[name], ended))


def note_pieces(owner: type, names: tuple[str, ...]) -> None:
    """Wraps methods of a response class that are generators of pieces of its body."""
    for name in names:
        if name in owner.__dict__:
            setattr(owner, name, _noting_pieces(owner.__dict__[name]))


def _noting(original: Callable[..., Any], ended: Ended) -> Callable[..., Any]:
    @functools.wraps(original)
    def read(self: Any, *args: Any, **kwargs: Any) -> Any:
        call: Call | None = self.__dict__.get(CALL)
        if call is None or call.reading:
            return original(self, *args, **kwargs)
        call.reading = True  # what it calls in turn would be noted twice
        try:
            data = original(self, *args, **kwargs)
        finally:
            call.reading = False
        try:
            _note_coding(self, call, args, kwargs)
            asked = args[0] if args else kwargs.get("amt")
            call.took(data, (not data and asked != 0) or ended(self))
        except Exception as error:
            guard().failed("noting a response of an outbound call", error)
        return data

    return read


def _noting_pieces(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def pieces(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        call: Call | None = self.__dict__.get(CALL)
        if call is None or call.reading:
            yield from original(self, *args, **kwargs)
            return
        _note_coding(self, call, args, kwargs)
        for piece in original(self, *args, **kwargs):
            call.took(piece, False)
            yield piece
        call.took(b"", True)

    return pieces


def _note_coding(response: Any, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """urllib3 decodes while it reads, where it is asked to; http.client never does."""
    decode = args[1] if len(args) > 1 else kwargs.get("decode_content")
    if decode is None:
        decode = getattr(response, "decode_content", False)
    call.decoded = bool(decode)
