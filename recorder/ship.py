"""From captured references to frames in a sink: assemble, identify, redact, encode. Runs in the background thread."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .config import RecorderConfig
from .exchange import ProducerReport
from .facts import CapturedExchange, as_exchange
from .frames import FrameKind, Header, frame
from .payload import encode_exchange, encode_report
from .sinks import OnEvicted, Sink, open_sink

if TYPE_CHECKING:
    from .keys import Key


class Shipper:
    """One process's way to its sink."""

    def __init__(self, config: RecorderConfig, key: Key, producer: str, on_evicted: OnEvicted) -> None:
        # Imported here and not above: the first request pays for what the application may never need.
        from .identity import identify
        from .redaction import Redactor

        self._key = key
        self._identify = identify
        self._redactor = Redactor(key)
        self._producer = producer
        header = Header(key.id, config.service, config.release, producer, os.getpid(), time.time())
        self._stamp = header.stamp
        self._sink: Sink = open_sink(config, header, on_evicted)

    def encode(self, captured: CapturedExchange, sequence: int) -> bytes:
        """The frame of one exchange. Identity is read before redaction, which is the last step that sees clear text."""
        exchange = as_exchange(captured, self._producer, sequence)
        exchange = self._identify(
            exchange, remote_addr=captured.request.remote_addr, principal=captured.principal, key=self._key
        )
        return frame(FrameKind.EXCHANGE, encode_exchange(self._redactor.redact(exchange)), self._stamp)

    def write(self, frames: Sequence[bytes]) -> None:
        """Hands frames to the sink; raises `SinkError` when it keeps none of them."""
        self._sink.write(frames)

    def write_report(self, report: ProducerReport) -> None:
        self._sink.write([frame(FrameKind.REPORT, encode_report(report), self._stamp)])

    def close(self) -> None:
        self._sink.close()
