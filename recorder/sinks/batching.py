"""Frames put together into batches of a bounded size, and taken apart again where a server finds one too large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..batches import exchanges_among, pack_batch
from ..counters import RouteKey
from ..frames import FRAME_HEAD, FrameKind, Header
from ..payload import decode_exchange

MAX_BYTES = 1 << 20
"""Bytes of frames in one batch, before compression: a second at 8 Mbit/s at worst. A larger frame travels alone."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames of one producer that travel together."""

    header: Header
    frames: tuple[bytes, ...]

    @property
    def exchanges(self) -> int:
        return exchanges_among(self.frames)

    def packed(self) -> tuple[str, bytes]:
        """(encoding, data), as it goes over the wire."""
        return pack_batch(self.header, self.frames)

    def halves(self) -> tuple[Batch, Batch]:
        """The same frames in two batches; there must be two or more."""
        middle = len(self.frames) // 2
        return Batch(self.header, self.frames[:middle]), Batch(self.header, self.frames[middle:])

    def by_route(self) -> dict[RouteKey, int]:
        """How many exchanges of each route there are."""
        counts: dict[RouteKey, int] = {}
        for frame in self.frames:
            if FRAME_HEAD.unpack_from(frame)[2] == FrameKind.EXCHANGE:
                exchange = decode_exchange(frame[FRAME_HEAD.size :])
                key = (exchange.request.method, exchange.route)
                counts[key] = counts.get(key, 0) + 1
        return counts


def batches_of(header: Header, frames: Iterable[bytes]) -> Iterator[Batch]:
    """The frames in their order, in as few batches as `MAX_BYTES` allows."""
    together: list[bytes] = []
    size = 0
    for frame in frames:
        if together and size + len(frame) > MAX_BYTES:
            yield Batch(header, tuple(together))
            together, size = [], 0
        together.append(frame)
        size += len(frame)
    if together:
        yield Batch(header, tuple(together))
