"""Where frames go. A sink is opened by URL, in the background thread of the process that writes to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import unquote, urlsplit

from ..config import ConfigError, RecorderConfig
from ..counters import RouteKey
from ..frames import Header

OnEvicted = Callable[[Mapping[RouteKey, int]], None]
"""Told how many exchanges of each route were in a spool file that was dropped to make room."""


class Sink(Protocol):
    """Takes whole frames; called by one thread at a time."""

    def write(self, frames: Sequence[bytes]) -> None:
        """Keeps all of the frames, or raises `SinkError` and keeps none."""

    def close(self) -> None:
        """Lets go of files and connections. Nothing is written afterwards."""


class SinkError(Exception):
    """Frames could not be kept. `reason` is a short fixed phrase that losses are counted under."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def check_sink(url: str) -> None:
    """Raises `ConfigError` when no sink of this version can be opened by that URL."""
    parts = urlsplit(url)
    if parts.scheme in ("redis", "rediss", "http", "https"):
        raise ConfigError(
            f"UNDERSTUDY_SINK: {parts.scheme}: sinks are not available in this version; use file:///directory"
        )
    if parts.scheme not in ("file", "memory"):
        raise ConfigError(
            f"UNDERSTUDY_SINK: unknown kind of sink in {url[:80]!r}; expected file:///directory or memory:"
        )
    if parts.scheme == "file" and (parts.netloc not in ("", "localhost") or not parts.path.startswith("/")):
        raise ConfigError(f"UNDERSTUDY_SINK: {url[:80]!r} names no absolute directory; expected file:///directory")


def open_sink(config: RecorderConfig, header: Header, on_evicted: OnEvicted) -> Sink:
    """The sink that the settings name; `check_sink` has been asked before."""
    parts = urlsplit(config.sink)
    if parts.scheme == "memory":
        from .memory import memory_sink

        return memory_sink(parts.path)
    from pathlib import Path

    from .file import FileSink

    return FileSink(Path(unquote(parts.path)), header, config.spool_max, on_evicted)
