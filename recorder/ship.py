"""From captured references to frames in a sink: assemble, identify, redact, encode. Runs in the background thread."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .client import FORWARDED_FOR, client_address
from .config import RecorderConfig
from .exchange import ProducerReport
from .facts import as_exchange, messages, observed_in
from .frames import FrameKind, Header, frame
from .layout import PEER, field_of
from .payload import encode_exchange, encode_report
from .sinks import OnLost, Sink, open_sink

if TYPE_CHECKING:
    from .capture import Capture
    from .keys import Key


class Shipper:
    """One process's way to its sink."""

    def __init__(self, config: RecorderConfig, key: Key, producer: str, on_lost: OnLost) -> None:
        # Imported here and not above: the first request pays for what the application may never need.
        from .identity import Identifier
        from .redaction import Redactor

        self._identifier = Identifier(key)
        self._redactor = Redactor(key, config.secret_names)
        self._producer = producer
        self._trusted_proxies = config.trusted_proxies
        header = Header(key.id, config.service, config.release, producer, os.getpid(), time.time())
        self._stamp = header.stamp
        self._sink: Sink = open_sink(config, header, on_lost)

    def refusal(self) -> str:
        """The reason for which what is encoded would be dropped now; "" when it may not."""
        return self._sink.refusal()

    def encode(self, captured: Capture) -> bytes:
        """The frame of one exchange. Identity is read before redaction, which is the last step that sees clear text."""
        request, response = messages(captured)
        identity = self._identifier.identify(request, response, self._client_address(captured), captured.principal)
        observed = observed_in(captured)
        if observed.sql or observed.outbound:  # what the application told others holds the same secrets, and its own
            whole = as_exchange(captured, request, response, observed, identity, self._producer)
            exchange = self._redactor.redact(whole)
        else:
            redacted = self._redactor.redact_messages(request, response)
            exchange = as_exchange(captured, *redacted, observed, identity, self._producer)
        return frame(FrameKind.EXCHANGE, encode_exchange(exchange), self._stamp)

    def _client_address(self, captured: Capture) -> str:
        names, values = captured.names, captured.values
        if not self._trusted_proxies:
            return str(values[PEER])
        fields = {"REMOTE_ADDR": values[PEER], FORWARDED_FOR: field_of(names, values, FORWARDED_FOR)}
        return client_address(fields, self._trusted_proxies)

    def write(self, frames: Sequence[bytes]) -> None:
        """Hands frames to the sink; raises `SinkError` when it does not keep all of them."""
        self._sink.write(frames)

    def write_report(self, report: ProducerReport) -> None:
        self._sink.write([frame(FrameKind.REPORT, encode_report(report), self._stamp)])

    @property
    def gather(self) -> float:
        """Seconds for which exchanges are to be gathered into one batch."""
        return self._sink.gather

    def tend(self) -> float:
        """Lets the sink do what waits to be done. Seconds until it wants to be asked again."""
        return self._sink.tend()

    def hurry(self, deadline: float | None) -> None:
        """What the sink does from now on has to be done by then (monotonic); None: it has its own time again."""
        self._sink.hurry(deadline)

    def close(self) -> None:
        self._sink.close()
