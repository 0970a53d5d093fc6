"""Where frames go. A sink is opened by URL, in the background thread of the process that writes to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Protocol
from urllib.parse import unquote, urlsplit

from ..config import ConfigError, RecorderConfig
from ..counters import RouteKey
from ..frames import Header

OnLost = Callable[[Mapping[RouteKey, int], str], None]
"""Told how many exchanges of each route, which a sink had taken, are lost after all, and the reason."""


class Sink(Protocol):
    """Takes whole frames; called by one thread at a time.

    `gather`: seconds for which it likes exchanges to be gathered before it is given them.
    """

    gather: float = 0.05

    def write(self, frames: Sequence[bytes]) -> None:
        """Keeps all of the frames, or raises `SinkError`, which says how many it kept."""

    def refusal(self) -> str:
        """The reason for which frames would surely be dropped now, so that none need be made; "" when they may not."""
        return ""

    def tend(self) -> float:
        """Does a piece of what waits to be done, if it is time. Seconds until it wants to be called again."""
        return math.inf

    def hurry(self, deadline: float | None) -> None:
        """What waits is to be tried now, and nothing may take longer than to `deadline` (monotonic); None: no more."""
        return None

    def close(self) -> None:
        """Lets go of files and connections. Nothing is written afterwards. Also called in the child of a fork."""


class SinkError(Exception):
    """Frames could not be kept. `reason` is a short fixed phrase that losses are counted under.

    The first `kept` frames of those that were to be written were kept. `said`: the sink has logged it already.
    """

    def __init__(self, reason: str, detail: str, kept: int = 0, said: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.kept = kept
        self.said = said


def check_sink(url: str) -> None:
    """Raises `ConfigError` when no sink can be opened by that URL. What is said never holds its secrets."""
    from .address import http_address, redis_address, shown

    scheme = url.partition(":")[0].lower()
    if scheme in ("redis", "rediss"):
        if find_spec("redis") is None:
            raise ConfigError(
                f"UNDERSTUDY_SINK: {scheme}: needs the redis library, which is not installed here; "
                "install understudy[redis], or use file:///directory"
            )
        redis_address(url)
    elif scheme in ("http", "https"):
        http_address(url)
    elif scheme == "file":
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise ConfigError(f"UNDERSTUDY_SINK: {url[:80]!r} names no absolute directory; expected file:///directory")
    elif scheme != "memory":
        raise ConfigError(
            f"UNDERSTUDY_SINK: unknown kind of sink in {shown(url)!r}; expected file:///directory, "
            "redis://host:port/0?stream=NAME, https://host/path?token=TOKEN or memory:"
        )


def open_sink(config: RecorderConfig, header: Header, on_lost: OnLost) -> Sink:
    """The sink that the settings name; `check_sink` has been asked before."""
    parts = urlsplit(config.sink)
    if parts.scheme == "memory":
        from .memory import memory_sink

        return memory_sink(parts.path)
    if parts.scheme == "file":
        from pathlib import Path

        from .file import FileSink

        return FileSink(Path(unquote(parts.path)), header, config.spool_max, on_lost)
    from .buffered import open_buffered

    return open_buffered(config.sink, header, config.spool_max, on_lost)
