"""Keeps frames in memory: for tests, and for trying the recorder out. `memory:` or `memory:NAME`."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..exchange import Exchange, ProducerReport
from ..frames import FRAME_HEAD, FrameKind
from ..payload import decode_exchange, decode_report
from . import Sink, SinkError

_MAX_BYTES = 64 << 20


class MemorySink(Sink):
    """A real sink that ends in a list: the newest frames up to 64 MiB."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._size = 0

    def write(self, frames: Sequence[bytes]) -> None:
        size = sum(map(len, frames))
        if self._size + size > _MAX_BYTES:
            raise SinkError("memory_full", f"the memory sink is full at {_MAX_BYTES} bytes")
        self._frames.extend(frames)
        self._size += size

    def close(self) -> None:
        return None

    def clear(self) -> None:
        self._frames.clear()
        self._size = 0

    def exchanges(self) -> list[Exchange]:
        """Every exchange that was written, in order."""
        return [decode_exchange(payload) for payload in self._payloads(FrameKind.EXCHANGE)]

    def reports(self) -> list[ProducerReport]:
        """Every report that was written, in order; the last one of a producer counts."""
        return [decode_report(payload) for payload in self._payloads(FrameKind.REPORT)]

    def _payloads(self, kind: FrameKind) -> list[bytes]:
        return [frame[FRAME_HEAD.size :] for frame in self._frames if FRAME_HEAD.unpack_from(frame)[2] == kind]


_sinks: dict[str, MemorySink] = {}


def memory_sink(name: str = "") -> MemorySink:
    """The sink of that name in this process; the same one every time."""
    return _sinks.setdefault(name, MemorySink())
